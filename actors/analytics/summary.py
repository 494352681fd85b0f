"""All figures of one equity curve, and what about them is too good to be believed."""

from __future__ import annotations

from datetime import UTC, tzinfo
from math import sqrt

import msgspec
import numpy as np

from actors.analytics import returns as of_returns
from actors.analytics.drawdowns import Drawdown, drawdowns, longest_drawdown_ns, max_drawdown, ulcer_index
from actors.analytics.series import (
    FloatArray,
    Floats,
    Times,
    daily_returns,
    numbers,
    returns_of,
    rising_times,
)
from actors.analytics.significance import probabilistic_sharpe

SHARPE_MAX = 4.0
GROWTH_MAX = 5.0
WIN_RATE_MAX = 0.95
RETURNS_MIN = 30
TRADES_MIN = 30
PERIODS_SHARE_MIN = 0.9
"""With fewer of the calendar's periods in the series than this share, figures per year are too large."""


class EquityFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of an equity curve; None is not defined. Drawdowns are of every point of the curve."""

    periods_per_year: float
    """What figures per year were made with; to be printed beside them."""
    return_count: int
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sharpe_probability: float | None
    """That the true Sharpe ratio is above zero."""
    sortino: float | None
    calmar: float | None
    omega: float | None
    max_drawdown: float | None
    worst_drawdown: Drawdown | None
    longest_drawdown_ns: int | None
    ulcer_index: float | None
    value_at_risk: float | None
    conditional_value_at_risk: float | None
    tail_ratio: float | None
    skew: float | None
    kurtosis: float | None
    best: float | None
    worst: float | None


class BenchmarkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of returns against those of a benchmark over the same periods."""

    alpha: float | None
    beta: float | None
    information_ratio: float | None


def equity_figures(
    equity: Floats,
    times: Times,
    periods_per_year: float,
    *,
    zone: tzinfo | None = UTC,
    risk_free: float = 0.0,
) -> EquityFigures:
    """Everything about an equity curve at mark.

    Args:
        equity: Shape (n,), account currency, oldest first.
        times: Shape (n,), nanoseconds UTC, rising.
        periods_per_year: Of the returns: trading days a year, unless `zone` is None.
        zone: Returns run from day end to day end there; None takes one from each point to the next.
        risk_free: Per period.
    Raises:
        InvalidSeries: Not finite, out of order, or no money left before the end.
    """
    curve = numbers(equity, "equity")
    moments = rising_times(times, len(curve))
    rates = returns_of(curve) if zone is None else daily_returns(curve, moments, zone)
    falls = drawdowns(curve, moments)
    return EquityFigures(
        periods_per_year=periods_per_year,
        return_count=len(rates),
        total_return=of_returns.total_return(curve),
        cagr=of_returns.cagr(curve, moments),
        volatility=of_returns.volatility(rates, periods_per_year),
        sharpe=of_returns.sharpe(rates, periods_per_year, risk_free),
        sharpe_probability=probabilistic_sharpe(rates - risk_free),
        sortino=of_returns.sortino(rates, periods_per_year, risk_free),
        calmar=of_returns.calmar(curve, moments),
        omega=of_returns.omega(rates, risk_free),
        max_drawdown=max_drawdown(curve),
        worst_drawdown=falls[0] if falls else None,
        longest_drawdown_ns=longest_drawdown_ns(curve, moments),
        ulcer_index=ulcer_index(curve),
        value_at_risk=of_returns.value_at_risk(rates),
        conditional_value_at_risk=of_returns.conditional_value_at_risk(rates),
        tail_ratio=of_returns.tail_ratio(rates),
        skew=of_returns.skew(rates),
        kurtosis=of_returns.kurtosis(rates),
        best=_extreme(rates, 1),
        worst=_extreme(rates, -1),
    )


def benchmark_figures(
    returns: Floats, benchmark: Floats, periods_per_year: float, risk_free: float = 0.0
) -> BenchmarkFigures:
    """Everything about returns against a benchmark; both shape (n,), aligned."""
    return BenchmarkFigures(
        alpha=of_returns.alpha(returns, benchmark, periods_per_year, risk_free),
        beta=of_returns.beta(returns, benchmark),
        information_ratio=of_returns.information_ratio(returns, benchmark, periods_per_year),
    )


def doubts(
    figures: EquityFigures, trade_count: int, win_rate: float | None, years: float | None = None
) -> list[str]:
    """One sentence for each figure that real trading hardly shows; empty when there is nothing to say.

    Args:
        years: From the first point of equity to the last.
    """
    found = []
    seen = figures.return_count / years if years else figures.periods_per_year
    if figures.return_count >= RETURNS_MIN and seen < PERIODS_SHARE_MIN * figures.periods_per_year:
        found.append(
            f"figures per year take {figures.periods_per_year:.2f} periods, but the data have {seen:.0f} a "
            f"year, which makes a Sharpe ratio {sqrt(figures.periods_per_year / seen):.2f} times as large: "
            "give the instruments their `calendar`, or fill the gaps"
        )
    if 0 < figures.return_count < RETURNS_MIN:
        found.append(f"only {figures.return_count} returns: figures per year rest on too little")
    if 0 < trade_count < TRADES_MIN:
        found.append(f"only {trade_count} trades: their figures may be chance")
    if figures.sharpe is not None and figures.sharpe > SHARPE_MAX:
        found.append(f"a Sharpe ratio of {figures.sharpe:.2f} is rarely real: check for look-ahead and costs")
    if figures.cagr is not None and figures.cagr > GROWTH_MAX:
        found.append(f"growth of {figures.cagr:.0%} a year is rarely real: check sizes, fills and costs")
    if win_rate is not None and win_rate > WIN_RATE_MAX and trade_count >= TRADES_MIN:
        found.append(f"{win_rate:.0%} of the trades won: check for look-ahead, and for losses left open")
    if figures.max_drawdown == 0.0 and trade_count:
        found.append("equity never fell: check that positions are valued at the market")
    return found


def _extreme(rates: FloatArray, sign: int) -> float | None:
    return float(np.max(sign * rates)) * sign if len(rates) else None
