"""A small stage for bars: a sequencer with the actor, and a recorder of every bar."""

from __future__ import annotations

from typing import Any

from actors.bars.actor import BarsActor
from actors.bars.spec import BarSpec
from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.messages.base import Message
from actors.messages.control import BackfillDone, TimeReached
from actors.messages.market import Bar, FeedStatus, Trade
from actors.model.calendar import ALWAYS_OPEN, Calendar, calendar_named
from actors.model.ids import ClientOrderIds
from actors.model.intervals import parse_interval
from tests.strategies.stage import an_instrument

BTC = "BTCUSDT@binance"
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
START = 20_000 * DAY
NEW_YORK = calendar_named("new-york-0930-1600-without-holidays")


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


def larger(stage: Stage) -> list[int]:
    return [(bar.ts_event - START) // MINUTE for bar in stage.take() if bar.interval_ns == 5 * MINUTE]
