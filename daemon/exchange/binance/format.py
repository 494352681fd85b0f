"""Decimal strings, orders, trades, balances and market events as the venue writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from actors.venues.simulated.events import Balance
from daemon.exchange.market_data.events import DepthChange, Level, PublicTrade, Top
from daemon.exchange.market_data.klines import Kline, interval_end
from daemon.exchange.orders import OrderFill, OrderReport, OrderView

ZERO = Decimal(0)
_ENCODER = msgspec.json.Encoder()
_EXPIRY_REASONS = {
    "IOC": "UNFILLED_IOC_QTY_EXPIRED",
    "FOK": "UNFILLED_FOK_ORDER_EXPIRED",
    "INSUFFICIENT_BALANCE": "REJECTED",
}


def encoded(value: Any) -> bytes:
    """Compact JSON."""
    return _ENCODER.encode(value)


def amount(value: Decimal | None) -> str:
    """Eight decimals; more where cutting them off would change the value."""
    if value is None:
        return "0.00000000"
    text = f"{value:.8f}"
    return text if Decimal(text) == value else f"{value:f}"


# market events


class _TradeEvent(msgspec.Struct):
    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    M: bool


class _TopEvent(msgspec.Struct):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _DepthEvent(msgspec.Struct):
    e: str
    E: int
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]


def trade_event(trade: PublicTrade) -> bytes:
    """`<symbol>@trade`."""
    return _ENCODER.encode(
        _TradeEvent(
            "trade",
            trade.event_ms,
            trade.symbol,
            trade.trade_id,
            trade.price,
            trade.size,
            trade.trade_ms,
            trade.buyer_is_maker,
            True,
        )
    )


def aggregate_event(trade: PublicTrade) -> bytes:
    """`<symbol>@aggTrade`."""
    return _ENCODER.encode({"e": "aggTrade", "E": trade.event_ms, "s": trade.symbol, **aggregate_row(trade)})


def aggregate_row(trade: PublicTrade) -> dict[str, Any]:
    """A trade as aggregates are shown; every trade is its own aggregate here."""
    return {
        "a": trade.trade_id,
        "p": trade.price,
        "q": trade.size,
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.trade_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def top_event(top: Top) -> bytes:
    """`<symbol>@bookTicker`."""
    return _ENCODER.encode(
        _TopEvent(top.update_id, top.symbol, top.bid_price, top.bid_size, top.ask_price, top.ask_size)
    )


def depth_event(change: DepthChange) -> bytes:
    """`<symbol>@depth`."""
    return _ENCODER.encode(
        _DepthEvent(
            "depthUpdate",
            change.event_ms,
            change.symbol,
            change.first_id,
            change.last_id,
            change.bids,
            change.asks,
        )
    )


def kline_event(symbol: str, interval: str, bar: Kline, *, event_ms: int, is_closed: bool) -> bytes:
    """`<symbol>@kline_<interval>`."""
    k = {
        "t": bar.open_ms, "T": interval_end(interval, bar.open_ms) - 1, "s": symbol, "i": interval,
        "f": bar.first_trade_id, "L": bar.last_trade_id, "o": _f(bar.open), "c": _f(bar.close),
        "h": _f(bar.high), "l": _f(bar.low), "v": _f(bar.volume), "n": bar.trades, "x": is_closed,
        "q": _f(bar.quote_volume), "V": _f(bar.taker_volume), "Q": _f(bar.taker_quote_volume), "B": "0",
    }  # fmt: skip
    return _ENCODER.encode({"e": "kline", "E": event_ms, "s": symbol, "k": k})


def kline_row(interval: str, bar: Kline) -> list[Any]:
    """`GET /api/v3/klines`."""
    return [
        bar.open_ms, _f(bar.open), _f(bar.high), _f(bar.low), _f(bar.close), _f(bar.volume),
        interval_end(interval, bar.open_ms) - 1, _f(bar.quote_volume), bar.trades, _f(bar.taker_volume),
        _f(bar.taker_quote_volume), "0",
    ]  # fmt: skip


def _f(number: float) -> str:
    return f"{number:.8f}"


# orders


def order_fields(order: OrderView) -> dict[str, Any]:
    """What every answer about an order has."""
    request = order.request
    fields: dict[str, Any] = {
        "symbol": request.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": request.client_order_id,
        "price": amount(request.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "origQuoteOrderQty": amount(request.quote_quantity),
        "cummulativeQuoteQty": amount(order.quote_executed),
        "status": order.status,
        "timeInForce": request.time_in_force,
        "type": request.type,
        "side": request.side,
    }
    if request.stop_price is not None:
        fields["stopPrice"] = amount(request.stop_price)
    return fields


def placed(order: OrderView) -> dict[str, Any]:
    """Answer to `order.place`, as long as `newOrderRespType` asks."""
    head = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.request.client_order_id,
        "transactTime": order.created_ms,
    }
    if order.request.response_type == "ACK":
        return head
    answer = head | order_fields(order)
    answer["workingTime"] = order.working_ms
    answer["selfTradePreventionMode"] = order.request.self_trade_prevention
    if order.request.response_type == "FULL":
        answer["fills"] = [
            {
                "price": amount(fill.price),
                "qty": amount(fill.quantity),
                "commission": amount(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.fills
        ]
    return answer


def queried(order: OrderView) -> dict[str, Any]:
    """One order of `order.status`, `openOrders.status`, `allOrders`."""
    answer = order_fields(order) | {
        "stopPrice": amount(order.request.stop_price),
        "icebergQty": amount(order.request.iceberg_quantity),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.is_working,
        "workingTime": order.working_ms,
        "selfTradePreventionMode": order.request.self_trade_prevention,
    }
    if order.expiry_reason is not None:
        answer["expiryReason"] = expiry_reason(order)
    return answer


def cancelled(order: OrderView) -> dict[str, Any]:
    """Answer to `order.cancel`: `clientOrderId` is the cancel's own."""
    return order_fields(order) | {
        "origClientOrderId": order.request.client_order_id,
        "clientOrderId": order.cancel_id,
        "transactTime": order.updated_ms,
        "selfTradePreventionMode": order.request.self_trade_prevention,
    }


def expiry_reason(order: OrderView) -> str:
    """In the venue's words."""
    reason = order.expiry_reason or ""
    if reason == "IOC" and order.request.type == "MARKET":
        return "INSUFFICIENT_LIQUIDITY"
    return _EXPIRY_REASONS.get(reason, "EXCHANGE_CANCELED")


def my_trade(order: OrderView, fill: OrderFill) -> dict[str, Any]:
    """One row of `myTrades`."""
    return {
        "symbol": order.symbol,
        "id": fill.trade_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "quoteQty": amount(fill.price * fill.quantity),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": order.request.side == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


# user data


def execution_report(report: OrderReport, *, number: int, event_ms: int) -> dict[str, Any]:
    """`executionReport` of one step; on a cancel `c` is the cancel's id and `C` the order's."""
    order, fill, request = report.order, report.fill, report.order.request
    is_cancel = report.execution == "CANCELED"
    event: dict[str, Any] = {
        "e": "executionReport",
        "E": event_ms,
        "s": request.symbol,
        "c": (order.cancel_id or "") if is_cancel else request.client_order_id,
        "S": request.side,
        "o": request.type,
        "f": request.time_in_force,
        "q": amount(order.quantity),
        "p": amount(request.price),
        "P": amount(request.stop_price),
        "F": amount(request.iceberg_quantity),
        "g": -1,
        "C": request.client_order_id if is_cancel else "",
        "x": report.execution,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": amount(fill.quantity if fill else ZERO),
        "z": amount(order.executed),
        "L": amount(fill.price if fill else ZERO),
        "n": amount(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": report.time_ms,
        "t": fill.trade_id if fill else -1,
        "I": number,
        "w": order.is_working and order.is_open,
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": order.created_ms,
        "Z": amount(order.quote_executed),
        "Y": amount(fill.price * fill.quantity if fill else ZERO),
        "Q": amount(request.quote_quantity),
        "W": order.working_ms,
        "V": request.self_trade_prevention,
    }
    if report.execution == "EXPIRED":
        event["eR"] = expiry_reason(order)
    return event


def account_position(
    balances: Mapping[str, Balance], assets: Sequence[str], *, event_ms: int
) -> dict[str, Any]:
    """`outboundAccountPosition` of the assets that may have changed."""
    none = Balance(free=ZERO, locked=ZERO)
    held = [(asset, balances.get(asset, none)) for asset in assets]
    return {
        "e": "outboundAccountPosition",
        "E": event_ms,
        "u": event_ms,
        "B": [{"a": asset, "f": amount(b.free), "l": amount(b.locked)} for asset, b in held],
    }


def balance_update(asset: str, change: Decimal, *, event_ms: int) -> dict[str, Any]:
    """`balanceUpdate` of a deposit or withdrawal."""
    return {"e": "balanceUpdate", "E": event_ms, "a": asset, "d": amount(change), "T": event_ms}
