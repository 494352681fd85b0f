from __future__ import annotations

from collections.abc import Callable
from math import nan, sqrt

import pytest

from actors.analytics import returns as figures
from actors.analytics.series import YEAR_NS
from actors.errors import InvalidSeries
from actors.model.calendar import DAY_NS

# Mean 0.01, deviations 0.01, −0.03, 0.03, −0.01: squares sum to 0.002.
FOUR = [0.02, -0.02, 0.04, 0.0]
OF_RETURNS: list[Callable[[list[float]], float | None]] = [
    lambda r: figures.volatility(r, 252),
    lambda r: figures.sharpe(r, 252),
    lambda r: figures.downside_deviation(r, 252),
    lambda r: figures.sortino(r, 252),
    figures.omega,
    figures.value_at_risk,
    figures.conditional_value_at_risk,
    figures.tail_ratio,
    figures.skew,
    figures.kurtosis,
    lambda r: figures.beta(r, r),
    lambda r: figures.alpha(r, r, 252),
    lambda r: figures.information_ratio(r, [0.0] * len(r), 252),
]


def test_growth_and_reward_equal_hand_worked_numbers() -> None:
    deviation = sqrt(0.002 / 3)
    assert figures.volatility(FOUR, 4) == pytest.approx(2 * deviation, rel=1e-14)
    assert figures.sharpe(FOUR, 4) == pytest.approx(2 * 0.01 / deviation, rel=1e-14)
    assert figures.sharpe(FOUR, 4, risk_free=0.002) == pytest.approx(2 * 0.008 / deviation, rel=1e-14)
    assert figures.downside_deviation(FOUR, 4) == pytest.approx(0.02, rel=1e-14)
    assert figures.sortino(FOUR, 4) == pytest.approx(0.04 / 0.02, rel=1e-14)
    assert figures.omega(FOUR) == pytest.approx(3.0, rel=1e-14)
    assert figures.omega(FOUR, 0.01) == pytest.approx(0.04 / 0.04, rel=1e-14)


def test_tails_equal_hand_worked_numbers() -> None:
    hundred_and_one = [n / 100 for n in range(-50, 51)]
    assert figures.value_at_risk(hundred_and_one) == pytest.approx(-0.45, rel=1e-14)
    assert figures.conditional_value_at_risk(hundred_and_one) == pytest.approx(-0.475, rel=1e-14)
    assert figures.conditional_value_at_risk(hundred_and_one, 0.99) == pytest.approx(-0.495, rel=1e-14)
    assert figures.tail_ratio(hundred_and_one) == pytest.approx(1.0, rel=1e-14)
    assert figures.skew(hundred_and_one) == pytest.approx(0.0, abs=1e-14)
    assert figures.skew([0.0, 0.0, 3.0]) == pytest.approx(sqrt(3), rel=1e-14)
    assert figures.kurtosis([0.0, 0.0, 0.0, 4.0]) == pytest.approx(4.0, rel=1e-14)


def test_growth_a_year_is_by_elapsed_time_and_not_by_the_number_of_points() -> None:
    assert figures.cagr([100.0, 121.0], [0, 2 * YEAR_NS]) == pytest.approx(0.1, rel=1e-14)
    assert figures.cagr([100.0, 7.0, 121.0], [0, 5, 2 * YEAR_NS]) == pytest.approx(0.1, rel=1e-14)
    assert figures.calmar([100.0, 50.0, 121.0], [0, 5, 2 * YEAR_NS]) == pytest.approx(0.2, rel=1e-14)


def test_a_total_loss_is_defined_and_a_debt_is_not() -> None:
    assert figures.cagr([100.0, 0.0], [0, YEAR_NS]) == -1.0
    assert figures.cagr([100.0, -1.0], [0, YEAR_NS]) is None
    assert figures.total_return([100.0, -1.0]) == pytest.approx(-1.01)


def test_growth_beyond_all_numbers_is_not_defined() -> None:
    assert figures.cagr([1.0, 2.0], [0, 1_000_000]) is None


def test_a_leveraged_copy_of_the_benchmark_has_its_leverage_as_beta_and_no_alpha() -> None:
    doubled = [2 * rate for rate in FOUR]
    assert figures.beta(doubled, FOUR) == pytest.approx(2.0, rel=1e-14)
    assert figures.alpha(doubled, FOUR, 252) == pytest.approx(0.0, abs=1e-12)
    better = [rate + 0.001 for rate in doubled]
    assert figures.alpha(better, FOUR, 12) == pytest.approx(1.001**12 - 1, rel=1e-10)


@pytest.mark.parametrize("figure", OF_RETURNS)
def test_no_figure_is_made_of_nothing_and_none_of_what_is_no_number(
    figure: Callable[[list[float]], float | None],
) -> None:
    assert figure([]) is None
    with pytest.raises(InvalidSeries, match="position 1 of the"):
        figure([0.01, nan, 0.02])


def test_what_needs_variance_is_not_defined_without_it() -> None:
    flat = [0.1] * 30
    assert figures.volatility(flat, 252) == 0.0
    for figure in (figures.skew, figures.kurtosis):
        assert figure(flat) is None
    assert figures.sharpe(flat, 252) is figures.information_ratio(flat, [0.2] * 30, 252) is None
    assert figures.beta(FOUR, [0.1] * 4) is figures.alpha(FOUR, [0.1] * 4, 252) is None


def test_what_needs_losses_is_not_defined_without_them() -> None:
    gains = [0.01, 0.02]
    assert figures.sortino(gains, 252) is figures.omega(gains) is None
    assert figures.calmar([1.0, 2.0], [0, YEAR_NS]) is None
    assert figures.tail_ratio([0.0] * 30) is None


def test_growth_within_a_day_is_no_growth_a_year() -> None:
    assert figures.cagr([100.0, 101.0], [0, DAY_NS - 1]) is None
    assert figures.cagr([100.0, 100.01], [0, DAY_NS]) == pytest.approx(1.0001**365.25 - 1)


def test_one_number_gives_only_what_one_number_can() -> None:
    one = [-0.03]
    assert figures.value_at_risk(one) == figures.conditional_value_at_risk(one) == -0.03
    assert figures.volatility(one, 252) is figures.sharpe(one, 252) is figures.skew(one) is None
    assert figures.total_return([5.0]) is figures.cagr([5.0], [0]) is None
    assert figures.kurtosis([0.1, 0.2, 0.3]) is figures.skew([0.1, 0.2]) is None


def test_series_of_unequal_length_are_refused() -> None:
    for figure in (figures.beta, lambda r, b: figures.information_ratio(r, b, 252)):
        with pytest.raises(InvalidSeries, match="4 values against 3 of the benchmark: align the two"):
            figure(FOUR, FOUR[:3])
