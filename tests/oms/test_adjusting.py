"""Orders that their venue has reduced by itself, as a fill in their group makes it."""

from __future__ import annotations

from actors.messages.orders import OrderCancelled, OrderFilled, OrderReplaced, QueryOrder
from tests.oms.bench import Bench, D, accept, adjusted, approved, fill, only, status


def test_a_reduced_order_is_filled_by_what_was_left_of_it() -> None:
    bench = Bench()
    (told,) = only(bench.feed(approved(), accept(), adjusted(6, 100)), OrderReplaced)
    assert (told.quantity, told.price) == (D(6), D(100))
    (filled,) = only(bench.feed(fill("1", 6)), OrderFilled)
    assert (filled.remaining, bench.state()) == (0, "filled")


def test_a_reduction_that_comes_after_the_last_fill_asks_the_venue_how_the_order_ended() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 6))
    sent = bench.feed(adjusted(6, 100)) + bench.wait(10)
    assert only(sent, QueryOrder)
    (ended,) = only(bench.feed(status("filled", 6)), OrderCancelled)
    assert (ended.filled_quantity, bench.state()) == (D(6), "cancelled")
