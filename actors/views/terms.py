"""Whether an order's terms can exist at all: fields, grid and minimum of the instrument."""

from __future__ import annotations

from decimal import Context, Decimal
from math import isfinite

from actors.messages.orders import OrderTerms, OrderType
from actors.model.instrument import Instrument
from actors.model.money import ZERO, to_decimal

ORDER_ID_NOT_NEW = "ORDER_ID_NOT_NEW"
"""Code of the one denial whose order id also names an order that goes on."""

Fault = tuple[str, str]
"""Stable code and figures, as `OrderDenied` carries them."""

_remainder = Context(prec=40, traps=[]).remainder
"""Of absurdly large figures it is NaN, which is on no grid either."""

_NEEDS: dict[OrderType, tuple[bool, bool]] = {
    "market": (False, False),
    "limit": (True, False),
    "stop": (False, True),
    "stop_limit": (True, True),
}
"""Whether a type needs, and else must not have, a limit price and a stop price."""


def fault_in_terms(terms: OrderTerms, instrument: Instrument, mark_price: float | None) -> Fault | None:
    """The first thing that makes an order impossible at this instrument; a venue would refuse it."""
    is_plain = terms.order_type == "market" and terms.price is None and terms.stop_price is None
    fault = None
    if not is_plain or terms.post_only:
        fault = _fault_in_fields(terms) or _fault_in_prices(terms, instrument)
    fault = fault or _fault_in_quantity(terms, instrument)
    if fault is None and instrument.notional_min:
        fault = _fault_in_notional(terms, instrument, mark_price)
    return fault


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
    if terms.post_only and (terms.order_type != "limit" or terms.time_in_force in ("ioc", "fok")):
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
