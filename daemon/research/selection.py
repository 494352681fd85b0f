"""How much of the best cell's Sharpe ratio a sweep owes to having tried so many."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np

from actors.analytics.significance import best_of_trials, sharpe_confidence
from actors.analytics.summary import EquityFigures


class Deflated(msgspec.Struct, frozen=True, kw_only=True):
    """The Sharpe ratio of a chosen trial against what the best of so many worthless ones would show."""

    trials: int
    """With a Sharpe ratio. All count as independent: of cells that are alike this is more than fair."""
    sharpe: float
    """Of the chosen one, a year."""
    variance: float
    """Of the trials' Sharpe ratios a year, ddof 1; 0 of a single one."""
    expected_best: float
    """Sharpe ratio a year that the best of these trials would show if none had any worth."""
    probability: float | None
    """That the true Sharpe ratio is above `expected_best`: the deflated Sharpe ratio."""

    def __str__(self) -> str:
        chance = "n/a" if self.probability is None else f"{self.probability:.1%}"
        return (
            f"deflated Sharpe {chance}: {self.sharpe:.2f} against the {self.expected_best:.2f} to expect of "
            f"the best of {self.trials:,} trials (variance {self.variance:.3g})"
        )


def deflated(chosen: EquityFigures, trials: Sequence[EquityFigures]) -> Deflated | None:
    """Judge the chosen one of the trials; None where it has no Sharpe ratio.

    Args:
        trials: All of them, the chosen one included.
    Source:
        D. H. Bailey & M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
        2014.
    """
    if chosen.sharpe is None or not chosen.periods_per_year:
        return None
    ratios = [trial.sharpe for trial in trials if trial.sharpe is not None]
    variance = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0
    best = best_of_trials(len(ratios), sqrt(variance))
    assert best is not None, "the chosen one is a trial"
    year, shape = sqrt(chosen.periods_per_year), _moments(chosen)
    probability = None
    if shape is not None:
        probability = sharpe_confidence(chosen.sharpe / year, best / year, chosen.return_count, *shape)
    return Deflated(
        trials=len(ratios),
        sharpe=chosen.sharpe,
        variance=variance,
        expected_best=best,
        probability=probability,
    )


def _moments(figures: EquityFigures) -> tuple[float, float] | None:
    """Third and fourth standardised moment of the returns, from their estimates without bias."""
    count, skew, kurtosis = figures.return_count, figures.skew, figures.kurtosis
    if skew is None or kurtosis is None:
        return None
    third = skew * (count - 2) / sqrt(count * (count - 1))
    fourth = (kurtosis * (count - 2) * (count - 3) / (count - 1) - 6.0) / (count + 1) + 3.0
    return third, fourth
