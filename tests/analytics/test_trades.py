from __future__ import annotations

from collections.abc import Callable
from math import nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.analytics import trades as figures
from actors.analytics.trades import Streaks, TradeResult, excursion, r_multiples, streaks
from actors.errors import InvalidSeries
from actors.messages.orders import Direction

RESULTS = [10.0, -5.0, 0.0, 20.0, -5.0]


def test_figures_of_a_few_trades_equal_hand_worked_numbers() -> None:
    assert figures.win_rate(RESULTS) == 0.4
    assert figures.profit_factor(RESULTS) == 3.0
    assert figures.payoff_ratio(RESULTS) == 3.0
    assert figures.expectancy(RESULTS) == 4.0
    deviation = sqrt((36 + 81 + 16 + 256 + 81) / 4)
    assert figures.system_quality(RESULTS) == pytest.approx(sqrt(5) * 4 / deviation, rel=1e-14)


def test_costs_are_taken_off_and_slippage_is_in_the_prices_already() -> None:
    trade = TradeResult(
        strategy="s", instrument="X@y", direction="long", ts_opened=1, ts_closed=2,
        realised_pnl=10.0, fees=1.0, slippage=0.5, borrow=0.25, funding=-2.0,
    )  # fmt: skip
    assert trade.net == 10.75
    assert figures.net_results([trade, trade]).tolist() == [10.75, 10.75]


@pytest.mark.parametrize(
    "figure",
    [
        figures.win_rate,
        figures.profit_factor,
        figures.payoff_ratio,
        figures.expectancy,
        figures.system_quality,
    ],
)
def test_no_figure_is_made_of_no_trades_and_none_of_what_is_no_number(
    figure: Callable[[list[float]], float | None],
) -> None:
    assert figure([]) is None
    with pytest.raises(InvalidSeries, match="position 1 of the results"):
        figure([1.0, nan])


def test_what_needs_losses_or_spread_is_not_defined_without() -> None:
    assert figures.profit_factor([1.0, 0.0]) is figures.payoff_ratio([1.0, 2.0]) is None
    assert figures.payoff_ratio([-1.0]) is None
    assert figures.profit_factor([-1.0, -2.0]) == 0.0
    assert figures.system_quality([1.0]) is figures.system_quality([0.1, 0.1, 0.1]) is None


def test_results_are_measured_in_what_was_risked() -> None:
    assert r_multiples([10.0, -5.0], [5.0, 5.0]).tolist() == [2.0, -1.0]
    with pytest.raises(
        InvalidSeries, match=r"the risk of trade 1 is 0\.0: leave out trades that had no stop"
    ):
        r_multiples([1.0, 1.0], [1.0, 0.0])
    with pytest.raises(InvalidSeries, match="2 values against 1 of the risks"):
        r_multiples([1.0, 1.0], [1.0])


def test_runs_of_wins_and_losses_are_counted_and_an_even_trade_ends_both() -> None:
    assert streaks([1, 1, -1, -1, -1, 1, 1, 1, 0, 1, -1, -1]) == Streaks(won_max=3, lost_max=3, current=-2)
    assert streaks([]) == Streaks(won_max=0, lost_max=0, current=0)
    assert streaks([1.0, 0.0]).current == 0


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=30))
def test_the_longest_run_of_wins_is_the_longest_stretch_of_plus_signs(results: list[float]) -> None:
    signs = "".join("0+-"[int(result)] for result in results)
    found = streaks(results)
    assert "+" * found.won_max in signs
    assert "+" * (found.won_max + 1) not in signs
    assert "-" * found.lost_max in signs
    assert "-" * (found.lost_max + 1) not in signs


@pytest.mark.parametrize(
    ("direction", "highs", "lows", "adverse", "favourable"),
    [
        ("long", [105.0, 110.0], [95.0, 90.0], -0.1, 0.1),
        ("short", [105.0], [80.0], -0.05, 0.2),
        ("long", [120.0], [110.0], 0.0, 0.2),
        ("short", [120.0], [110.0], -0.2, 0.0),
    ],
)
def test_excursions_are_signed_by_what_they_mean_for_the_trade(
    direction: Direction, highs: list[float], lows: list[float], adverse: float, favourable: float
) -> None:
    found = excursion(direction, 100.0, highs, lows)
    assert found is not None
    assert (found.adverse, found.favourable) == pytest.approx((adverse, favourable), rel=1e-12)


def test_without_bars_or_a_position_there_is_no_excursion() -> None:
    assert excursion("long", 100.0, [], []) is excursion("flat", 100.0, [1.0], [1.0]) is None
