"""How far a result may be luck: Sharpe ratios judged by their error, resampled returns, reshuffled trades.

Chance comes in as a generator that the caller has seeded, so the same seed gives the same figures.
"""

from __future__ import annotations

from collections.abc import Callable
from math import e, sqrt
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np

from actors.analytics.returns import sharpe, standardised_moments
from actors.analytics.series import FloatArray, Floats, IntArray, is_constant, numbers
from actors.errors import InvalidSeries

EULER_MASCHERONI = 0.5772156649015329
_NORMAL = NormalDist()


def sharpe_confidence(
    ratio: float, benchmark: float, count: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """Probability that the true Sharpe ratio is above the benchmark, from figures of the returns.

    Args:
        ratio: Observed, per period, as is `benchmark`.
        count: Number of returns.
        kurtosis: Not in excess: 3 for a normal distribution.
    Returns:
        None for fewer than two returns, or where the estimate of the error is not positive.
    Source:
        D. H. Bailey & M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012.
    """
    error = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if count < 2 or error <= 0.0:
        return None
    return _NORMAL.cdf((ratio - benchmark) * sqrt((count - 1) / error))


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio per period is above the benchmark, both per period.

    Source:
        D. H. Bailey & M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012.
    """
    rates = numbers(returns, "returns")
    ratio, shape = sharpe(rates, 1.0), standardised_moments(rates)
    if ratio is None or shape is None:
        return None
    return sharpe_confidence(ratio, benchmark, len(rates), *shape)


def best_of_trials(trials: int, deviation: float) -> float | None:
    """The Sharpe ratio to expect of the best of so many trials that are all worth nothing.

    Args:
        trials: Number of independent trials, ≥ 1; 0 expected of a single one.
        deviation: Standard deviation of the trials' ratios, in the same unit as the answer.
    Source:
        D. H. Bailey & M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
        2014, eq. 1.
    """
    if trials < 1 or deviation < 0.0:
        return None
    if trials == 1:
        return 0.0
    ends = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return deviation * ((1.0 - EULER_MASCHERONI) * ends[0] + EULER_MASCHERONI * ends[1])


def deflated_sharpe(returns: Floats, trial_ratios: Floats) -> float | None:
    """Probability that the true Sharpe ratio is above what the best of the trials owes to having tried.

    Args:
        returns: Of the trial that was chosen.
        trial_ratios: Sharpe ratios per period of all trials, the chosen one included.
    Source:
        D. H. Bailey & M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
        2014.
    """
    ratios = numbers(trial_ratios, "ratios of the trials")
    deviation = 0.0 if is_constant(ratios) else float(ratios.std(ddof=1))
    benchmark = best_of_trials(len(ratios), deviation)
    return None if benchmark is None else probabilistic_sharpe(returns, benchmark)


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure lies with the confidence asked for."""

    lower: float
    upper: float


def bootstrap_interval(
    returns: Floats,
    figure: Callable[[FloatArray], float | None],
    chance: np.random.Generator,
    *,
    block_length: float,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval | None:
    """Percentile interval of a figure over stationary block resamples of the returns.

    Args:
        figure: Of one resample, as `lambda r: sharpe(r, 252)`; None leaves that resample out.
        block_length: Mean length of the blocks that are kept together, ≥ 1; 1 draws each return alone.
    Returns:
        None without returns, or where the figure is defined for fewer than half of the resamples.
    Source:
        D. N. Politis & J. P. Romano, "The Stationary Bootstrap", Journal of the American Statistical
        Association 89(428), 1994.
    """
    rates = numbers(returns, "returns")
    if block_length < 1.0 or resamples < 1 or not 0.0 < confidence < 1.0:
        raise InvalidSeries(
            "a bootstrap needs blocks and resamples of at least 1 and a confidence within (0, 1)"
        )
    if not len(rates):
        return None
    drawn = (figure(rates[_blocks(len(rates), block_length, chance)]) for _ in range(resamples))
    defined = [value for value in drawn if value is not None]
    if 2 * len(defined) < resamples:
        return None
    tail = (1.0 - confidence) / 2.0
    lower, upper = np.quantile(defined, (tail, 1.0 - tail))
    return Interval(lower=float(lower), upper=float(upper))


def _blocks(count: int, length: float, chance: np.random.Generator) -> IntArray:
    """Positions of one resample: blocks of random start and geometric length, around the end."""
    begins = chance.random(count) < 1.0 / length
    starts = chance.integers(count, size=count)
    places = np.arange(count)
    # Where none has begun yet, the first place begins one.
    begun_at = np.maximum.accumulate(np.where(begins, places, 0))
    return (starts[begun_at] + places - begun_at) % count


class TradePaths(msgspec.Struct, frozen=True, kw_only=True):
    """What the same trades could have come to; one value per run, sorted."""

    final_equity: list[float]
    max_drawdown: list[float]
    """Fractions of the running peak, ≤ 0, deepest first."""
    ruin_probability: float
    """Share of the runs in which equity fell to the floor or below."""

    def quantile(self, of: Literal["final_equity", "max_drawdown"], share: float) -> float:
        """The value below which this share of the runs lies, linear between runs."""
        return float(np.quantile(getattr(self, of), share))


def monte_carlo(
    returns: Floats,
    start_equity: float,
    chance: np.random.Generator,
    *,
    runs: int = 1000,
    method: Literal["reshuffle", "resample"] = "resample",
    floor: float = 0.0,
) -> TradePaths | None:
    """Equity over the same trades in another order (`reshuffle`), or drawn with replacement (`resample`).

    Trades compound: each moves equity by its return, as sizes follow equity, and what loses everything or
    more ends at zero. So no path falls by more than all there is.

    Args:
        returns: Net result of each trade over the equity it was opened with, fractions.
        start_equity: > floor.
        floor: Equity at which a path counts as ruined.
    Returns:
        None without trades.
    Raises:
        InvalidSeries: Nothing to begin with, or no runs.
    Source:
        V. K. Tharp, "Definitive Guide to Position Sizing", 2008: simulated orders of a system's trades.
    """
    array = numbers(returns, "returns")
    if runs < 1 or start_equity <= max(floor, 0.0):
        raise InvalidSeries(
            f"{runs} runs from an equity of {start_equity}: give at least 1 and more than the floor"
        )
    if not len(array):
        return None
    ends, falls, ruined = [], [], 0
    for _ in range(runs):
        drawn = chance.permutation(array) if method == "reshuffle" else chance.choice(array, len(array))
        curve = start_equity * np.concatenate((np.ones(1), np.cumprod(np.maximum(1.0 + drawn, 0.0))))
        ends.append(float(curve[-1]))
        falls.append(float((curve / np.maximum.accumulate(curve)).min()) - 1.0)
        ruined += bool(curve.min() <= floor)
    return TradePaths(final_equity=sorted(ends), max_drawdown=sorted(falls), ruin_probability=ruined / runs)
