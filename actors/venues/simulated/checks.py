"""Whether a venue takes an order at all: its form and the instrument's filters."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.orders import OrderTerms
from actors.model.instrument import ZERO, Instrument
from actors.venues.simulated import reject
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.reject import Refusal

_NEEDS = {
    "market": (False, False),
    "limit": (True, False),
    "stop": (False, True),
    "stop_limit": (True, True),
    "trailing_stop": (False, True),  # what its trail begins with
    "trailing_stop_limit": (True, True),
}
"""Order type → whether it has a limit price, a stop price."""


def refusal(terms: OrderTerms, instrument: Instrument, worth: Decimal | None) -> Refusal | None:
    """First reason to refuse; `worth` is the price the order is valued at, None where nobody knows one."""
    has_price, has_stop = terms.price is not None, terms.stop_price is not None
    refused = None
    if has_price or has_stop or terms.post_only or terms.order_type != "market":
        refused = _form(terms, has_price=has_price, has_stop=has_stop) or _ticks(terms, instrument)
    return refused or _lots(terms.quantity, instrument) or _notional(terms, instrument, worth)


def replaced_terms(
    order: VenueOrderState, quantity: Decimal, price: Decimal | None, stop_price: Decimal | None
) -> OrderTerms:
    """What the order would ask for after a change."""
    return OrderTerms(
        client_order_id=order.client_order_id,
        account=order.account,
        strategy="",
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        quantity=quantity,
        price=price,
        stop_price=stop_price,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        special=order.special,
    )


def _form(terms: OrderTerms, *, has_price: bool, has_stop: bool) -> Refusal | None:
    if _NEEDS[terms.order_type] != (has_price, has_stop):
        return reject.BAD_TERMS, (
            f"a {terms.order_type} order with price={terms.price}, stop_price={terms.stop_price}"
        )
    if terms.post_only and (terms.order_type != "limit" or terms.time_in_force in ("ioc", "fok")):
        return reject.BAD_TERMS, f"post-only {terms.order_type} {terms.time_in_force}"
    return None


def _ticks(terms: OrderTerms, instrument: Instrument) -> Refusal | None:
    for name, price in (("price", terms.price), ("stop_price", terms.stop_price)):
        if price is not None and (price <= ZERO or not _whole(price, instrument.tick_size)):
            return reject.PRICE_FILTER, f"{name}={price}, tick_size={instrument.tick_size}"
    return None


def _lots(quantity: Decimal, instrument: Instrument) -> Refusal | None:
    if quantity <= ZERO or not _whole(quantity, instrument.lot_size):
        return reject.LOT_SIZE, f"quantity={quantity}, lot_size={instrument.lot_size}"
    if quantity < instrument.quantity_min:
        return reject.LOT_SIZE, f"quantity={quantity}, min={instrument.quantity_min}"
    if instrument.quantity_max is not None and quantity > instrument.quantity_max:
        return reject.LOT_SIZE, f"quantity={quantity}, max={instrument.quantity_max}"
    return None


def _notional(terms: OrderTerms, instrument: Instrument, worth: Decimal | None) -> Refusal | None:
    if worth is None or not instrument.notional_min:
        return None
    notional = terms.quantity * worth * instrument.multiplier
    if notional < instrument.notional_min:
        return reject.NOTIONAL, f"notional={notional}, min={instrument.notional_min}"
    return None


def _whole(number: Decimal, step: Decimal) -> bool:
    return not step or number % step == ZERO
