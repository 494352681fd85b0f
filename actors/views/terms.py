"""Whether an order's terms can exist at all: fields, grid and minimum of the instrument."""

from __future__ import annotations

from decimal import Context, Decimal
from math import isfinite

from actors.messages.orders import TRAILING, OrderTerms, OrderType
from actors.model.instrument import Instrument
from actors.model.money import ZERO, to_decimal
from actors.views.special_terms import AUCTIONS, Fault, fault_in_family, fault_in_special

ORDER_ID_NOT_NEW = "ORDER_ID_NOT_NEW"
"""Code of the one denial whose order id also names an order that goes on."""

__all__ = ["ORDER_ID_NOT_NEW", "Fault", "fault_in_bracket", "fault_in_terms"]

_remainder = Context(prec=40, traps=[]).remainder
"""Of absurdly large figures it is NaN, which is on no grid either."""

_SPECIAL_TIMES = ("gtd", *AUCTIONS)
_NEVER_REST = ("ioc", "fok", *AUCTIONS)
_NEEDS: dict[OrderType, tuple[bool, bool]] = {
    "market": (False, False),
    "limit": (True, False),
    "stop": (False, True),
    "stop_limit": (True, True),
    "trailing_stop": (False, False),
    "trailing_stop_limit": (False, False),
}
"""Whether a type needs, and else must not have, a limit price and a stop price."""


def fault_in_terms(terms: OrderTerms, instrument: Instrument, mark_price: float | None) -> Fault | None:
    """The first thing that makes an order impossible at this instrument; a venue would refuse it."""
    is_plain = terms.order_type == "market" and terms.price is None and terms.stop_price is None
    fault = None
    if not is_plain or terms.post_only:
        fault = _fault_in_fields(terms) or _fault_in_prices(terms, instrument)
    if terms.special is not None or terms.time_in_force in _SPECIAL_TIMES or terms.order_type in TRAILING:
        fault = fault or fault_in_special(terms, instrument)
    fault = fault or _fault_in_quantity(terms, instrument)
    if fault is None and instrument.notional_min:
        fault = _fault_in_notional(terms, instrument, mark_price)
    return fault


def fault_in_bracket(
    terms: OrderTerms, children: tuple[OrderTerms, ...], instrument: Instrument, mark_price: float | None
) -> Fault | None:
    """The first thing that makes a bracket, or one of the orders that wait in it, impossible."""
    for child in children:
        fault = fault_in_terms(child, instrument, mark_price)
        if fault is not None:
            return fault[0], f"order={child.client_order_id}, {fault[1]}"
    return fault_in_family(terms, children)


def _fault_in_fields(terms: OrderTerms) -> Fault | None:
    needs_price, needs_stop = _NEEDS[terms.order_type]
    for name, needed, price in (
        ("price", needs_price, terms.price),
        ("stop_price", needs_stop, terms.stop_price),
    ):
        if needed and price is None:
            return "ORDER_FIELD_MISSING", f"order_type={terms.order_type}, field={name}"
        if not needed and price is not None:
            return "ORDER_FIELD_NOT_ALLOWED", f"order_type={terms.order_type}, {name}={price}"
    if terms.post_only and (terms.order_type != "limit" or terms.time_in_force in _NEVER_REST):
        return "POST_ONLY_NOT_ALLOWED", (
            f"order_type={terms.order_type}, time_in_force={terms.time_in_force}"
        )
    return None


def _fault_in_prices(terms: OrderTerms, instrument: Instrument) -> Fault | None:
    for name, price in (("price", terms.price), ("stop_price", terms.stop_price)):
        if price is None:
            continue
        if not price.is_finite() or price <= ZERO:
            return "PRICE_NOT_POSITIVE", f"{name}={price}"
        if instrument.tick_size and _remainder(price, instrument.tick_size) != ZERO:
            return "PRICE_NOT_ON_TICK", f"{name}={price}, tick_size={instrument.tick_size}"
    return None


def _fault_in_quantity(terms: OrderTerms, instrument: Instrument) -> Fault | None:
    quantity = terms.quantity
    if not quantity.is_finite() or quantity <= ZERO:
        return "QUANTITY_NOT_POSITIVE", f"quantity={quantity}"
    if instrument.lot_size and _remainder(quantity, instrument.lot_size) != ZERO:
        return "QUANTITY_NOT_ON_LOT", f"quantity={quantity}, lot_size={instrument.lot_size}"
    if quantity < instrument.quantity_min:
        return "QUANTITY_BELOW_MIN", f"quantity={quantity}, min={instrument.quantity_min}"
    if instrument.quantity_max is not None and quantity > instrument.quantity_max:
        return "QUANTITY_ABOVE_MAX", f"quantity={quantity}, max={instrument.quantity_max}"
    return None


def _fault_in_notional(terms: OrderTerms, instrument: Instrument, mark_price: float | None) -> Fault | None:
    price: Decimal | None = terms.price if terms.price is not None else terms.stop_price
    if price is None:
        if mark_price is None or not isfinite(mark_price):
            return None
        price = to_decimal(mark_price)
    notional = terms.quantity * price * instrument.multiplier
    if notional >= instrument.notional_min:
        return None
    return "NOTIONAL_BELOW_MIN", f"notional={notional}, min={instrument.notional_min}"
