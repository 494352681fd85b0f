from __future__ import annotations

from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.analytics.drawdowns import (
    Drawdown,
    drawdowns,
    longest_drawdown_ns,
    max_drawdown,
    ulcer_index,
    underwater,
)
from actors.errors import InvalidSeries

CURVE = [100.0, 120.0, 90.0, 120.0, 150.0, 75.0, 100.0]
TIMES = [10, 20, 30, 40, 50, 60, 70]


def test_each_fall_is_listed_deepest_first_with_its_times() -> None:
    assert drawdowns(CURVE, TIMES) == [
        Drawdown(depth=-0.5, ts_peak=50, ts_trough=60, ts_recovered=None, duration_ns=20),
        Drawdown(depth=-0.25, ts_peak=20, ts_trough=30, ts_recovered=40, duration_ns=20),
    ]


def test_the_deepest_fall_and_the_ulcer_index_equal_hand_worked_numbers() -> None:
    assert max_drawdown(CURVE) == -0.5
    assert ulcer_index(CURVE) == pytest.approx(sqrt((0.25**2 + 0.5**2 + (1 / 3) ** 2) / 7), rel=1e-15)


def test_a_plateau_at_the_peak_counts_from_its_last_point() -> None:
    (fall,) = drawdowns([100.0, 100.0, 100.0, 80.0, 90.0, 100.0], [1, 2, 3, 4, 5, 6])
    assert (fall.ts_peak, fall.ts_trough, fall.ts_recovered, fall.duration_ns) == (3, 4, 6, 3)


def test_a_curve_that_never_falls_has_a_drawdown_of_zero_and_lists_none() -> None:
    assert max_drawdown([1.0, 1.0, 2.0]) == 0.0
    assert ulcer_index([1.0, 2.0]) == 0.0
    assert drawdowns([1.0, 1.0, 2.0], [1, 2, 3]) == []
    assert longest_drawdown_ns([1.0, 2.0], [1, 2]) == 0


def test_without_a_point_nothing_is_defined() -> None:
    assert max_drawdown([]) is ulcer_index([]) is longest_drawdown_ns([], []) is None
    assert drawdowns([], []) == []


def test_debt_is_deeper_than_everything() -> None:
    assert max_drawdown([100.0, -50.0]) == -1.5


def test_a_curve_that_begins_without_money_is_refused() -> None:
    with pytest.raises(InvalidSeries, match=r"equity begins at 0\.0"):
        underwater([0.0, 1.0])


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60))
def test_falls_do_not_overlap_and_the_deepest_is_the_maximum(curve: list[float]) -> None:
    times = list(range(1, len(curve) + 1))
    falls = drawdowns(curve, times)
    assert min([0.0, *(fall.depth for fall in falls)]) == max_drawdown(curve)
    in_order = sorted(falls, key=lambda fall: fall.ts_peak)
    for fall, after in pairwise(in_order):
        assert fall.ts_recovered is not None
        assert fall.ts_recovered <= after.ts_peak
    for fall in falls:
        peak = curve[fall.ts_peak - 1]
        assert fall.depth == curve[fall.ts_trough - 1] / peak - 1.0
        assert peak == max(curve[: fall.ts_trough])
