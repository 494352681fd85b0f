"""Figures as other programs define them, given to `backtest.metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from actors.analytics.series import FloatArray, Times
from actors.analytics.trades import TradeResult
from actors.model.calendar import DAY_NS

DAYS = 252


def _rates(curve: FloatArray, times: Times) -> FloatArray:
    """From the close of each day that has one to that of the next."""
    days = np.asarray(times) // DAY_NS
    closes = curve[np.append(days[1:] != days[:-1], True)]
    rates: FloatArray = closes[1:] / closes[:-1] - 1.0
    return rates


def sharpe_of_growth(curve: FloatArray, times: Times, trades: Sequence[TradeResult]) -> float | None:
    """backtesting.py: growth of a year by the mean of daily returns over its compounded deviation."""
    rates = _rates(curve, times)
    if len(rates) < 2:
        return None
    growth = float(np.exp(np.log1p(rates).mean()))
    deviation = sqrt((rates.var(ddof=1) + growth**2) ** DAYS - growth ** (2 * DAYS))
    return (growth**DAYS - 1.0) / deviation if deviation else None


def _sharpe(curve: FloatArray, times: Times, rate_of_year: float, *, ddof: int = 1) -> float | None:
    rates = np.append(0.0, _rates(curve, times))  # the first day counts, though nothing is traded in it yet
    deviation = float(rates.std(ddof=ddof)) if len(rates) > 1 else 0.0
    return (float(rates.mean()) - rate_of_year / DAYS) / deviation * sqrt(DAYS) if deviation else None


def sharpe_over_5_percent(curve: FloatArray, times: Times, trades: Sequence[TradeResult]) -> float | None:
    """pyalgotrade: a free rate of 5 % a year, 252 days."""
    return _sharpe(curve, times, 0.05)


def sharpe_over_4_percent(curve: FloatArray, times: Times, trades: Sequence[TradeResult]) -> float | None:
    """pyalgotrade: a free rate of 4 % a year, 252 days."""
    return _sharpe(curve, times, 0.04)


def sharpe_by_population(curve: FloatArray, times: Times, trades: Sequence[TradeResult]) -> float | None:
    """backtrader: no free rate, 252 days, a deviation that divides by n."""
    return _sharpe(curve, times, 0.0, ddof=0)
