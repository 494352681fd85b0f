from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from actors.analytics import groups
from actors.analytics.trade_columns import NO_TAG
from actors.analytics.trades import TradeResult
from actors.errors import InvalidSeries
from actors.messages.orders import Direction
from actors.model.calendar import SECOND_NS


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


def a_trade(
    closed: str = "2024-03-04T12:00",
    pnl: float = 10.0,
    *,
    direction: Direction = "long",
    tag: str | None = None,
    strategy: str = "s",
    instrument: str = "X@y",
) -> TradeResult:
    return TradeResult(
        strategy=strategy, instrument=instrument, direction=direction, tag=tag, ts_opened=0,
        ts_closed=at(closed), realised_pnl=pnl, fees=1.0, slippage=2.0, borrow=0.5, funding=-0.25,
    )  # fmt: skip


def test_gross_less_every_cost_is_net() -> None:
    figures = groups.trade_figures([a_trade(), a_trade(pnl=-4.0)])
    assert (figures.count, figures.gross, figures.net) == (2, 10.0, 3.5)
    assert figures.net == (figures.gross - figures.slippage - figures.fees - figures.borrow - figures.funding)
    assert (figures.win_rate, figures.expectancy) == (0.5, 1.75)


def test_a_group_without_trades_has_a_count_and_sums_and_nothing_else() -> None:
    figures = groups.trade_figures([])
    assert (figures.count, figures.gross, figures.net) == (0, 0.0, 0.0)
    assert figures.win_rate is figures.profit_factor is figures.expectancy is figures.system_quality is None


def test_each_trade_counts_in_one_group_of_each_kind() -> None:
    trades = [
        a_trade(tag="breakout", strategy="b", instrument="B@y"),
        a_trade(direction="short", strategy="a"),
        a_trade(tag="breakout", pnl=-3.0),
    ]
    for split in (groups.by_strategy, groups.by_instrument, groups.by_side, groups.by_tag):
        found = split(trades)
        assert sum(group.count for group in found.values()) == 3
        assert sum(group.net for group in found.values()) == groups.trade_figures(trades).net
        assert list(found) == sorted(found)
    assert list(groups.by_tag(trades)) == [NO_TAG, "breakout"]
    assert groups.by_side(trades)["short"].count == 1
    assert groups.by_tag(trades)["breakout"].count == 2


def test_trades_belong_to_the_month_and_weekday_of_their_close_in_the_zone() -> None:
    trades = [a_trade("2024-04-01T03:00"), a_trade("2024-03-01T12:00"), a_trade("2024-04-02T12:00")]
    assert {month: found.count for month, found in groups.by_month(trades).items()} == {
        "2024-03": 1,
        "2024-04": 2,
    }
    new_york = ZoneInfo("America/New_York")
    assert {m: found.count for m, found in groups.by_month(trades, new_york).items()} == {
        "2024-03": 2,
        "2024-04": 1,
    }
    assert list(groups.by_weekday(trades)) == ["Monday", "Tuesday", "Friday"]
    assert list(groups.by_weekday(trades, new_york)) == ["Tuesday", "Friday", "Sunday"]


def test_months_multiply_to_the_whole() -> None:
    times = [at(f"2024-{month:02}-{day:02}T12:00") for month in (1, 2, 4) for day in (3, 20)]
    equity = [100.0, 110.0, 121.0, 99.0, 198.0, 108.9]
    found = groups.monthly_returns(equity, times)
    assert found == {
        "2024-01": pytest.approx(0.1),
        "2024-02": pytest.approx(-0.1),
        "2024-04": pytest.approx(0.1),
    }


def test_a_month_that_begins_without_money_has_no_return() -> None:
    times = [at("2024-01-01T12:00"), at("2024-01-31T12:00"), at("2024-02-10T12:00")]
    assert groups.monthly_returns([1.0, -1.0, 3.0], times) == {"2024-01": -2.0, "2024-02": None}
    assert groups.monthly_returns([], []) == {}


def test_weekdays_have_the_mean_of_the_days_that_end_on_them() -> None:
    # 2024-03-01 was a Friday.
    days = [f"2024-03-{day:02}T20:00" for day in (1, 4, 5, 11)]
    found = groups.weekday_returns([100.0, 110.0, 99.0, 128.7], [at(day) for day in days])
    assert found == {"Monday": pytest.approx(0.2), "Tuesday": pytest.approx(-0.1)}
    assert groups.weekday_returns([1.0], [at(days[0])]) == {}


def test_times_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidSeries, match="position 1 is not after the one before"):
        groups.monthly_returns([1.0, 2.0], [5, 4])
