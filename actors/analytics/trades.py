"""Figures of closed trades.

`results` are net results of trades in the account's currency, fees taken off, in the order of their closing.
A trade that ends exactly even is neither won nor lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np

from actors.analytics.series import FloatArray, Floats, is_constant, numbers, same_length
from actors.errors import InvalidSeries
from actors.messages.orders import Direction


class TradeResult(msgspec.Struct, frozen=True, kw_only=True):
    """One closed round trip with what it is grouped by; money in account currency."""

    strategy: str
    instrument: str
    direction: Direction
    tag: str | None = None
    ts_opened: int
    ts_closed: int
    realised_pnl: float
    """Before costs."""
    fees: float = 0.0
    """> 0 is paid."""
    slippage: float = 0.0
    """> 0 cost us; already part of `realised_pnl`, as fills carry it."""
    borrow: float = 0.0
    """Fee for what was sold short, > 0 is paid."""
    funding: float = 0.0
    """> 0 is paid."""
    risk: float | None = None
    """What would have been lost at the first stop, > 0; None for a trade without one."""

    @property
    def net(self) -> float:
        """What the trade brought after all costs."""
        return self.realised_pnl - self.fees - self.borrow - self.funding


def net_results(trades: Sequence[TradeResult]) -> FloatArray:
    """Net results in the order given."""
    return numbers([trade.net for trade in trades], "trades")


def win_rate(results: Floats) -> float | None:
    """Share of all trades that brought something; None without trades."""
    array = numbers(results, "results")
    return float(np.mean(array > 0.0)) if len(array) else None


def profit_factor(results: Floats) -> float | None:
    """Sum of what was won over the sum of what was lost; None when nothing was lost.

    Source:
        J. D. Schwager, "Schwager on Futures: Technical Analysis", 1996, ch. 21.
    """
    won, lost = _won_and_lost(results)
    return float(won.sum() / -lost.sum()) if len(lost) else None


def payoff_ratio(results: Floats) -> float | None:
    """Mean win over mean loss; None without both.

    Source:
        V. K. Tharp, "Trade Your Way to Financial Freedom", 2nd ed., 2007.
    """
    won, lost = _won_and_lost(results)
    return float(won.mean() / -lost.mean()) if len(won) and len(lost) else None


def expectancy(results: Floats) -> float | None:
    """Mean net result of a trade; in R if `results` are R multiples.

    Source:
        V. K. Tharp, "Trade Your Way to Financial Freedom", 2nd ed., 2007, ch. 7.
    """
    array = numbers(results, "results")
    return float(array.mean()) if len(array) else None


def system_quality(results: Floats) -> float | None:
    """System quality number: √n · mean over the sample deviation (n − 1); None below two, or without spread.

    Source:
        V. K. Tharp, "Definitive Guide to Position Sizing", 2008; over R multiples there.
    """
    array = numbers(results, "results")
    if len(array) < 2 or is_constant(array):
        return None
    return sqrt(len(array)) * float(array.mean()) / float(array.std(ddof=1))


def r_multiples(results: Floats, risks: Floats) -> FloatArray:
    """Each result over what its trade risked at first.

    Raises:
        InvalidSeries: Lengths differ, or a risk is not > 0.
    Source:
        V. K. Tharp, "Trade Your Way to Financial Freedom", 2nd ed., 2007, ch. 7.
    """
    array, at_risk = numbers(results, "results"), numbers(risks, "risks")
    same_length(array, at_risk, "risks")
    if (at_risk <= 0.0).any():
        at = int(np.argmax(at_risk <= 0.0))
        raise InvalidSeries(f"the risk of trade {at} is {at_risk[at]}: leave out trades that had no stop")
    return array / at_risk


class Streaks(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of trades in a row; a trade that ends even ends both kinds."""

    won_max: int
    lost_max: int
    current: int
    """> 0 for wins at the end of the list, < 0 for losses."""


def streaks(results: Floats) -> Streaks:
    """Longest runs of wins and of losses, and the one that is going on."""
    won_max = lost_max = current = 0
    for sign in np.sign(numbers(results, "results")).astype(np.int64).tolist():
        current = current + sign if current * sign > 0 else sign
        won_max, lost_max = max(won_max, current), max(lost_max, -current)
    return Streaks(won_max=won_max, lost_max=lost_max, current=current)


class Excursion(msgspec.Struct, frozen=True, kw_only=True):
    """How far the price went against and for a trade while it was open."""

    adverse: float
    """Fraction of the entry price, ≤ 0 (MAE)."""
    favourable: float
    """Fraction of the entry price, ≥ 0 (MFE)."""


def excursion(direction: Direction, entry_price: float, highs: Floats, lows: Floats) -> Excursion | None:
    """Furthest moves against and for a position over the bars it was open; None without a bar or a position.

    Source:
        J. Sweeney, "Campaign Trading", 1996: maximum adverse and favourable excursion.
    """
    high, low = numbers(highs, "highs"), numbers(lows, "lows")
    same_length(high, low, "lows")
    if direction == "flat" or not len(high) or entry_price <= 0.0:
        return None
    up, down = float(high.max()) / entry_price - 1.0, float(low.min()) / entry_price - 1.0
    if direction == "short":
        up, down = -down, -up
    return Excursion(adverse=min(down, 0.0), favourable=max(up, 0.0))


def _won_and_lost(results: Floats) -> tuple[FloatArray, FloatArray]:
    array = numbers(results, "results")
    return array[array > 0.0], array[array < 0.0]
