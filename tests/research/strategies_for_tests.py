"""Strategies with decisions that can be worked by hand, and some with the bugs that checks must find."""

from __future__ import annotations

import logging.handlers
import signal
from decimal import Decimal

import polars

from actors import SMA, Bar, OffLoopAnswer, OrderFilled, Quote, State, Strategy, Trade, ValueIndicator


class UpAndDown(Strategy):
    """Long after a bar that closed above its open, flat after one that closed below."""

    def on_bar(self, bar: Bar) -> None:
        if bar.close > bar.open:
            self.ctx.long()
        elif bar.close < bar.open:
            self.ctx.flat()


class Idle(Strategy):
    """Listens and decides nothing."""

    def on_bar(self, bar: Bar) -> None:
        pass


class Raising(Strategy):
    """Raises at its third bar."""

    def on_bar(self, bar: Bar) -> None:
        if len(self.ctx.bars(3)) == 3:
            raise KeyError("third bar")
        self.ctx.long()


class Cross(Strategy):
    """Long while the fast average is above the slow one."""

    fast: int = 3
    slow: int = 8

    def on_setup(self) -> None:
        self.fast_average = {i: self.ctx.indicator(SMA(self.fast), i) for i in self.ctx.instruments}
        self.slow_average = {i: self.ctx.indicator(SMA(self.slow), i) for i in self.ctx.instruments}

    def on_bar(self, bar: Bar) -> None:
        if self.fast_average[bar.instrument].value > self.slow_average[bar.instrument].value:
            self.ctx.long(bar.instrument, tag="up")
        else:
            self.ctx.flat(bar.instrument)


class Dying(Strategy):
    """Takes its whole process with it."""

    dies: bool = False

    def on_bar(self, bar: Bar) -> None:
        if self.dies:
            signal.raise_signal(signal.SIGKILL)


class Peeking(Strategy):
    """Reads the file that it is tested on, and knows how it will end."""

    file: str = "bars.csv"

    def on_setup(self) -> None:
        read = polars.read_ipc if self.file.endswith(".feather") else polars.read_csv
        self.last_close: float = read(self.file)["close"][-1]

    def on_bar(self, bar: Bar) -> None:
        if bar.close < self.last_close:
            self.ctx.long()
        else:
            self.ctx.flat()


REMEMBERED: list[float] = []
"""What a module remembers of a former run."""


class Remembering(Strategy):
    """Knows the future the second time."""

    def on_bar(self, bar: Bar) -> None:
        seen = len(REMEMBERED)
        REMEMBERED.append(bar.close)
        if seen and max(REMEMBERED) > bar.close * 1.05:
            self.ctx.long()
        else:
            self.ctx.flat()


class Decaying(ValueIndicator):
    """An average over everything there ever was that says it needs two numbers."""

    fields = ()

    def __init__(self) -> None:
        super().__init__(warm_up=2)

    def update(self, value: float) -> float:
        self.value = 0.99 * self.value + 0.01 * value if self.count else value
        self.count += 1
        return self.value


class ColdStart(Strategy):
    """Trades on an average whose warm-up is far too short."""

    history = 2

    def on_setup(self) -> None:
        self.average = self.ctx.indicator(Decaying())

    def on_bar(self, bar: Bar) -> None:
        if bar.close > self.average.value:
            self.ctx.long()
        else:
            self.ctx.flat()


class Counts(State):
    """How many bars there were, or how many rose in a row."""

    bars: int = 0


class Weekly(Strategy):
    """Long for three of every seven bars, counted from the first that it sees."""

    state: Counts

    def on_bar(self, bar: Bar) -> None:
        self.state.bars += 1
        if self.state.bars % 7 < 3:
            self.ctx.long()
        else:
            self.ctx.flat()


class TwoInARow(Strategy):
    """Long after two bars that rose."""

    state: Counts

    def on_bar(self, bar: Bar) -> None:
        self.state.bars = self.state.bars + 1 if bar.close > bar.open else 0
        if self.state.bars >= 2:
            self.ctx.long()
        else:
            self.ctx.flat()


class Calling(Strategy):
    """Reaches for the network by a way that nobody can read off its source."""

    def on_bar(self, bar: Bar) -> None:
        logging.handlers.socket.create_connection(("127.0.0.1", 9), timeout=0.1)  # type: ignore[attr-defined]


def slow_sum(numbers: list[float]) -> float:
    return sum(numbers)


class Asking(Strategy):
    """Lets the sum of its first two closes be made elsewhere and goes long on the answer."""

    def on_bar(self, bar: Bar) -> None:
        closes = [each.close for each in self.ctx.bars(2)]
        if len(closes) == 2 and not self.ctx.position():
            self.ctx.run_off_loop(slow_sum, closes)

    def on_result(self, answer: OffLoopAnswer) -> None:
        if answer.value == 101.0 + 103.0:
            self.ctx.long(tag="answered")


class Interrupting(Strategy):
    """Somebody presses Ctrl-C at its third bar."""

    def on_bar(self, bar: Bar) -> None:
        if len(self.ctx.bars(4)) == 3:
            signal.raise_signal(signal.SIGINT)
        self.ctx.long()


class WithStop(Strategy):
    """Buys after the first bar that rises, with a stop at 98."""

    def on_bar(self, bar: Bar) -> None:
        if bar.close > bar.open and not self.ctx.position() and len(self.ctx.bars(2)) == 1:
            self.ctx.market("buy", Decimal(2), tag="guarded")

    def on_fill(self, fill: OrderFilled) -> None:
        if fill.side == "buy":
            self.ctx.stop("sell", Decimal(2), Decimal(98), reduce_only=True)


class Holding(Strategy):
    """Buys and never looks back."""

    def on_bar(self, bar: Bar) -> None:
        self.ctx.long()


class OnEveryTick(Strategy):
    """Wishes something at its start and at each quote and trade."""

    def on_start(self) -> None:
        self.ctx.market("buy", Decimal(1), tag="start")

    def on_quote(self, quote: Quote) -> None:
        self.ctx.market("buy", Decimal(1), tag="quote")

    def on_trade(self, trade: Trade) -> None:
        self.ctx.market("buy", Decimal(1), tag="trade")


class OnBarsAndTicks(OnEveryTick):
    """The same, with bars that a warm-up is asked for."""

    def on_setup(self) -> None:
        self.average = self.ctx.indicator(SMA(2))

    def on_bar(self, bar: Bar) -> None:
        self.ctx.market("buy", Decimal(1), tag="bar")


class DayBid(Strategy):
    """At its first bar bids 95 for today."""

    def on_bar(self, bar: Bar) -> None:
        if len(self.ctx.bars(2)) == 1:
            self.ctx.limit("buy", Decimal(1), Decimal(95), time_in_force="day")
