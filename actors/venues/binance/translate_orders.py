"""Orders: our commands → Binance's parameters, its claims → our reports. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from actors.messages.account import CashTransferred, VenueFill, VenueOrder
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    CancelReport,
    ExpiryReport,
    FillReport,
    OrderTerms,
    RejectReport,
    Report,
    Side,
    SubmitOrder,
    VenueStatus,
)
from actors.model.instrument import ZERO, Instrument, instrument_id
from actors.venues.binance.translate import NS_PER_MS
from actors.venues.binance.wire import (
    BalanceUpdate,
    CancelAck,
    ExecutionReport,
    OrderAck,
    OrderRow,
    TradeRow,
)

Params = dict[str, str | int]

_STATUS: dict[str, VenueStatus] = {
    "NEW": "accepted",
    "PENDING_NEW": "accepted",
    "PARTIALLY_FILLED": "partially_filled",
    "PENDING_CANCEL": "accepted",
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}


class Impossible(ValueError):
    """A command that this venue has no words for."""


class Account:
    """Whose orders these are, and where: what every report repeats."""

    def __init__(self, *, account: str, venue: str, instruments: Mapping[str, Instrument]) -> None:
        """`instruments` by the venue's symbol."""
        self.account = account
        self.venue = venue
        self.instruments = instruments

    def instrument(self, symbol: str) -> str:
        """Its id, whether configured or not."""
        return instrument_id(symbol, self.venue)

    def fee_currency(self, symbol: str) -> str:
        """What a fee of nothing, which the venue sends without an asset, is called."""
        known = self.instruments.get(symbol)
        return known.quote if known else ""


def symbol_of(instrument: str) -> str:
    """The venue's name of an instrument."""
    return instrument.partition("@")[0]


# commands


def place_params(command: SubmitOrder) -> Params:
    """Parameters of `order.place`; the answer is asked for in its short form, user data tell the rest.

    Raises:
        Impossible: The venue has no such order.
    """
    terms = command.terms
    params: Params = {
        "symbol": symbol_of(command.instrument),
        "side": terms.side.upper(),
        **_kind(terms),
        "quantity": plain(terms.quantity),
        "newClientOrderId": command.client_order_id,
        "newOrderRespType": "ACK",
    }
    if terms.price is not None:
        params["price"] = plain(terms.price)
    if terms.stop_price is not None:
        params["stopPrice"] = plain(terms.stop_price)
    return _stamped(params, command)


def cancel_params(command: CancelOrder) -> Params:
    """Parameters of `order.cancel`: by the venue's id as soon as it is known, because a cancel may rename."""
    params: Params = {"symbol": symbol_of(command.instrument), **order_key(command)}
    return _stamped(params, command)


def order_key(command: CancelOrder) -> Params:
    """How a cancel names its order."""
    if command.venue_order_id:
        return {"orderId": int(command.venue_order_id)}
    return {"origClientOrderId": command.client_order_id}


def plain(number: Decimal) -> str:
    """Digits without an exponent and without needless zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _kind(terms: OrderTerms) -> Params:
    if terms.time_in_force == "day":
        raise Impossible("Binance has no orders for the day: use gtc, ioc or fok")
    kind, needs_price, needs_stop = {
        "market": ("MARKET", False, False),
        "limit": ("LIMIT", True, False),
        "stop": ("STOP_LOSS", False, True),
        "stop_limit": ("STOP_LOSS_LIMIT", True, True),
    }[terms.order_type]
    if (terms.price is not None) != needs_price or (terms.stop_price is not None) != needs_stop:
        raise Impossible(f"a {terms.order_type} order with these prices is none")
    if terms.post_only:
        if kind != "LIMIT" or terms.time_in_force != "gtc":
            raise Impossible("on Binance only resting limit orders can be post-only")
        return {"type": "LIMIT_MAKER"}
    return {"type": kind, "timeInForce": terms.time_in_force.upper()} if needs_price else {"type": kind}


def _stamped(params: Params, command: SubmitOrder | CancelOrder) -> Params:
    return {**params, "recvWindow": command.receive_window_ms, "timestamp": command.venue_timestamp_ms}


# answers


def accept_of(ack: OrderAck, command: SubmitOrder) -> AcceptReport:
    """The answer to a submit."""
    return AcceptReport(
        ts_event=ack.transact_time * NS_PER_MS,
        account=command.account,
        instrument=command.instrument,
        client_order_id=command.client_order_id,
        venue_order_id=str(ack.order_id),
    )


def cancel_of(ack: CancelAck, command: CancelOrder) -> CancelReport:
    """The answer to a cancel."""
    return CancelReport(
        ts_event=ack.transact_time * NS_PER_MS,
        account=command.account,
        instrument=command.instrument,
        client_order_id=command.client_order_id,
        venue_order_id=str(ack.order_id),
        filled_quantity=ack.executed_qty,
    )


# user data


def order_id_of(event: ExecutionReport) -> str:
    """Our id: on a cancel the venue moves it to `C` and puts the cancel's own into `c`."""
    return event.original_client_order_id or event.client_order_id


def report_of(event: ExecutionReport, account: Account) -> Report | None:
    """What an execution report claims; None when it is nothing that moves an order."""
    common: dict[str, Any] = {
        "ts_event": (event.transaction_time or event.time) * NS_PER_MS,
        "account": account.account,
        "instrument": account.instrument(event.symbol),
        "client_order_id": order_id_of(event),
        "venue_order_id": str(event.order_id),
    }
    match event.execution, _STATUS.get(event.status):
        case "NEW", _:
            return AcceptReport(**common)
        case "TRADE", _:
            return FillReport(
                **common,
                trade_id=str(event.trade_id),
                side=_SIDES[event.side],
                quantity=event.last_quantity,
                price=event.last_price,
                fee=event.fee or ZERO,
                fee_currency=event.fee_asset or account.fee_currency(event.symbol),
                liquidity="maker" if event.is_maker else "taker",
            )
        case "CANCELED", _:
            return CancelReport(**common, filled_quantity=event.filled_quantity)
        case "REJECTED", _:
            reason = event.reject_reason
            return RejectReport(**common, command="submit", code=reason, text=reason)
        case (("EXPIRED" | "TRADE_PREVENTION"), "expired"):
            return ExpiryReport(
                **common,
                filled_quantity=event.filled_quantity,
                reason=_expiry_reason(event),
            )
        case _:
            return None


def transfer_of(event: BalanceUpdate, account: Account) -> CashTransferred:
    """A deposit or withdrawal; the venue gives it no id, so one is made from all it says."""
    return CashTransferred(
        ts_event=event.clear_time * NS_PER_MS,
        account=account.account,
        asset=event.asset,
        amount=event.delta,
        reason="deposit" if event.delta > 0 else "withdrawal",
        transfer_id=f"{account.venue}-{event.clear_time}-{event.asset}-{plain(event.delta)}",
    )


def _expiry_reason(event: ExecutionReport) -> str:
    if event.expiry_reason is not None:
        return str(event.expiry_reason)
    if event.execution == "TRADE_PREVENTION" or event.status == "EXPIRED_IN_MATCH":
        return "self-trade prevention"
    return event.reject_reason if event.reject_reason != "NONE" else event.status


# queries


def status_of(row: OrderRow) -> VenueStatus:
    """Our word for the state that a query shows.

    Raises:
        Impossible: The venue has a new word.
    """
    status = _STATUS.get(row.status)
    if status is None:
        raise Impossible(f"unknown order status {row.status!r} of order {row.order_id}")
    if status == "accepted" and row.executed_qty:
        return "partially_filled"
    return status


def venue_order(row: OrderRow, account: Account) -> VenueOrder:
    """An open order of a statement."""
    return VenueOrder(
        instrument=account.instrument(row.symbol),
        client_order_id=row.client_order_id or None,
        venue_order_id=str(row.order_id),
        side=_SIDES[row.side],
        quantity=row.orig_qty,
        filled_quantity=row.executed_qty,
        price=row.price if row.price else None,
        status=status_of(row),
    )


def venue_fill(row: TradeRow, instrument: str, client_order_id: str | None) -> VenueFill:
    """An execution of a statement; the venue's row names only its own order id."""
    return VenueFill(
        instrument=instrument,
        client_order_id=client_order_id,
        venue_order_id=str(row.order_id),
        trade_id=str(row.id),
        side="buy" if row.is_buyer else "sell",
        quantity=row.qty,
        price=row.price,
        fee=row.commission,
        fee_currency=row.commission_asset,
        liquidity="maker" if row.is_maker else "taker",
        ts_event=row.time * NS_PER_MS,
    )
