"""Orders that their venue has changed by itself, as a split makes it, or a fill of another of the group."""

from __future__ import annotations

import msgspec

from actors.messages.clearing import AdjustReport
from actors.messages.orders import OrderReplaced
from actors.model.money import ZERO
from actors.oms.desk import Desk
from actors.oms.events import OrderEvents
from actors.oms.order import Order
from actors.views.special_terms import with_trail


def adjust(desk: Desk, events: OrderEvents, order: Order, report: AdjustReport) -> None:
    """Other terms hold from now on; what was to take the order's place was reckoned by the old ones."""
    if order.successor is not None:
        order.successor = None
        events.refused(order, "replace", "ORDER_ADJUSTED", "the venue has changed the order")
    terms = {"quantity": report.quantity, "price": report.price, "stop_price": report.stop_price}
    adjusted = msgspec.structs.replace(order.terms, **terms)
    order.terms = with_trail(adjusted, report.trail, report.limit_offset)
    order.terms_seq = desk.seq
    events.send(order, OrderReplaced, **terms, trail=report.trail, limit_offset=report.limit_offset)
    if order.remaining <= ZERO:  # its last fill came before this: only the venue can say that it has ended
        desk.ask_on(order)
