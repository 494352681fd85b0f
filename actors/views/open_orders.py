"""Open orders as seen from outside the OMS: what is approved and not yet settled, `unknown` included.

An order leaves this view only when everything it has filled is booked: a terminal event shrinks it to the
fills whose `PositionChanged` is still under way. So between two messages of a step exposure is never seen
too small.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from actors.messages.account import PositionChanged
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
)
from actors.model.money import ZERO
from actors.views.special_terms import with_trail


class OpenOrder(msgspec.Struct, array_like=True):
    """One order that may still fill, or whose last fills are not booked yet."""

    terms: OrderTerms
    booked: Decimal = ZERO
    """Filled and booked into the position."""
    filled: Decimal = ZERO
    """Filled according to settled facts."""
    is_unknown: bool = False
    is_terminal: bool = False

    @property
    def unbooked(self) -> Decimal:
        """What may still change the position: the whole rest while the order lives, then fills under way."""
        return (self.filled if self.is_terminal else self.terms.quantity) - self.booked

    @property
    def remaining(self) -> Decimal:
        """Quantity that may still fill; 0 once terminal."""
        return ZERO if self.is_terminal else self.terms.quantity - self.filled


class OpenOrders:
    """All open orders by client order id, in the order of their approval."""

    __slots__ = ("by_id",)

    def __init__(self) -> None:
        self.by_id: dict[str, OpenOrder] = {}
        """Read only; the way round all methods for who asks with every message."""

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[OpenOrder]:
        return iter(self.by_id.values())

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self.by_id

    def get(self, client_order_id: str) -> OpenOrder | None:
        """The order, or None when it is closed and booked, or was never ours."""
        return self.by_id.get(client_order_id)

    def add(self, terms: OrderTerms) -> OpenOrder:
        """Count a new order from now on."""
        order = self.by_id[terms.client_order_id] = OpenOrder(terms)
        return order

    def replace(
        self,
        client_order_id: str,
        quantity: Decimal,
        price: Decimal | None,
        stop: Decimal | None,
        trail: Decimal | None = None,
        limit_offset: Decimal | None = None,
    ) -> None:
        """Change the terms of an order that the venue changed, or may have changed, in place."""
        order = self.by_id.get(client_order_id)
        if order is not None:
            terms = msgspec.structs.replace(order.terms, quantity=quantity, price=price, stop_price=stop)
            order.terms = with_trail(terms, trail, limit_offset)

    def apply(
        self,
        event: OrderFilled
        | OrderCancelled
        | OrderExpired
        | OrderRejected
        | OrderReplaced
        | OrderOutcomeUnknown
        | PositionChanged,
    ) -> OpenOrder | None:
        """Follow one settled fact; returns the order as it is now, also when it has just left the view."""
        if isinstance(event, PositionChanged):
            return self.book(event)
        if isinstance(event, OrderFilled):
            return self.fill(event)
        order = self.by_id.get(event.client_order_id)
        if order is not None:
            self._change(order, event)
            if order.is_terminal and order.filled <= order.booked:
                del self.by_id[event.client_order_id]
        return order

    def fill(self, event: OrderFilled) -> OpenOrder | None:
        """Follow one execution; as `apply`."""
        order = self.by_id.get(event.client_order_id)
        if order is not None:
            order.filled += event.quantity
            if not event.remaining:
                order.is_terminal = True
            if order.is_terminal:
                order.is_unknown = False
                if order.filled <= order.booked:
                    del self.by_id[event.client_order_id]
        return order

    def correct(self, event: FillCorrected) -> None:
        """Follow other figures of an execution; an order that has left the view stays away."""
        order = self.by_id.get(event.client_order_id)
        if order is not None:
            order.filled += event.quantity_change

    def book(self, event: PositionChanged) -> OpenOrder | None:
        """Follow one booking; as `apply`."""
        order_id = event.client_order_id
        order = self.by_id.get(order_id) if order_id is not None else None
        if order is not None:
            order.booked += event.filled_quantity
            if order.is_terminal and order.filled <= order.booked:
                del self.by_id[order.terms.client_order_id]
        return order

    def _change(
        self,
        order: OpenOrder,
        event: OrderCancelled | OrderExpired | OrderRejected | OrderReplaced | OrderOutcomeUnknown,
    ) -> None:
        match event:
            case OrderCancelled() | OrderExpired():
                order.filled, order.is_terminal, order.is_unknown = event.filled_quantity, True, False
            case OrderRejected():
                order.is_terminal, order.is_unknown = True, False
            case OrderReplaced():
                self.replace(
                    event.client_order_id,
                    event.quantity,
                    event.price,
                    event.stop_price,
                    event.trail,
                    event.limit_offset,
                )
                order.is_unknown = False
            case OrderOutcomeUnknown():
                order.is_unknown = True

    def drop(self, client_order_id: str) -> OpenOrder | None:
        """Forget an order that was counted before its approval and then denied; returns it."""
        return self.by_id.pop(client_order_id, None)

    def settle(self, client_order_id: str) -> None:
        """The venue has the order after all: its outcome is known."""
        order = self.by_id.get(client_order_id)
        if order is not None:
            order.is_unknown = False

    def snapshot(self) -> list[OpenOrder]:
        """State for the checkpoint."""
        return list(self.by_id.values())

    def restore(self, orders: list[OpenOrder]) -> None:
        """Take a checkpoint's orders."""
        self.by_id = {order.terms.client_order_id: order for order in orders}
