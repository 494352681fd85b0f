"""Falls of an equity curve below its running peak: how deep, from when until when."""

from __future__ import annotations

import msgspec
import numpy as np

from actors.analytics.series import FloatArray, Floats, IntArray, Times, numbers, rising_times
from actors.errors import InvalidSeries


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """One fall from a peak until equity is back at it."""

    depth: float
    """Fraction of the peak, < 0."""
    ts_peak: int
    """The last time at the peak."""
    ts_trough: int
    ts_recovered: int | None
    """The first time at or above the peak again; None if that has not come yet."""
    duration_ns: int
    """From the peak to the recovery, else to the end of the curve."""


def underwater(equity: Floats) -> FloatArray:
    """Equity at mark over its running peak, less one, at each point.

    Args:
        equity: Shape (n,), account currency, oldest first; the first > 0.
    Returns:
        Shape (n,), fractions ≤ 0; below −1 where equity is negative.
    Raises:
        InvalidSeries: Not finite, or not positive at the start.
    """
    curve = numbers(equity, "equity")
    if len(curve) and curve[0] <= 0.0:
        raise InvalidSeries(f"equity begins at {curve[0]}: begin the curve where there is money")
    return curve / np.maximum.accumulate(curve) - 1.0


def max_drawdown(equity: Floats) -> float | None:
    """Deepest fall of an equity curve below its running peak.

    Returns:
        Fraction of the peak, ≤ 0; 0.0 if equity never falls; None without a point.
    Raises:
        InvalidSeries: Not finite, or not positive at the start.
    Source:
        M. Magdon-Ismail & A. Atiya, "Maximum drawdown", Risk 17(10), 2004.
    """
    depths = underwater(equity)
    return float(depths.min()) if len(depths) else None


def drawdowns(equity: Floats, times: Times) -> list[Drawdown]:
    """Every fall of the curve, deepest first, equally deep ones in order of time."""
    depths = underwater(equity)
    moments = rising_times(times, len(depths))
    edges = np.diff(np.concatenate(((False,), depths < 0.0, (False,))).astype(np.int8))
    found = [
        _drawdown(depths, moments, int(start), int(end))
        for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
    return sorted(found, key=lambda fall: fall.depth)


def _drawdown(depths: FloatArray, times: IntArray, start: int, end: int) -> Drawdown:
    """The fall over the points [start, end), all of them below the peak before them."""
    trough = start + int(np.argmin(depths[start:end]))
    recovered = int(times[end]) if end < len(times) else None
    peak = int(times[start - 1])
    return Drawdown(
        depth=float(depths[trough]),
        ts_peak=peak,
        ts_trough=int(times[trough]),
        ts_recovered=recovered,
        duration_ns=(int(times[-1]) if recovered is None else recovered) - peak,
    )


def longest_drawdown_ns(equity: Floats, times: Times) -> int | None:
    """Longest time below a peak; 0 if equity never falls, None without a point."""
    falls = drawdowns(equity, times)
    if not len(equity):
        return None
    return max((fall.duration_ns for fall in falls), default=0)


def ulcer_index(equity: Floats) -> float | None:
    """Root mean square of the drawdowns at all points, each counted alike.

    The points are ends of periods in which something traded: nights, weekends and holidays without data hold
    none and weigh nothing, and a curve of hours is not that of days.

    Source:
        P. G. Martin & B. B. McCann, "The Investor's Guide to Fidelity Funds", 1989: the mean runs over all n.
    """
    depths = underwater(equity)
    return float(np.sqrt(np.mean(depths**2))) if len(depths) else None
