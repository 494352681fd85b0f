"""A strategy's open orders as the strategy sees them: from its wish to the terminal event."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    OrderAccepted,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderReplaced,
    OrderTerms,
    OrderType,
    Side,
)
from actors.model.money import ZERO
from actors.views.special_terms import with_trail


class Order(msgspec.Struct, frozen=True, array_like=True):
    """One open order; a snapshot that does not change in your hands."""

    terms: OrderTerms
    is_request: bool
    """Wished for by the strategy itself; False for what the portfolio made of a signal."""
    filled: Decimal = ZERO
    status: Literal["requested", "accepted", "unknown"] = "requested"
    change: Literal["none", "cancel", "replace"] = "none"
    """What was asked for and not answered yet."""
    successor: str = ""
    """Client order id that takes over the remainder where the venue cannot change an order in place."""

    @property
    def client_order_id(self) -> str:
        """Ours, made before sending."""
        return self.terms.client_order_id

    @property
    def instrument(self) -> str:
        """`BTCUSDT@binance`."""
        return self.terms.instrument

    @property
    def side(self) -> Side:
        """`buy` or `sell`."""
        return self.terms.side

    @property
    def order_type(self) -> OrderType:
        """`market`, `limit`, `stop`, `stop_limit`, `trailing_stop` or `trailing_stop_limit`."""
        return self.terms.order_type

    @property
    def price(self) -> Decimal | None:
        """Limit price; None for market and stop orders."""
        return self.terms.price

    @property
    def quantity(self) -> Decimal:
        """Total, filled part included."""
        return self.terms.quantity

    @property
    def remaining(self) -> Decimal:
        """What may still fill."""
        return self.terms.quantity - self.filled

    @property
    def can_change(self) -> bool:
        """The venue has it and no cancel or replace is under way."""
        return self.status == "accepted" and self.change == "none"


class Orders:
    """The open orders of one strategy by client order id, oldest first."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._of: dict[str, tuple[Order, ...]] = {}
        """By instrument, as last asked for; empty after every change."""

    def get(self, client_order_id: str) -> Order | None:
        """The order; None when it is closed or was never this strategy's."""
        return self._orders.get(client_order_id)

    def of(self, instrument: str | None) -> tuple[Order, ...]:
        """Open orders of one instrument, or of all."""
        if instrument is None:
            return tuple(self._orders.values())
        found = self._of.get(instrument)
        if found is None:
            found = tuple([order for order in self._orders.values() if order.terms.instrument == instrument])
            self._of[instrument] = found
        return found

    def put(self, order: Order) -> None:
        """The order is from now on this."""
        self._orders[order.terms.client_order_id] = order
        if self._of:
            self._of.clear()

    def add(self, terms: OrderTerms, *, is_request: bool) -> None:
        """Know an order from now on; one already known stays as it is."""
        if terms.client_order_id not in self._orders:
            self.put(Order(terms, is_request))

    def adopt(self, terms: OrderTerms) -> None:
        """Know an order that was approved; the successor of a replaced one was wished for by the strategy."""
        if terms.client_order_id not in self._orders:
            self.put(Order(terms, terms.replaces is not None))

    def drop(self, client_order_id: str) -> Order | None:
        """The order is closed."""
        if self._of:
            self._of.clear()
        return self._orders.pop(client_order_id, None)

    def ask(self, client_order_id: str, change: Literal["cancel", "replace"], successor: str = "") -> None:
        """A cancel or replace of this order is under way."""
        order = self._orders[client_order_id]
        self.put(msgspec.structs.replace(order, change=change, successor=successor))

    def answer(self, client_order_id: str) -> None:
        """No cancel or replace of this order is under way any more."""
        order = self._orders.get(client_order_id)
        if order is not None:
            self.put(msgspec.structs.replace(order, change="none", successor=""))

    def replaced_by(self, successor: str) -> Order | None:
        """The order whose replacement was to bear this id."""
        for order in self._orders.values():
            if order.successor == successor:
                return order
        return None

    def apply_fill(self, fill: OrderFilled | FillCorrected) -> None:
        """Follow one execution, or other figures of one: an order that is over stays so."""
        order = self._orders.get(fill.client_order_id)
        if isinstance(fill, FillCorrected):
            if order is not None and fill.quantity_change:
                self.put(msgspec.structs.replace(order, filled=fill.filled_quantity))
        elif fill.remaining <= ZERO:
            self.drop(fill.client_order_id)
        elif order is not None:
            self.put(msgspec.structs.replace(order, filled=order.filled + fill.quantity))

    def apply_status(self, fact: OrderAccepted | OrderOutcomeUnknown | OrderReplaced) -> None:
        """Follow what the venue made of the order while it stays open."""
        order = self._orders.get(fact.client_order_id)
        if order is None:
            return
        match fact:
            case OrderAccepted():  # what happens to every order
                order = Order(
                    order.terms, order.is_request, order.filled, "accepted", order.change, order.successor
                )
            case OrderOutcomeUnknown():
                order = msgspec.structs.replace(order, status="unknown")
            case OrderReplaced():
                terms = msgspec.structs.replace(
                    order.terms, quantity=fact.quantity, price=fact.price, stop_price=fact.stop_price
                )
                terms = with_trail(terms, fact.trail, fact.limit_offset)
                order = msgspec.structs.replace(
                    order, terms=terms, status="accepted", change="none", successor=""
                )
        self.put(order)

    def snapshot(self) -> list[Order]:
        """State for the checkpoint."""
        return list(self._orders.values())

    def restore(self, orders: Iterable[Order]) -> None:
        """Take a checkpoint's orders."""
        self._orders = {order.client_order_id: order for order in orders}
        self._of.clear()
