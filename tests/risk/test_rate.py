"""The sliding window of order times."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    OrderDenied,
    OrderIntent,
    ReplaceReady,
    ReplaceRequest,
)
from actors.risk.rate import OrderTimes
from tests.risk.build import Rig, accepted, cancelled, limits, some_terms


def test_an_order_leaves_the_window_exactly_its_length_later() -> None:
    times = OrderTimes()
    times.add("main", 100)
    assert [times.within("main", now, 10) for now in (100, 109, 110)] == [1, 1, 0]


def test_accounts_are_counted_apart_and_the_count_survives_a_checkpoint() -> None:
    times, restored = OrderTimes(), OrderTimes()
    times.add("main", 1)
    times.add("main", 2)
    restored.restore(times.snapshot())
    assert (restored.within("main", 3, 10), restored.within("second", 3, 10)) == (2, 0)


def test_a_replace_by_cancel_and_new_order_counts_once() -> None:
    rig = Rig(limits(order_rate_max=2, order_rate_seconds=60.0))
    terms = some_terms("buy", "2", "99")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), accepted(terms))
    request = ReplaceRequest(
        ts_event=0, client_order_id=terms.client_order_id, new_client_order_id="successor",
        quantity=Decimal(2), price=Decimal(98),
    )  # fmt: skip
    rig.only(ApprovedReplace, request)
    rig.feed(cancelled(terms))
    successor = some_terms("buy", "2", "98", replaces=terms.client_order_id)
    rig.only(ApprovedOrder, ReplaceReady(ts_event=0, terms=successor))
    third = OrderIntent(ts_event=0, terms=some_terms("buy", "1", "97"), mid_price=None)
    assert rig.only(OrderDenied, third).figures.startswith("orders=3, max=2")
