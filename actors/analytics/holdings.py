"""Figures of what was held and traded: exposure, turnover, and how much more the market would have borne."""

from __future__ import annotations

import numpy as np

from actors.analytics.series import (
    FloatArray,
    Floats,
    Times,
    numbers,
    rising_times,
    same_length,
    years_between,
)
from actors.errors import InvalidSeries


def time_in_market(opened: Times, closed: Times, begin: int, end: int) -> float | None:
    """Share of the time from `begin` to `end` in which at least one position was open.

    Args:
        opened, closed: Shape (n,), ns; of every round trip, one that is still open closes at `end`. What is
            left of a trip because it is too small to be sold is no position.
    Returns:
        None without elapsed time.
    """
    if end <= begin:
        return None
    starts, stops = np.asarray(opened, dtype=np.int64), np.minimum(np.asarray(closed, dtype=np.int64), end)
    order = np.argsort(starts, kind="stable")
    starts, stops = starts[order], stops[order]
    # Counted so far: up to the latest end of all that began before.
    until = np.maximum.accumulate(np.concatenate(([begin], stops)))[:-1]
    held = int(np.maximum(stops - np.maximum(starts, until), 0).sum())
    return held / (end - begin)


def exposure_average(gross_exposure: Floats, equity: Floats, times: Times) -> float | None:
    """Mean over time of gross exposure over equity: 1 is fully invested, 2 twice geared.

    Raises:
        InvalidSeries: Equity ≤ 0 while something was held.
    """
    gross, curve = numbers(gross_exposure, "exposure"), numbers(equity, "equity")
    same_length(gross, curve, "equity")
    held = gross != 0.0
    if (curve[held] <= 0.0).any():
        at = int(np.flatnonzero(held & (curve <= 0.0))[0])
        raise InvalidSeries(f"equity is {curve[at]} at position {at}: exposure has no share in it, end there")
    shares = np.divide(gross, curve, out=np.zeros_like(gross), where=held)
    return _mean_over_time(shares, times)


def _mean_over_time(values: FloatArray, times: Times) -> float | None:
    moments = rising_times(times, len(values))
    if len(values) < 2:
        return None
    lengths = np.diff(moments)
    return float(values[:-1] @ lengths / lengths.sum())


def turnover(notionals: Floats, equity: Floats, times: Times) -> float | None:
    """Value traded a year over mean equity, both sides counted: buying and selling all of it once is 2.

    Args:
        notionals: Of all fills, any sign.
        equity: Shape (n,) at `times`; its mean is over time, each value holding until the next one, so that
            points that lie close together count for no more than they last.
    Returns:
        None without elapsed time, or where the mean of equity is not > 0.
    Source:
        R. C. Grinold & R. N. Kahn, "Active Portfolio Management", 2nd ed., 1999, ch. 16 (one side there).
    """
    traded, curve = numbers(notionals, "notionals"), numbers(equity, "equity")
    moments = rising_times(times, len(curve))
    mean = _mean_over_time(curve, moments)
    if mean is None or mean <= 0.0:
        return None
    return float(np.abs(traded).sum()) / mean / years_between(int(moments[0]), int(moments[-1]))


def capacity(notionals: Floats, market_notionals: Floats, share_max: float) -> float | None:
    """By what all orders could be multiplied before 95 % of them no longer stayed within a share of volume.

    Args:
        notionals: Value traded in each bar with a fill, any sign.
        market_notionals: Value the market traded in the same bars.
        share_max: Fraction of the market's volume, > 0.
    Returns:
        < 1 where the share is exceeded as it is; None without trading.
    Raises:
        InvalidSeries: A market volume that is not > 0 beside a fill.
    Source:
        R. Almgren et al., "Direct Estimation of Equity Market Impact", Risk 18(7), 2005: cost grows with the
        share of volume, which therefore bounds size.
    """
    traded, market = np.abs(numbers(notionals, "notionals")), numbers(market_notionals, "market volume")
    same_length(traded, market, "market volume")
    market, traded = market[traded > 0.0], traded[traded > 0.0]
    if not len(traded):
        return None
    if (market <= 0.0).any():
        raise InvalidSeries("a fill in a bar without market volume: check the data or leave that bar out")
    return share_max / float(np.quantile(traded / market, 0.95))
