"""The sliding window of order times."""

from __future__ import annotations

from actors.risk.rate import OrderTimes


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
