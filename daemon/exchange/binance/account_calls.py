"""What the owner of an account may ask and do."""

from __future__ import annotations

from typing import Any

from daemon.exchange.binance import format as wire
from daemon.exchange.binance.errors import (
    INVALID_SYMBOL,
    NO_SUCH_ORDER,
    REFUSALS,
    UNKNOWN_ORDER,
    ApiError,
    missing,
)
from daemon.exchange.binance.order_requests import checked_quantity, fresh_id, read_order
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services
from daemon.exchange.faults import Subject
from daemon.exchange.orders import OrderView, VenueRefusal

ROWS_MAX = 1_000
DAY_MS = 86_400_000


def place_order(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Place an order."""
    request = read_order(params)
    params.refuse_unread()
    market = services.symbol(request.symbol)
    now_ms = services.clock.now_ms()
    open_count = len(services.venue.open_orders(caller.owner, request.symbol))
    quantity = checked_quantity(request, market, open_count, services.settings.profile.open_orders_max)
    services.limits.count_order(caller.owner, now_ms)
    try:
        order = services.venue.place(caller.owner, request, quantity)
    except VenueRefusal as refusal:
        raise ApiError(*REFUSALS.get(refusal.code, (-2010, refusal.text))) from None
    if order.executed:
        services.limits.order_filled(caller.owner, now_ms)
    return wire.placed(order)


def test_order(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Check an order and forget it."""
    params.text("computeCommissionRates")
    request = read_order(params)
    params.refuse_unread()
    checked_quantity(request, services.symbol(request.symbol), 0, 1)
    return {}


def order_status(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """What became of an order."""
    order = _find(services, caller, params, NO_SUCH_ORDER)
    age_ms = services.clock.now_ms() - order.created_ms
    hidden = services.faults.take(
        "hide_order", Subject(order.symbol, "order.status", caller.account), younger_ms=age_ms
    )
    if hidden is not None:
        raise ApiError(*NO_SUCH_ORDER)
    return wire.queried(order)


def cancel_order(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Cancel what is left of an order."""
    cancel_id = params.client_order_id("newClientOrderId") or fresh_id()
    restriction = params.choice(
        "cancelRestrictions",
        ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"),
        (-1145, "Invalid cancelRestrictions"),
    )
    order = _find(services, caller, params, UNKNOWN_ORDER)
    params.refuse_unread()
    wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}.get(restriction or "")
    if wanted is not None and order.status != wanted:
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
    _cancel(services, order, cancel_id)
    return wire.cancelled(order)


def cancel_open_orders(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Cancel every open order of a symbol."""
    symbol = services.symbol(params.required("symbol")).symbol
    params.refuse_unread()
    found = services.venue.open_orders(caller.owner, symbol)
    if not found:
        raise ApiError(*UNKNOWN_ORDER)
    for order in found:
        _cancel(services, order, fresh_id())
    return [wire.cancelled(order) for order in found]


def _cancel(services: Services, order: OrderView, cancel_id: str) -> None:
    try:
        services.venue.cancel(order, cancel_id)
    except VenueRefusal:
        raise ApiError(*UNKNOWN_ORDER) from None
    if services.faults.take("rename_on_cancel", Subject(order.symbol, "order.cancel", order.account)):
        services.venue.rename(order)


def open_orders(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Open orders of one symbol or of all."""
    symbol = params.text("symbol")
    if symbol is not None:
        services.symbol(symbol)
    stale = services.faults.take("stale_open_orders", Subject(symbol, "openOrders.status", caller.account))
    if stale is None:
        return [wire.queried(order) for order in services.venue.open_orders(caller.owner, symbol)]
    at_ms = services.clock.now_ms() - stale.milliseconds
    return [
        wire.queried(order)
        for order in services.venue.orders(caller.owner)
        if symbol in (None, order.symbol) and _was_open(order, at_ms)
    ]


def _was_open(order: OrderView, at_ms: int) -> bool:
    return order.created_ms <= at_ms and (order.closed_ms is None or order.closed_ms > at_ms)


def open_orders_weight(params: dict[str, str]) -> int:
    """Dear without a symbol."""
    return 6 if params.get("symbol") else 80


def all_orders(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Orders from an id or within a day; without either the newest ones."""
    symbol = services.symbol(params.required("symbol")).symbol
    from_id = params.integer("orderId")
    start, end, limit = _span(params)
    found = [
        order
        for order in services.venue.orders(caller.owner)
        if order.symbol == symbol
        and (from_id is None or order.order_id >= from_id)
        and (start is None or order.created_ms >= start)
        and (end is None or order.created_ms <= end)
    ]
    rows = found[-limit:] if from_id is None and start is None else found[:limit]
    return [wire.queried(order) for order in rows]


def my_trades(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Executions, oldest first: of one order, from a trade id, within a day, or the newest ones."""
    symbol = services.symbol(params.required("symbol")).symbol
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    start, end, limit = _span(params)
    if from_id is not None and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    found = [
        (order, fill)
        for order, fill in services.venue.fills(caller.owner, symbol)
        if (order_id is None or order.order_id == order_id)
        and (from_id is None or fill.trade_id >= from_id)
        and (start is None or fill.time_ms >= start)
        and (end is None or fill.time_ms <= end)
    ]
    rows = found[-limit:] if from_id is None and start is None else found[:limit]
    return [wire.my_trade(order, fill) for order, fill in rows]


def my_trades_weight(params: dict[str, str]) -> int:
    """Cheap for one order."""
    return 5 if params.get("orderId") else 20


def account(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Balances and rights."""
    omit_zero = params.text("omitZeroBalances") == "true"
    settings = services.settings
    maker, taker = f"{settings.maker_fee:.8f}", f"{settings.taker_fee:.8f}"
    balances = services.venue.balances(caller.owner)
    return {
        "makerCommission": int(settings.maker_fee * 10_000),
        "takerCommission": int(settings.taker_fee * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": maker, "taker": taker, "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": services.clock.now_ms(),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": wire.amount(balance.free), "locked": wire.amount(balance.locked)}
            for asset, balance in balances.items()
            if balance.total or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": account_uid(services, caller.owner),
    }


def account_uid(services: Services, name: str) -> int:
    """A number that stays with the account's place in the settings."""
    names = [known.name for known in services.settings.accounts]
    return 100_000 + names.index(name)


def order_limits(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """How many orders count at present."""
    return services.limits.order_status(caller.owner, services.clock.now_ms())


def _find(services: Services, caller: Caller, params: Parameters, unknown: tuple[int, str]) -> OrderView:
    symbol = params.required("symbol")
    if symbol not in services.market.symbols:
        raise ApiError(*INVALID_SYMBOL)
    order_id = params.integer("orderId")
    client_id = params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise missing("orderId")
    order = services.venue.find(caller.owner, symbol, order_id=order_id, client_order_id=client_id)
    if order is None:
        raise ApiError(*unknown)
    if order_id is not None and client_id not in (None, order.request.client_order_id, order.cancel_id):
        raise ApiError(-2039, "Client order ID is not correct for this order ID.")
    return order


def _span(params: Parameters) -> tuple[int | None, int | None, int]:
    start, end = params.integer("startTime"), params.integer("endTime")
    if start is not None and end is not None and end - start > DAY_MS:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    return start, end, min(params.integer("limit", least=1) or 500, ROWS_MAX)
