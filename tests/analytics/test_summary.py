from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from actors import analytics
from actors.analytics.summary import benchmark_figures, doubts, equity_figures
from actors.errors import InvalidSeries
from actors.model.calendar import DAY_NS, SECOND_NS

START = int(datetime(2024, 3, 4, 15, tzinfo=UTC).timestamp()) * SECOND_NS
HOUR_NS = 3600 * SECOND_NS


def a_curve(days: int = 100, drift: float = 0.0005) -> tuple[list[float], list[int]]:
    """Four points a day, beginning with the first at 15:00 UTC."""
    chance = np.random.default_rng(5)
    equity = 1000.0 * np.exp(np.cumsum(chance.normal(drift, 0.004, 4 * days)))
    return equity.tolist(), [START + n // 4 * DAY_NS + n % 4 * HOUR_NS for n in range(4 * days)]


def test_the_summary_holds_what_each_figure_says_of_its_own() -> None:
    equity, times = a_curve()
    figures = equity_figures(equity, times, 252.0, risk_free=0.0001)
    rates = analytics.daily_returns(equity, times)
    assert figures.return_count == len(rates) == 100
    assert figures.sharpe == analytics.sharpe(rates, 252.0, 0.0001)
    assert figures.sortino == analytics.sortino(rates, 252.0, 0.0001)
    assert figures.cagr == analytics.cagr(equity, times)
    assert figures.calmar == analytics.calmar(equity, times)
    assert (figures.best, figures.worst) == (rates.max(), rates.min())
    assert figures.kurtosis == analytics.kurtosis(rates)


def test_drawdowns_are_of_every_point_and_returns_of_days() -> None:
    equity, times = [100.0, 50.0, 100.0, 110.0], [START, START + 1, START + 2, START + DAY_NS]
    figures = equity_figures(equity, times, 252.0)
    assert (figures.max_drawdown, figures.return_count) == (-0.5, 2)
    assert figures.worst_drawdown is not None
    assert figures.worst_drawdown.duration_ns == figures.longest_drawdown_ns == 2
    each = equity_figures(equity, times, 252.0, zone=None)
    assert (each.return_count, each.worst) == (3, -0.5)


def test_the_first_day_counts_from_the_first_point() -> None:
    times = [START, START + HOUR_NS, START + DAY_NS]
    assert analytics.daily_returns([100.0, 110.0, 99.0], times).tolist() == pytest.approx([0.1, -0.1])
    assert analytics.daily_returns([100.0, 110.0], [START, START + DAY_NS]).tolist() == pytest.approx([0.1])
    kolkata = ZoneInfo("Asia/Kolkata")
    late = [START, START + 4 * HOUR_NS]  # 20:30 and 00:30 there
    assert analytics.daily_returns([100.0, 110.0], late, kolkata).tolist() == pytest.approx([0.1])
    assert analytics.daily_returns([], []).tolist() == []


def test_a_curve_of_nothing_has_no_figure() -> None:
    figures = equity_figures([], [], 252.0)
    left = {name for name, value in msgspec.structs.asdict(figures).items() if value is not None}
    assert left == {"periods_per_year", "return_count"}


def test_one_point_has_a_drawdown_of_zero_and_no_growth() -> None:
    figures = equity_figures([5.0], [1], 252.0)
    assert (figures.max_drawdown, figures.longest_drawdown_ns) == (0.0, 0)
    assert figures.total_return is figures.sharpe is figures.value_at_risk is None


def test_a_curve_that_goes_on_without_money_is_refused() -> None:
    with pytest.raises(InvalidSeries, match="end the curve there"):
        equity_figures([1.0, -1.0, 2.0], [1, 1 + DAY_NS, 1 + 2 * DAY_NS], 252.0)


def test_figures_against_a_benchmark_are_those_of_the_functions() -> None:
    rates, market = [0.01, -0.02, 0.03, 0.0], [0.0, -0.01, 0.02, 0.01]
    found = benchmark_figures(rates, market, 252.0)
    assert found.beta == analytics.beta(rates, market)
    assert found.alpha == analytics.alpha(rates, market, 252.0)
    assert found.information_ratio == analytics.information_ratio(rates, market, 252.0)


def test_what_is_ordinary_raises_no_doubt() -> None:
    assert doubts(equity_figures(*a_curve(drift=0.0), 252.0), trade_count=50, win_rate=0.55) == []


def test_fewer_periods_than_the_calendar_has_are_said() -> None:
    figures = equity_figures(*a_curve(drift=0.0), 365.25)
    years = figures.return_count / 252.0
    (found,) = doubts(figures, trade_count=50, win_rate=0.55, years=years)
    assert "365.25 periods, but the data have 252 a year" in found
    assert "1.20 times as large" in found
    assert doubts(figures, trade_count=50, win_rate=0.55, years=figures.return_count / 340.0) == []


def test_what_is_too_good_is_doubted_in_one_sentence_each() -> None:
    rising = [100.0 * 1.02**n + n % 2 for n in range(100)]
    figures = equity_figures(rising, [START + n * DAY_NS for n in range(100)], 252.0)
    found = doubts(figures, trade_count=30, win_rate=0.96)
    assert [sentence.split(":")[1] for sentence in found] == [
        " check for look-ahead and costs",
        " check sizes, fills and costs",
        " check for look-ahead, and for losses left open",
        " check that positions are valued at the market",
    ]


def test_too_little_to_judge_by_is_said() -> None:
    figures = equity_figures([100.0, 99.0, 101.0], [START, START + DAY_NS, START + 2 * DAY_NS], 252.0)
    few = doubts(figures, trade_count=29, win_rate=1.0)
    assert few[0].startswith("only 2 returns")
    assert few[1].startswith("only 29 trades")
    assert not any("won" in sentence for sentence in few)
