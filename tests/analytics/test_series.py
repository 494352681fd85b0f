from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from math import inf, nan
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actors.analytics.series import (
    YEAR_NS,
    day_ends,
    equity_of,
    local_days,
    numbers,
    periods_per_year,
    returns_of,
    rising_times,
)
from actors.errors import InvalidSeries
from actors.model.calendar import DAY_NS, SECOND_NS, calendar_named


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_a_number_that_is_none_is_refused_and_its_place_named(bad: float) -> None:
    with pytest.raises(
        InvalidSeries, match=r"position 2 of the returns holds -?(nan|inf): leave the gap out"
    ):
        numbers([0.1, 0.2, bad, 0.3], "returns")


def test_a_table_is_no_series() -> None:
    with pytest.raises(InvalidSeries, match=r"must be one row of numbers: its shape is \(2, 2\)"):
        numbers(np.ones((2, 2)))


def test_times_that_do_not_rise_or_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidSeries, match="position 2 is not after the one before"):
        rising_times([1, 2, 2], 3)
    with pytest.raises(InvalidSeries, match="2 times for 3 values"):
        rising_times([1, 2], 3)


def test_returns_and_equity_are_each_others_inverse() -> None:
    assert returns_of([100.0, 110.0, 99.0]).tolist() == pytest.approx([0.1, -0.1], rel=1e-15)
    assert equity_of([0.1, -0.1]).tolist() == pytest.approx([1.0, 1.1, 0.99], rel=1e-15)
    assert returns_of([]).tolist() == returns_of([5.0]).tolist() == []
    assert equity_of([]).tolist() == [1.0]


def test_a_curve_may_end_at_nothing_but_not_go_on_from_there() -> None:
    assert returns_of([2.0, 0.0]).tolist() == [-1.0]
    assert returns_of([2.0, -1.0]).tolist() == [-1.5]
    with pytest.raises(InvalidSeries, match=r"equity is 0\.0 at position 1"):
        returns_of([2.0, 0.0, 1.0])


def test_each_day_keeps_its_last_point_on_the_calendar_of_the_zone() -> None:
    times = [at("2024-03-01T10:00"), at("2024-03-02T03:00"), at("2024-03-02T23:00"), at("2024-03-05T12:00")]
    curve, moments = day_ends([1.0, 2.0, 3.0, 4.0], times)
    assert (curve.tolist(), moments.tolist()) == ([1.0, 3.0, 4.0], [times[0], times[2], times[3]])
    curve, _ = day_ends([1.0, 2.0, 3.0, 4.0], times, ZoneInfo("America/New_York"))
    assert curve.tolist() == [2.0, 3.0, 4.0]
    assert day_ends([], [])[0].tolist() == []


def test_days_of_a_zone_follow_its_clock_changes() -> None:
    zone = ZoneInfo("America/New_York")
    times = np.array(
        [at("2024-03-10T04:59"), at("2024-03-10T05:00"), at("2024-03-11T03:59"), at("2024-03-11T04:00")]
    )
    first = at("2024-03-09T00:00") // DAY_NS
    assert local_days(times, zone).tolist() == [first, first + 1, first + 1, first + 2]
    assert local_days(times, UTC).tolist() == [first + 1, first + 1, first + 2, first + 2]


def test_the_periods_of_a_year_come_from_the_calendar() -> None:
    first, always = at("2023-01-01T00:00"), calendar_named("24/7")
    assert periods_per_year(always, DAY_NS, first, first + 4 * YEAR_NS) == pytest.approx(365.25)
    assert periods_per_year(always, 60 * SECOND_NS, first, first + 4 * YEAR_NS) == pytest.approx(
        365.25 * 1440
    )
    assert periods_per_year(always, 7 * DAY_NS, first, first + 4 * YEAR_NS) == pytest.approx(365.25 / 7)
    new_york = calendar_named("new-york-0930-1600-without-holidays")
    last = at("2024-01-01T00:00")
    weekdays = 260 / (365 / 365.25)
    assert periods_per_year(new_york, DAY_NS, first, last) == pytest.approx(weekdays)
    assert periods_per_year(new_york, 3600 * SECOND_NS, first, last) == pytest.approx(weekdays * 6.5)


def test_sessions_are_counted_only_as_far_as_they_lie_in_the_span() -> None:
    noon = at("2023-01-01T12:00")
    hours = periods_per_year(calendar_named("24/7"), 3600 * SECOND_NS, noon, noon + DAY_NS)
    assert hours == pytest.approx(24 * 365.25)


def test_a_span_without_trading_has_no_periods() -> None:
    new_york = calendar_named("new-york-0930-1600-without-holidays")
    saturday = at("2024-03-02T12:00")
    assert periods_per_year(new_york, DAY_NS, saturday, saturday + DAY_NS) is None
    assert periods_per_year(new_york, DAY_NS, saturday, saturday) is None


@pytest.mark.slow
def test_what_the_daemon_and_its_command_line_import_does_not_load_numpy() -> None:
    script = (
        "import sys, actors, daemon.__main__, daemon.graph, daemon.runtime\nprint('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
