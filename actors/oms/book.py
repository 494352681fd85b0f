"""All orders by our id and by the venue's; closed ones stay until completed queries have passed them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from actors.errors import InvariantBroken
from actors.messages.orders import OrderRecovered, OrderTerms, Report
from actors.oms.order import Order

QUERIES_TO_PASS = 2
"""Completed paged queries after which a closed order is forgotten; the second is the overlap."""


class OrderBook:
    """Open and closed orders. Walking the open ones costs nothing for those that are closed."""

    def __init__(self) -> None:
        self.open: dict[str, Order] = {}
        self.closed: dict[str, Order] = {}
        self._by_venue: dict[tuple[str, str, str], Order] = {}

    def add(self, order: Order) -> None:
        """Take a new order.

        Raises:
            InvariantBroken: Its id was used before.
        """
        client_order_id = order.terms.client_order_id
        if client_order_id in self.open or client_order_id in self.closed:
            raise InvariantBroken(
                f"order id {client_order_id} was approved twice; halt and look for its maker"
            )
        self.open[client_order_id] = order

    def recover(self, recovered: OrderRecovered, seq: int) -> Order:
        """An order that the record knows, with the terms it has there."""
        order = self.get(recovered.terms.client_order_id)
        if order is None:
            order = Order(terms=recovered.terms, mid_price=None, created_seq=seq, sent_ms=recovered.sent_ms)
            self.add(order)
        if not order.is_closed:
            order.terms = recovered.terms
        return order

    def get(self, client_order_id: str) -> Order | None:
        """An order by our id."""
        return self.open.get(client_order_id) or self.closed.get(client_order_id)

    def find(self, report: Report) -> Order | None:
        """The order a report is about: by our id if it carries one of ours, else by the venue's."""
        order = None
        if report.client_order_id is not None:
            order = self.get(report.client_order_id)
        if order is None and report.venue_order_id is not None:
            order = self._by_venue.get((report.account, report.instrument, report.venue_order_id))
        return order

    def has_venue_order(self, account: str, instrument: str, venue_order_id: str) -> bool:
        """Whether this order of the venue is one of ours."""
        return (account, instrument, venue_order_id) in self._by_venue

    def bind(self, order: Order, venue_order_id: str) -> bool:
        """Learn the venue's id of an order; True when it is new."""
        if order.venue_order_id == venue_order_id or venue_order_id in order.former_venue_ids:
            return False
        if order.venue_order_id is not None:
            order.former_venue_ids = (*order.former_venue_ids, order.venue_order_id)
        order.venue_order_id = venue_order_id
        self._index(order, venue_order_id)
        return True

    def close(self, order: Order) -> None:
        """Move an order to the closed ones."""
        client_order_id = order.terms.client_order_id
        del self.open[client_order_id]
        self.closed[client_order_id] = order

    def of_account(self, account: str) -> list[Order]:
        """Open orders of an account, oldest first; a list, so that they may close while it is walked."""
        return [order for order in self.open.values() if order.terms.account == account]

    def has_unnamed(self, account: str, instrument: str) -> bool:
        """Whether a fill that names only a venue order may belong to one of ours."""
        return any(
            order.venue_order_id is None or order.state == "unknown"
            for order in self.open.values()
            if order.terms.account == account and order.terms.instrument == instrument
        )

    def pass_by(self, account: str, asked_seq: int) -> None:
        """Forget orders of the account that closed before enough completed queries were asked for."""
        for order in [order for order in self.closed.values() if order.terms.account == account]:
            order.passed += order.closed_seq < asked_seq and not order.asking
            if order.passed >= QUERIES_TO_PASS:
                self._forget(order)

    def _forget(self, order: Order) -> None:
        terms = order.terms
        del self.closed[terms.client_order_id]
        for venue_order_id in (*order.former_venue_ids, order.venue_order_id or ""):
            self._by_venue.pop((terms.account, terms.instrument, venue_order_id), None)

    def _index(self, order: Order, venue_order_id: str) -> None:
        terms: OrderTerms = order.terms
        self._by_venue[terms.account, terms.instrument, venue_order_id] = order

    def __iter__(self) -> Iterator[Order]:
        yield from self.closed.values()
        yield from self.open.values()

    def snapshot(self) -> list[Order]:
        """State for the checkpoint, closed orders first."""
        return [msgspec.structs.replace(order, trades=list(order.trades)) for order in self]

    def restore(self, orders: list[Order]) -> None:
        """Take a checkpoint's orders."""
        self.open, self.closed, self._by_venue = {}, {}, {}
        for order in orders:
            (self.closed if order.is_closed else self.open)[order.terms.client_order_id] = order
            for venue_order_id in (*order.former_venue_ids, order.venue_order_id):
                if venue_order_id is not None:
                    self._index(order, venue_order_id)
