"""A client's order as it comes over the wire: 115 fields at server version 176, more for groups."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from daemon.exchange.ib.contracts import Contract, Wanted
from daemon.exchange.ib.wire import BadFrame, Fields

ZERO = Decimal(0)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a client."""

    req_id: int = -1


class PlaceOrder(Request, frozen=True, kw_only=True):
    """A new order, or new terms for one."""

    order_id: int
    contract: Wanted
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    """Stop price, or the trail's distance."""
    time_in_force: str
    oca_group: str
    account: str
    order_ref: str
    transmit: bool
    parent_id: int
    outside_hours: bool
    good_after: str
    good_till: str
    oca_type: int
    algo: str
    algo_params: tuple[tuple[str, str], ...]
    trail_stop_price: Decimal | None
    trailing_percent: Decimal | None
    limit_offset: Decimal | None
    """Of a trailing stop with a limit, instead of its limit price."""
    is_what_if: bool
    cash_quantity: Decimal | None


def parse_contract(fields: Fields) -> Wanted:
    """A contract as a client names it: twelve fields."""
    con_id = fields.integer() or 0
    symbol, sec_type, expiry = fields.text(), fields.text(), fields.text()
    strike = fields.decimal() or ZERO
    right, multiplier, exchange = fields.text(), fields.text(), fields.text()
    primary = fields.text()
    return Wanted(
        con_id=con_id, symbol=symbol, sec_type=sec_type, expiry=expiry, strike=strike,
        right="" if right in ("?", "0") else right, multiplier=multiplier, exchange=exchange,
        primary_exchange=primary, currency=fields.text(), local_symbol=fields.text(),
        trading_class=fields.text(),
    )  # fmt: skip


def parse_order(fields: Fields) -> Request:
    """Everything after the message's number.

    Raises:
        BadFrame: Not of this form, or a kind of order that is not traded here.
    """
    order_id, contract = fields.count(), parse_contract(fields)
    fields.skip(2)  # security id
    action, quantity, order_type = fields.text(), fields.decimal() or ZERO, fields.text()
    limit_price, aux_price = fields.decimal(), fields.decimal()
    time_in_force, oca_group, account = fields.text(), fields.text(), fields.text()
    fields.skip(2)
    order_ref, transmit, parent_id = fields.text(), fields.flag(), fields.integer() or 0
    fields.skip(4)
    outside_hours = fields.flag()
    fields.skip(1)
    if contract.sec_type == "BAG":
        raise BadFrame("combinations are not traded here")
    fields.skip(2)
    good_after, good_till = fields.text(), fields.text()
    fields.skip(8)
    oca_type = fields.integer() or 0
    fields.skip(17)
    fields.skip(9 if fields.text() else 1)  # delta neutral order type
    fields.skip(2)
    trail_stop_price, trailing_percent = fields.decimal(), fields.decimal()
    _skip_scale_and_hedge(fields)
    algo, algo_params = _algo(fields)
    fields.skip(1)
    is_what_if = fields.flag()
    fields.skip(4)
    if fields.count():
        raise BadFrame("conditional orders are not traded here")
    fields.skip(2)
    limit_offset = fields.decimal()
    fields.skip(7)
    cash_quantity = fields.decimal()
    fields.skip(8)
    fields.skip(5)  # duration, ATS, parent's cancel, error override, manual time
    if order_type in ("PEG BENCH", "PEG BEST", "PEG MID"):
        raise BadFrame(f"{order_type} orders are not traded here")
    return PlaceOrder(
        order_id=order_id, contract=contract, action=action, quantity=quantity, order_type=order_type,
        limit_price=limit_price, aux_price=aux_price, time_in_force=time_in_force, oca_group=oca_group,
        account=account, order_ref=order_ref, transmit=transmit, parent_id=parent_id,
        outside_hours=outside_hours, good_after=good_after, good_till=good_till, oca_type=oca_type,
        algo=algo, algo_params=algo_params, trail_stop_price=trail_stop_price,
        trailing_percent=trailing_percent, limit_offset=limit_offset, is_what_if=is_what_if,
        cash_quantity=cash_quantity,
    )  # fmt: skip


def _skip_scale_and_hedge(fields: Fields) -> None:
    fields.skip(2)
    if (fields.decimal() or ZERO) > 0:  # scale price increment
        fields.skip(7)
    fields.skip(3)
    if fields.text():  # hedge type
        fields.skip(1)
    fields.skip(4)
    if fields.flag():  # delta neutral contract
        fields.skip(3)


def _algo(fields: Fields) -> tuple[str, tuple[tuple[str, str], ...]]:
    name = fields.text()
    if not name:
        return "", ()
    return name, tuple((fields.text(), fields.text()) for _ in range(fields.count()))


def market_order(order_id: int, account: str, contract: Contract, quantity: int) -> PlaceOrder:
    """What somebody types in by hand: buys, or sells if the quantity is below 0."""
    wanted = Wanted(
        con_id=contract.con_id, symbol="", sec_type="", expiry="", strike=ZERO, right="", multiplier="",
        exchange=contract.exchanges[0], primary_exchange="", currency="", local_symbol="", trading_class="",
    )  # fmt: skip
    return PlaceOrder(
        order_id=order_id, contract=wanted, action="BUY" if quantity > 0 else "SELL",
        quantity=Decimal(abs(quantity)), order_type="MKT", limit_price=None, aux_price=None,
        time_in_force="DAY", oca_group="", account=account, order_ref="", transmit=True, parent_id=0,
        outside_hours=True, good_after="", good_till="", oca_type=0, algo="", algo_params=(),
        trail_stop_price=None, trailing_percent=None, limit_offset=None, is_what_if=False,
        cash_quantity=None,
    )  # fmt: skip
