"""Orders of a bracket: which of them the end of one takes along, so that none is left to itself.

A venue holds a bracket back until its last order has come. When one of them is refused, lost on the way, or
was provably never received, the rest would wait for ever or go in unprotected: it is taken back.
"""

from __future__ import annotations

from actors.oms.book import OrderBook
from actors.oms.order import Order


def taken_along(order: Order, book: OrderBook) -> list[Order]:
    """What is to be cancelled because this order has ended; a venue that does so too is asked once more."""
    special = order.terms.special
    if special is None:
        return []
    if special.parent is not None:
        parent = book.open.get(special.parent)
        is_alone = order.state == "rejected" and parent is not None and not parent.filled
        return [parent] if is_alone and parent is not None else []
    if order.filled or not special.more_follow:
        return []
    name = order.terms.client_order_id
    return [
        each
        for each in book.open.values()
        if each.terms.special is not None and each.terms.special.parent == name
    ]
