"""What all figures are made from: series of finite numbers, their times, and how many periods a year has.

A figure that is not defined (too few numbers, no variance, no losses) is None, never a number that stands
for it. Numbers that cannot be right are refused instead: see `InvalidSeries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from actors.errors import InvalidSeries
from actors.model.calendar import DAY_NS, SECOND_NS, Calendar

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Floats = Sequence[float] | FloatArray
Times = Sequence[int] | IntArray
"""Nanoseconds UTC."""

YEAR_NS = 31_557_600 * SECOND_NS
"""365.25 days, the year of all figures per year."""


def numbers(values: Floats, what: str = "series") -> FloatArray:
    """The values as an array.

    Raises:
        InvalidSeries: Not one-dimensional, or not finite throughout.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InvalidSeries(f"the {what} must be one row of numbers: its shape is {array.shape}")
    finite = np.isfinite(array)
    if not finite.all():
        at = int(np.argmin(finite))
        raise InvalidSeries(
            f"position {at} of the {what} holds {array[at]}: leave the gap out or fill it before"
        )
    return array


def rising_times(times: Times, length: int) -> IntArray:
    """The times of a series of this length as an array.

    Raises:
        InvalidSeries: Of another length, or a time that is not after the one before.
    """
    array = np.asarray(times, dtype=np.int64)
    if array.shape != (length,):
        raise InvalidSeries(f"{len(array)} times for {length} values: give one time for each value")
    steps = np.diff(array) > 0
    if not steps.all():
        at = int(np.argmin(steps)) + 1
        raise InvalidSeries(f"the time at position {at} is not after the one before: sort the series first")
    return array


def same_length(one: FloatArray, two: FloatArray, what: str) -> None:
    """Two series that go together.

    Raises:
        InvalidSeries: One is longer.
    """
    if len(one) != len(two):
        raise InvalidSeries(f"{len(one)} values against {len(two)} of the {what}: align the two first")


def is_constant(values: FloatArray) -> bool:
    """Whether nothing varies; asked of the numbers, as their computed variance may be 1e-35, not 0."""
    return len(values) == 0 or bool(values.min() == values.max())


def returns_of(equity: Floats) -> FloatArray:
    """Simple returns from each point of an equity curve to the next.

    Args:
        equity: Shape (n,), oldest first; > 0 but for the last.
    Returns:
        Shape (n − 1,), fractions; empty for fewer than two points.
    Raises:
        InvalidSeries: Not finite, or ≤ 0 before the end.
    """
    curve = numbers(equity, "equity")
    lost = curve[:-1] <= 0.0
    if lost.any():
        at = int(np.argmax(lost))
        raise InvalidSeries(
            f"equity is {curve[at]} at position {at}: there are no returns on it, end the curve there"
        )
    return curve[1:] / curve[:-1] - 1.0


def equity_of(returns: Floats) -> FloatArray:
    """Growth of 1 over the returns: shape (n + 1,), beginning with 1."""
    rates = numbers(returns, "returns")
    return np.concatenate((np.ones(1), np.cumprod(1.0 + rates)))


def years_between(first: int, last: int) -> float:
    """Elapsed time in years of 365.25 days."""
    return (last - first) / YEAR_NS


def day_ends(equity: Floats, times: Times, zone: tzinfo = UTC) -> tuple[FloatArray, IntArray]:
    """The last point of each calendar day of a zone: a daily curve from a finer one."""
    curve = numbers(equity, "equity")
    moments = rising_times(times, len(curve))
    if not len(curve):
        return curve, moments
    days = local_days(moments, zone)
    last = np.append(days[1:] != days[:-1], True)
    return curve[last], moments[last]


def daily_returns(equity: Floats, times: Times, zone: tzinfo = UTC) -> FloatArray:
    """Returns from day end to day end; the first day counts from the first point, if it has more than one.

    Raises:
        InvalidSeries: Not finite, out of order, or ≤ 0 at a day's end before the last.
    """
    curve, moments = day_ends(equity, times, zone)
    if len(curve) and int(moments[0]) != int(times[0]):
        curve = np.concatenate((numbers(equity)[:1], curve))
    return returns_of(curve)


def local_days(times: IntArray, zone: tzinfo) -> IntArray:
    """Days since 1970-01-01 on the calendar of a zone."""
    if zone is UTC:
        return times // DAY_NS
    epoch = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001  (a date on the calendar, no instant)
    ordinals = (datetime.fromtimestamp(int(ts) // SECOND_NS, tz=zone).toordinal() for ts in times)
    return np.fromiter((ordinal - epoch for ordinal in ordinals), dtype=np.int64, count=len(times))


def periods_per_year(calendar: Calendar, interval_ns: int, first: int, last: int) -> float | None:
    """How many intervals a year of trading holds, counted on the calendar between two instants.

    Args:
        interval_ns: A day or more counts trading days, anything shorter the time of the sessions.
        first: Begin of the count, nanoseconds UTC.
        last: Its end; a year or more gives figures that do not depend on the season.
    Returns:
        None where the span holds no trading at all.
    """
    if last <= first or interval_ns <= 0:
        return None
    days, open_ns, moment = 0, 0, first
    while (session := calendar.next_session(moment)).open < last:
        days += 1
        open_ns += min(session.close, last) - max(session.open, first)
        moment = session.close
    years = years_between(first, last)
    if not days:
        return None
    if interval_ns >= DAY_NS:
        return days / years / (interval_ns / DAY_NS)
    return open_ns / interval_ns / years
