"""Figures of a series of returns: growth, spread, reward for risk, tails, and against a benchmark.

`returns` are simple returns per period as fractions; `periods_per_year` comes from the trading calendar and
is printed beside whatever it was used for; rates and thresholds are per period.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from actors.analytics.drawdowns import max_drawdown
from actors.analytics.series import (
    FloatArray,
    Floats,
    Times,
    is_constant,
    numbers,
    rising_times,
    same_length,
    years_between,
)
from actors.model.calendar import DAY_NS


def total_return(equity: Floats) -> float | None:
    """Last equity over first, less one; None with fewer than two points or nothing at the start.

    Source:
        CFA Institute, GIPS Standards 2020: holding period return without external flows.
    """
    curve = numbers(equity, "equity")
    if len(curve) < 2 or curve[0] <= 0.0:
        return None
    return float(curve[-1] / curve[0] - 1.0)


def cagr(equity: Floats, times: Times) -> float | None:
    """Compound growth a year by elapsed time, whatever the number of points.

    Returns:
        Fraction a year of 365.25 days; None for less than a day, or when equity begins or ends below zero.
    Source:
        CFA Institute, GIPS Standards 2020: annualised return, (end / start)^(1 / years) − 1.
    """
    growth = total_return(equity)
    moments = rising_times(times, len(equity))
    if growth is None or growth < -1.0:
        return None
    first, last = int(moments[0]), int(moments[-1])
    if last - first < DAY_NS:
        return None
    return _compounded(1.0 + growth, 1.0 / years_between(first, last))


def _compounded(factor: float, periods: float) -> float | None:
    """Growth over so many periods; None where it is beyond all numbers or below a total loss."""
    if factor < 0.0:
        return None
    try:
        return float(factor**periods) - 1.0
    except OverflowError:
        return None


def volatility(returns: Floats, periods_per_year: float) -> float | None:
    """Sample standard deviation (n − 1) a year; None with fewer than two returns.

    Source:
        J. Hull, "Options, Futures, and Other Derivatives", 9th ed., §15.4: σ per period times √periods.
    """
    rates = numbers(returns, "returns")
    if len(rates) < 2:
        return None
    return 0.0 if is_constant(rates) else float(rates.std(ddof=1)) * sqrt(periods_per_year)


def sharpe(returns: Floats, periods_per_year: float, risk_free: float = 0.0) -> float | None:
    """Mean excess return over its sample standard deviation (n − 1), times √periods.

    Returns:
        None with fewer than two returns, or when they do not vary.
    Source:
        W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21(1), 1994.
    """
    rates = numbers(returns, "returns")
    if len(rates) < 2 or is_constant(rates):
        return None
    deviation = float(rates.std(ddof=1))
    return (float(rates.mean()) - risk_free) / deviation * sqrt(periods_per_year) if deviation > 0.0 else None


def downside_deviation(returns: Floats, periods_per_year: float, target: float = 0.0) -> float | None:
    """Root mean square of the shortfalls below the target a year; the mean runs over all periods."""
    rates = numbers(returns, "returns")
    if not len(rates):
        return None
    return float(np.sqrt(np.mean(np.minimum(rates - target, 0.0) ** 2))) * sqrt(periods_per_year)


def sortino(returns: Floats, periods_per_year: float, target: float = 0.0) -> float | None:
    """Mean return above the target over the downside deviation, a year; None when nothing falls short of it.

    Source:
        F. A. Sortino & L. N. Price, "Performance Measurement in a Downside Risk Framework", Journal of
        Investing 3(3), 1994: the downside deviation is taken over all periods.
    """
    downside = downside_deviation(returns, periods_per_year, target)
    if not downside:
        return None
    return (float(np.mean(numbers(returns))) - target) * periods_per_year / downside


def calmar(equity: Floats, times: Times) -> float | None:
    """Growth a year over the deepest drawdown; None when equity never falls.

    Source:
        T. W. Young, "Calmar Ratio: A Smoother Tool", Futures 20(1), 1991.
    """
    growth, fall = cagr(equity, times), max_drawdown(equity)
    if growth is None or not fall:
        return None
    return growth / -fall


def omega(returns: Floats, threshold: float = 0.0) -> float | None:
    """Sum of what lies above the threshold over the sum of what lies below; None when nothing lies below.

    Source:
        C. Keating & W. F. Shadwick, "A Universal Performance Measure", 2002.
    """
    excess = numbers(returns, "returns") - threshold
    below = -float(excess[excess < 0.0].sum())
    return float(excess[excess > 0.0].sum()) / below if below > 0.0 else None


def value_at_risk(returns: Floats, confidence: float = 0.95) -> float | None:
    """The return that a share `confidence` of all periods exceeds, linear between observations.

    Source:
        P. Jorion, "Value at Risk", 3rd ed., 2006: historical simulation.
    """
    rates = numbers(returns, "returns")
    return float(np.quantile(rates, 1.0 - confidence)) if len(rates) else None


def conditional_value_at_risk(returns: Floats, confidence: float = 0.95) -> float | None:
    """Mean of the returns at or below the value at risk: the int((n − 1)(1 − confidence)) + 1 smallest.

    Source:
        R. T. Rockafellar & S. Uryasev, "Optimization of Conditional Value-at-Risk", Journal of Risk
        2(3), 2000.
    """
    rates = numbers(returns, "returns")
    if not len(rates):
        return None
    worst = int((len(rates) - 1) * (1.0 - confidence))
    return float(np.partition(rates, worst)[: worst + 1].mean())


def tail_ratio(returns: Floats) -> float | None:
    """Size of the 95th percentile over that of the 5th; None where the latter is zero.

    Source:
        Definition of the `pyfolio` and `empyrical` libraries, Quantopian 2016.
    """
    rates = numbers(returns, "returns")
    if not len(rates):
        return None
    low, high = np.abs(np.quantile(rates, (0.05, 0.95)))
    return float(high / low) if low > 0.0 else None


def skew(returns: Floats) -> float | None:
    """Sample skewness without bias (G1); None with fewer than three numbers or no variance.

    Source:
        D. N. Joanes & C. A. Gill, "Comparing measures of sample skewness and kurtosis", The Statistician
        47(1), 1998.
    """
    rates = numbers(returns, "returns")
    count = len(rates)
    shape = standardised_moments(rates)
    if count < 3 or shape is None:
        return None
    return shape[0] * sqrt(count * (count - 1)) / (count - 2)


def kurtosis(returns: Floats) -> float | None:
    """Sample excess kurtosis without bias (G2), 0 for a normal distribution; None with fewer than four.

    Source:
        D. N. Joanes & C. A. Gill, "Comparing measures of sample skewness and kurtosis", The Statistician
        47(1), 1998.
    """
    rates = numbers(returns, "returns")
    count = len(rates)
    shape = standardised_moments(rates)
    if count < 4 or shape is None:
        return None
    return (count - 1) / ((count - 2) * (count - 3)) * ((count + 1) * (shape[1] - 3.0) + 6.0)


def standardised_moments(values: FloatArray) -> tuple[float, float] | None:
    """Third and fourth population moment over σ³ and σ⁴; the fourth is 3 for a normal distribution."""
    if is_constant(values):
        return None
    deviations = values - values.mean()
    deviations /= np.abs(
        deviations
    ).max()  # scale cancels out, and squares of small returns keep their digits
    spread = float(np.mean(deviations**2))
    return float(np.mean(deviations**3)) / spread**1.5, float(np.mean(deviations**4)) / spread**2


def beta(returns: Floats, benchmark: Floats) -> float | None:
    """Covariance with the benchmark over the benchmark's variance; None where that does not vary.

    Source:
        W. F. Sharpe, "Capital Asset Prices", Journal of Finance 19(3), 1964.
    """
    rates, market = numbers(returns, "returns"), numbers(benchmark, "benchmark")
    same_length(rates, market, "benchmark")
    if len(rates) < 2 or is_constant(market):
        return None
    swing = market - market.mean()
    return float(swing @ (rates - rates.mean()) / (swing @ swing))


def alpha(
    returns: Floats, benchmark: Floats, periods_per_year: float, risk_free: float = 0.0
) -> float | None:
    """Mean return that beta does not explain, compounded to a year.

    Source:
        M. C. Jensen, "The Performance of Mutual Funds in the Period 1945–1964", Journal of Finance 23(2),
        1968.
    """
    slope = beta(returns, benchmark)
    if slope is None:
        return None
    mean, market = float(np.mean(numbers(returns))), float(np.mean(numbers(benchmark)))
    return _compounded(1.0 + mean - risk_free - slope * (market - risk_free), periods_per_year)


def information_ratio(returns: Floats, benchmark: Floats, periods_per_year: float) -> float | None:
    """Mean return above the benchmark over the sample deviation of that difference, times √periods.

    Source:
        R. C. Grinold & R. N. Kahn, "Active Portfolio Management", 2nd ed., 1999, ch. 5.
    """
    rates, market = numbers(returns, "returns"), numbers(benchmark, "benchmark")
    same_length(rates, market, "benchmark")
    return sharpe(rates - market, periods_per_year)
