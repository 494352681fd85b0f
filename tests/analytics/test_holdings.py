from __future__ import annotations

import pytest

from actors.analytics.holdings import capacity, exposure_average, time_in_market, turnover
from actors.analytics.series import YEAR_NS
from actors.errors import InvalidSeries


def test_time_in_market_counts_an_hour_once_however_many_positions_were_open() -> None:
    assert time_in_market([10, 20, 90], [40, 30, 100], 0, 100) == 0.4
    assert time_in_market([20, 10], [60, 40], 0, 100) == 0.5
    assert time_in_market([-5], [200], 0, 100) == 1.0
    assert time_in_market([], [], 0, 100) == 0.0


def test_exposure_is_a_share_of_equity_averaged_over_time() -> None:
    assert exposure_average([0.0, 50.0, 300.0, 0.0], [100.0, 100.0, 150.0, 150.0], [0, 10, 20, 40]) == 1.125
    assert exposure_average([0.0, 0.0], [-5.0, -5.0], [0, 10]) == 0.0


def test_exposure_on_lost_money_is_refused() -> None:
    with pytest.raises(InvalidSeries, match=r"equity is -1\.0 at position 1"):
        exposure_average([0.0, 5.0, 0.0], [1.0, -1.0, 1.0], [0, 1, 2])


def test_buying_and_selling_everything_in_a_year_is_a_turnover_of_two() -> None:
    assert turnover([100.0, -100.0], [100.0, 100.0], [0, YEAR_NS]) == 2.0
    assert turnover([100.0, -100.0], [100.0, 100.0], [0, 2 * YEAR_NS]) == 1.0
    assert turnover([], [100.0, 100.0], [0, YEAR_NS]) == 0.0
    # 100 for three quarters of the year and 200 for the rest: 125 on the mean, wherever the points lie
    quarter = YEAR_NS // 4
    for times, curve in (
        ([0, 3 * quarter, 4 * quarter], [100.0, 200.0, 200.0]),
        ([0, 1, 2, 3 * quarter, 4 * quarter], [100.0, 100.0, 100.0, 200.0, 200.0]),
    ):
        assert turnover([125.0], curve, times) == 1.0


def test_without_elapsed_time_or_money_nothing_is_defined() -> None:
    assert time_in_market([], [], 5, 5) is None
    assert exposure_average([1.0], [1.0], [0]) is None
    assert turnover([1.0], [1.0], [0]) is turnover([1.0], [-3.0, 1.0], [0, 1]) is None


def test_capacity_is_how_often_the_orders_fit_into_a_share_of_the_volume() -> None:
    assert capacity([10.0, -10.0], [1000.0, 1000.0], 0.05) == pytest.approx(5.0)
    assert capacity([0.0, 100.0], [0.0, 1000.0], 0.05) == pytest.approx(0.5)
    assert capacity([], [], 0.05) is capacity([0.0], [5.0], 0.05) is None
    with pytest.raises(InvalidSeries, match="a fill in a bar without market volume"):
        capacity([1.0], [0.0], 0.05)
