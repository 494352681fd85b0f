from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from actors.analytics.returns import sharpe, skew
from actors.analytics.series import FloatArray
from actors.analytics.significance import (
    best_of_trials,
    bootstrap_interval,
    deflated_sharpe,
    monte_carlo,
    probabilistic_sharpe,
    sharpe_confidence,
)
from actors.errors import InvalidSeries

SEED = 20240301


def chance(seed: int = SEED) -> np.random.Generator:
    return np.random.default_rng(seed)


def some_returns(count: int = 250, mean: float = 0.001) -> FloatArray:
    return chance(7).normal(mean, 0.01, count)


def mean_of(returns: FloatArray) -> float:
    return float(returns.mean())


def test_the_worked_example_of_the_deflated_ratio_is_reproduced() -> None:
    # Bailey & López de Prado 2014: 2.5 a year over 1250 days of 250, 100 trials of variance 1/2, −3 and 10.
    benchmark = best_of_trials(100, (0.5 / 250) ** 0.5)
    assert benchmark == pytest.approx(0.1132, abs=5e-5)
    assert benchmark is not None
    ratio = 2.5 / 250**0.5
    assert sharpe_confidence(ratio, benchmark, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=5e-5)


def test_a_ratio_at_the_benchmark_is_as_likely_above_as_below() -> None:
    returns = some_returns()
    ratio = sharpe(returns, 1.0)
    assert ratio is not None
    assert probabilistic_sharpe(returns, ratio) == pytest.approx(0.5, abs=1e-12)
    normal = NormalDist().cdf(0.1 * (99 / (1 + 0.01 / 2)) ** 0.5)
    assert sharpe_confidence(0.1, 0.0, 100) == pytest.approx(normal, rel=1e-14)


def test_more_trials_deflate_more_and_one_trial_not_at_all() -> None:
    returns = some_returns()
    assert deflated_sharpe(returns, [0.1]) == probabilistic_sharpe(returns, 0.0)
    few = deflated_sharpe(returns, [0.0, 0.1])
    many = deflated_sharpe(returns, [0.0, 0.1] * 50)
    plain = probabilistic_sharpe(returns)
    assert plain is not None
    assert few is not None
    assert many is not None
    assert many < few < plain


def test_the_best_of_many_worthless_trials_is_about_as_good_as_said() -> None:
    # The formula is the limit for many trials; at 50 it lies 1.3 % too high.
    best = chance().normal(0.0, 2.0, (5_000, 50)).max(axis=1).mean()
    assert best_of_trials(50, 2.0) == pytest.approx(best, rel=0.02)


def test_what_has_no_ratio_has_no_probability() -> None:
    assert probabilistic_sharpe([]) is probabilistic_sharpe([0.1]) is probabilistic_sharpe([0.1, 0.1]) is None
    assert deflated_sharpe(some_returns(), []) is best_of_trials(0, 1.0) is None
    assert sharpe_confidence(5.0, 0.0, 100, skewness=3.0, kurtosis=1.0) is None


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    returns = some_returns()
    first, again, other = (
        bootstrap_interval(returns, mean_of, chance(seed), block_length=5, resamples=200)
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.slow
def test_intervals_of_the_mean_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(100):
        returns = chance(seed).normal(0.001, 0.01, 200)
        found = bootstrap_interval(
            returns, mean_of, chance(seed + 1000), block_length=1, resamples=300, confidence=0.9
        )
        assert found is not None
        covered += found.lower <= 0.001 <= found.upper
    assert 80 <= covered <= 97


def test_blocks_keep_what_follows_what() -> None:
    # In a series that rises, neighbours in a resample differ by one step except where a block begins.
    steps: list[float] = []

    def note(resample: FloatArray) -> float:
        steps.append(float(np.mean(np.diff(resample) % 1000 == 1)))
        return 0.0

    bootstrap_interval(np.arange(1000.0), note, chance(), block_length=20, resamples=50)
    assert np.mean(steps) == pytest.approx(0.95, abs=0.01)


def test_a_figure_that_is_mostly_undefined_has_no_interval() -> None:
    assert bootstrap_interval([], mean_of, chance(), block_length=1) is None
    assert bootstrap_interval([0.1, 0.1], skew, chance(), block_length=1) is None


@pytest.mark.parametrize(("block", "resamples", "confidence"), [(0.5, 10, 0.9), (1, 0, 0.9), (1, 10, 1.0)])
def test_a_bootstrap_without_meaning_is_refused(block: float, resamples: int, confidence: float) -> None:
    with pytest.raises(InvalidSeries, match="a bootstrap needs"):
        bootstrap_interval(
            [0.1], mean_of, chance(), block_length=block, resamples=resamples, confidence=confidence
        )


def test_another_order_of_the_same_trades_ends_the_same_and_falls_otherwise() -> None:
    returns = [0.1, -0.2, 0.3, -0.05]
    found = monte_carlo(returns, 100.0, chance(), runs=200, method="reshuffle")
    assert found is not None
    assert found.final_equity == pytest.approx([108.68] * 200)  # 1.1 × 0.8 × 1.3 × 0.95
    assert found.max_drawdown[0] == pytest.approx(-0.24)  # both losses first: 0.8 × 0.95
    assert found.max_drawdown == sorted(found.max_drawdown)
    assert found.ruin_probability == 0.0


def test_drawing_with_replacement_spreads_the_end_and_can_ruin() -> None:
    found = monte_carlo([0.6, -0.6], 100.0, chance(), runs=2000, floor=20.0)
    assert found is not None
    # Two draws: both losses, with a chance of 1/4, leave 16.
    assert found.ruin_probability == pytest.approx(0.25, abs=0.04)
    assert found.quantile("final_equity", 0.5) == pytest.approx(64.0)
    assert (found.final_equity[0], found.final_equity[-1]) == pytest.approx((16.0, 256.0))
    assert found.max_drawdown[0] == pytest.approx(-0.84)
    assert found == monte_carlo([0.6, -0.6], 100.0, chance(), runs=2000, floor=20.0)


def test_no_path_falls_by_more_than_all_there_is() -> None:
    found = monte_carlo([-1.5, 2.0], 100.0, chance(), runs=50)
    assert found is not None
    assert (min(found.final_equity), min(found.max_drawdown)) == (0.0, -1.0)


def test_a_simulation_of_nothing_is_none_and_one_without_money_is_refused() -> None:
    assert monte_carlo([], 100.0, chance()) is None
    for runs, start, floor in ((0, 100.0, 0.0), (10, 0.0, -5.0), (10, 50.0, 50.0)):
        with pytest.raises(InvalidSeries, match="give at least 1 and more than the floor"):
            monte_carlo([1.0], start, chance(), runs=runs, floor=floor)
