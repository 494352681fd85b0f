from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from actors import ConfigError
from actors.bars.actor import BarsActor
from actors.bars.spec import BarSpec
from actors.core.actor import CoreActor
from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.messages.base import Message
from actors.messages.control import BackfillDone, Started, TimeReached
from actors.messages.market import Bar, FeedStatus, Trade
from actors.model.calendar import ALWAYS_OPEN, BUILT_IN, Calendar
from actors.model.ids import ClientOrderIds
from actors.model.intervals import parse_interval
from tests.strategies.stage import an_instrument

BTC = "BTCUSDT@binance"
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
START = 20_000 * DAY
NEW_YORK = BUILT_IN[1]


class Recorder(CoreActor):
    """Keeps every bar it hears."""

    name = "recorder"
    state_type = list[Bar]

    def __init__(self) -> None:
        self.bars: list[Bar] = []

    def on_bar(self, bar: Bar) -> None:
        self.bars.append(bar)

    def snapshot(self) -> list[Bar]:
        return self.bars

    def restore(self, state: list[Bar]) -> None:
        self.bars = list(state)


class Stage:
    def __init__(self, *specs: BarSpec, calendar: Calendar = ALWAYS_OPEN, **settings: Any) -> None:
        self.actor = BarsActor(specs, instruments={BTC: an_instrument(calendar=calendar.name)}, **settings)
        self.recorder = Recorder()
        self.sequencer = Sequencer(
            actors=[self.actor, self.recorder], ids=ClientOrderIds(store_id="TEST", epoch=1)
        )

    def run(self, message: Message, ts_init: int | None = None) -> None:
        self.sequencer.run(message, message.ts_event if ts_init is None else ts_init)

    def wait(self, seconds: float) -> None:
        self.run(TimeReached(ts_event=START + int(seconds * SECOND)))

    def take(self) -> list[Bar]:
        bars = list(self.recorder.bars)
        self.recorder.bars.clear()
        return bars

    def ends(self, start: int = START) -> list[float]:
        """Ends of the bars given out since the last look, seconds after the start."""
        return [(bar.ts_event - start) / SECOND for bar in self.take()]


def of_trades(interval: str = "1m", **more: Any) -> BarSpec:
    return BarSpec(instrument=BTC, interval_ns=parse_interval(interval), **more)


def of_bars(interval: str = "5m", source: str = "1m", **more: Any) -> BarSpec:
    smaller = parse_interval(source)
    return of_trades(interval, source="bars", source_interval_ns=smaller, **more)


def trade(second: float, price: float = 100.0, size: float = 1.0, start: int = START) -> Trade:
    return Trade(
        ts_event=start + round(second * SECOND), instrument=BTC, trade_id=str(second), price=price, size=size,
        aggressor="buy",
    )  # fmt: skip


def minute_bar(minute: int, close: float = 100.0, volume: float = 1.0) -> Bar:
    """The one-minute bar that ends `minute` minutes after the start."""
    return Bar(
        ts_event=START + minute * MINUTE, instrument=BTC, interval_ns=MINUTE, open=close - 1, high=close + 2,
        low=close - 2, close=close, volume=volume,
    )  # fmt: skip


def line(second: float, status: Any) -> FeedStatus:
    return FeedStatus(ts_event=START + round(second * SECOND), instrument=BTC, status=status, reason="test")


def history_done(minute: int) -> BackfillDone:
    end = START + minute * MINUTE
    return BackfillDone(ts_event=end, instrument=BTC, interval_ns=MINUTE, last_end=end)


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


def larger(stage: Stage) -> list[int]:
    return [(bar.ts_event - START) // MINUTE for bar in stage.take() if bar.interval_ns == 5 * MINUTE]


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


# gaps


def test_a_bar_that_touches_a_gap_is_not_given_out() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10))
    stage.run(line(20, "down"))
    stage.run(line(130, "live"))
    for second in (140, 190, 250):
        stage.run(trade(second))
    assert stage.ends() == [240]
    assert stage.actor.counts().incomplete == 2


def test_a_restart_in_the_middle_of_a_bar_spoils_it() -> None:
    stage = Stage(of_trades())
    stage.run(Started(ts_event=START, epoch=1))
    stage.run(trade(10))
    stage.run(Started(ts_event=START + 20 * SECOND, epoch=2))
    for second in (30, 70, 130):
        stage.run(trade(second))
    assert stage.ends() == [120]
    assert stage.actor.counts().incomplete == 1


def test_live_bars_wait_for_missed_ones_and_each_comes_once_and_in_order() -> None:
    stage = Stage(of_trades(needs_backfill=True), backfill_deadline_ns=300 * SECOND)
    stage.run(Started(ts_event=START, epoch=1))
    stage.run(line(90, "live"))
    for second in (100, 130, 190, 250):
        stage.run(trade(second))
    assert stage.ends() == []
    stage.run(minute_bar(1), ts_init=START + 250 * SECOND)
    stage.run(history_done(1), ts_init=START + 250 * SECOND)
    assert stage.ends() == [60]  # the bar in which the line came up is still missing
    stage.run(minute_bar(2), ts_init=START + 251 * SECOND)
    stage.run(history_done(2), ts_init=START + 251 * SECOND)
    assert stage.ends() == [120, 180, 240]
    stage.wait(300.25)
    assert stage.ends() == [300]


def test_history_that_overlaps_live_bars_replaces_them() -> None:
    stage = Stage(of_trades(needs_backfill=True), backfill_deadline_ns=300 * SECOND)
    stage.run(line(0, "live"))
    for second in (10, 70, 130):
        stage.run(trade(second))
    for minute in (1, 2):
        stage.run(minute_bar(minute, 500), ts_init=START + 131 * SECOND)
    stage.run(history_done(2), ts_init=START + 131 * SECOND)
    stage.wait(180.25)
    assert [bar.close for bar in stage.take()] == [500, 500, 100]


def test_history_that_never_comes_holds_bars_back_only_for_a_while() -> None:
    stage = Stage(of_trades(needs_backfill=True))
    stage.run(line(0, "live"))
    for second in (10, 70):
        stage.run(trade(second))
    stage.wait(120.249)
    assert stage.ends() == []
    stage.wait(120.25)
    assert stage.ends() == [60, 120]


# calendars


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


# properties


def a_life(seed: int, count: int = 300) -> list[tuple[Message, int]]:
    """Trades, some of them late, with a line that goes down now and then."""
    chance = random.Random(seed)
    now = START
    inputs: list[tuple[Message, int]] = []
    for number in range(count):
        now += chance.randrange(12 * SECOND)
        if chance.random() < 0.03:
            status = line((now - START) / SECOND, chance.choice(["down", "live", "stale"]))
            inputs.append((status, now))
            continue
        event = now - chance.choice([0, 0, 0, 50_000_000, 400_000_000])
        price = 100 + chance.random()
        inputs.append((msgspec.structs.replace(trade(0, price), ts_event=event, trade_id=str(number)), now))
    return inputs


SPECS = (of_trades(), of_trades("30s"), of_bars("5m"))


@pytest.mark.parametrize("seed", [1, 2])
def test_stopped_after_any_input_and_restored_it_goes_on_as_if_nothing_had_been(seed: int) -> None:
    inputs = a_life(seed)
    whole = Stage(*SPECS)
    snapshots = []
    for message, ts in inputs:
        whole.run(message, ts)
        snapshots.append(msgspec.msgpack.encode(whole.sequencer.snapshot()))
    assert len(whole.recorder.bars) > 40
    for k in range(0, len(inputs), 7):
        again = Stage(*SPECS)
        again.sequencer.restore(msgspec.msgpack.decode(snapshots[k], type=CoreSnapshot))
        assert msgspec.msgpack.encode(again.sequencer.snapshot()) == snapshots[k]
        for message, ts in inputs[k + 1 :]:
            again.run(message, ts)
        assert msgspec.msgpack.encode(again.sequencer.snapshot()) == snapshots[-1], f"seed {seed}, k {k}"


def test_no_bar_knows_a_trade_that_came_after_it() -> None:
    inputs = a_life(3)
    known: list[Bar] = []
    for cut in (50, 100, 150, 200, 300):
        stage = Stage(*SPECS)
        for message, ts in inputs[:cut]:
            stage.run(message, ts)
        assert stage.recorder.bars[: len(known)] == known
        assert all(bar.ts_event <= stage.sequencer.now for bar in stage.recorder.bars)
        known = list(stage.recorder.bars)


def test_every_trade_is_in_one_bar_or_counted() -> None:
    inputs = [(m, ts) for m, ts in a_life(4) if isinstance(m, Trade)]
    stage = Stage(of_trades())
    for message, ts in inputs:
        stage.run(message, ts)
    stage.run(TimeReached(ts_event=inputs[-1][1] + DAY))
    booked = sum(bar.volume for bar in stage.take())
    assert booked + stage.actor.counts().late == len(inputs)
