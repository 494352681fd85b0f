from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from actors import ConfigError
from actors.bars.spec import BarSpec
from actors.model.calendar import ALWAYS_OPEN, Calendar
from tests.bars.stage import (
    DAY,
    MINUTE,
    NEW_YORK,
    SECOND,
    START,
    Stage,
    larger,
    line,
    minute_bar,
    of_bars,
    of_trades,
    trade,
)


def test_a_bar_holds_exactly_the_trades_of_its_interval() -> None:
    stage = Stage(of_trades())
    for second, price, size in ((0, 10, 1), (20, 12, 2), (40, 9, 3), (59.999, 11, 4), (60, 50, 1)):
        stage.run(trade(second, price, size))
    [bar] = stage.take()
    assert (bar.ts_event, bar.interval_ns) == (START + MINUTE, MINUTE)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10, 12, 9, 11, 10)


def test_a_bar_closes_when_its_grace_has_passed_though_nobody_trades() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10))
    stage.wait(60.249)
    assert stage.ends() == []
    stage.run(trade(59, 200), ts_init=START + 60_249_500_000)
    stage.wait(60.25)
    [bar] = stage.take()
    assert bar.close == 200


def test_a_bar_closes_with_the_first_trade_after_it_and_only_once() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10))
    stage.run(trade(60))
    assert stage.ends() == [60]
    stage.wait(61)
    assert stage.ends() == []


def test_late_trades_are_dropped_and_counted() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10, 100))
    stage.run(trade(60, 100))
    stage.run(trade(59.9, 500))
    stage.wait(125)
    stage.run(trade(119.9, 500), ts_init=START + 125 * SECOND)
    assert [bar.high for bar in stage.take()] == [100, 100]
    assert stage.actor.counts().late == 2


def test_a_trade_whose_whole_bar_is_over_begins_none() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10), ts_init=START + 61 * SECOND)
    stage.run(trade(11), ts_init=START + 62 * SECOND)
    stage.run(trade(70))
    stage.wait(121)
    assert stage.ends() == [120]
    assert stage.actor.counts().late == 2


def test_an_interval_without_trades_has_no_bar() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10))
    stage.run(trade(200))
    stage.wait(300)
    assert stage.ends() == [60, 240]


def test_smaller_bars_make_larger_ones_with_the_last_of_them() -> None:
    stage = Stage(of_bars())
    for minute in range(1, 11):
        stage.run(minute_bar(minute, 100 + minute))
    bars = [bar for bar in stage.take() if bar.interval_ns == 5 * MINUTE]
    assert [(b.ts_event - START) // MINUTE for b in bars] == [5, 10]
    assert (bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].volume) == (100, 107, 99, 105, 5)


def test_a_larger_bar_waits_for_a_slow_last_one_but_not_for_ever() -> None:
    stage = Stage(of_bars())
    for minute in range(1, 5):
        stage.run(minute_bar(minute))
    stage.wait(304.9)
    assert larger(stage) == []
    stage.wait(305)
    assert larger(stage) == [5]
    stage.run(minute_bar(5), ts_init=START + 306 * SECOND)
    assert larger(stage) == []
    assert stage.actor.counts().late == 1


def test_history_handed_over_at_once_makes_the_same_larger_bars() -> None:
    stage = Stage(of_bars())
    for minute in range(1, 16):
        stage.run(minute_bar(minute), ts_init=START + DAY)
    assert larger(stage) == [5, 10, 15]


def test_a_larger_bar_whose_beginning_was_missed_is_dropped() -> None:
    stage = Stage(of_bars())
    for minute in range(3, 11):
        stage.run(minute_bar(minute))
    assert larger(stage) == [10]
    assert stage.actor.counts().incomplete == 1


def test_a_larger_bar_with_a_hole_left_by_a_dead_line_is_dropped() -> None:
    stage = Stage(of_bars())
    for minute in (1, 2, 3):
        stage.run(minute_bar(minute))
    stage.run(line(200, "down"))
    stage.run(line(800, "live"))
    for minute in range(14, 21):
        stage.run(minute_bar(minute))
    assert larger(stage) == [20]
    assert stage.actor.counts().incomplete == 2


def test_a_larger_bar_survives_a_dead_line_when_nothing_was_missed() -> None:
    stage = Stage(of_bars())
    for minute in (1, 2, 3):
        stage.run(minute_bar(minute))
    stage.run(line(200, "down"))
    for minute in (4, 5):
        stage.run(minute_bar(minute))
    assert larger(stage) == [5]


def test_bars_build_on_bars_that_were_built() -> None:
    stage = Stage(of_trades(), of_bars("2m"), of_bars("6m", "2m"))
    for second in range(0, 721, 20):
        stage.run(trade(second, 100 + second))
    bars = stage.take()
    ends = [(bar.interval_ns // MINUTE, (bar.ts_event - START) // MINUTE) for bar in bars]
    assert [end for end in ends if end[0] > 1] == [
        (2, 2), (2, 4), (2, 6), (6, 6), (2, 8), (2, 10), (2, 12), (6, 12),
    ]  # fmt: skip
    assert sum(bar.volume for bar in bars if bar.interval_ns == 6 * MINUTE) == 36


def seconds(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND


def test_weeks_begin_on_mondays_and_days_at_midnight() -> None:
    stage = Stage(of_trades("1w"), of_trades("1d"))
    monday = seconds(2024, 3, 4, 0)
    stage.run(trade(0, start=monday))
    stage.run(trade(0, start=monday + 6 * DAY))
    stage.run(trade(0, start=monday + 7 * DAY))
    ends = [(bar.interval_ns // DAY, (bar.ts_event - monday) // DAY) for bar in stage.take()]
    assert sorted(ends) == [(1, 1), (1, 7), (7, 7)]


def test_sessions_keep_their_local_hours_over_a_change_of_clocks() -> None:
    stage = Stage(of_trades("1d"), of_trades("4h"), calendar=NEW_YORK)
    friday = seconds(2024, 3, 8, 14, 30)  # 09:30 in New York, the last session before summer time
    monday = seconds(2024, 3, 11, 13, 30)
    for start in (friday, monday):
        for hour in (0, 3, 5):
            stage.run(trade(hour * 3600, start=start))
    stage.run(trade(7 * 3600, start=monday))  # after the close
    bars = {
        (bar.interval_ns, datetime.fromtimestamp(bar.ts_event / SECOND, UTC)): bar.volume
        for bar in stage.take()
    }
    assert bars == {
        (DAY, datetime(2024, 3, 8, 21, tzinfo=UTC)): 3,
        (DAY, datetime(2024, 3, 11, 20, tzinfo=UTC)): 3,
        (DAY // 6, datetime(2024, 3, 8, 18, 30, tzinfo=UTC)): 2,
        (DAY // 6, datetime(2024, 3, 8, 21, tzinfo=UTC)): 1,
        (DAY // 6, datetime(2024, 3, 11, 17, 30, tzinfo=UTC)): 2,
        (DAY // 6, datetime(2024, 3, 11, 20, tzinfo=UTC)): 1,
    }
    assert stage.actor.counts().outside == 2


@pytest.mark.parametrize(
    ("specs", "calendar", "text"),
    [
        ([of_bars("5m", "2m")], ALWAYS_OPEN, "5m bars of BTCUSDT@binance cannot be made of 2m bars"),
        ([of_bars("5m", "5m")], ALWAYS_OPEN, "cannot be made of 5m bars"),
        ([of_trades(), of_trades()], ALWAYS_OPEN, "1m bars of BTCUSDT@binance are subscribed twice"),
        ([of_trades("1w")], NEW_YORK, "bars longer than a day are not built where sessions count"),
    ],
)
def test_a_subscription_that_cannot_be_built_is_refused(
    specs: Sequence[BarSpec], calendar: Calendar, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        Stage(*specs, calendar=calendar)
