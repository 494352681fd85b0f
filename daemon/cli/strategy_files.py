"""What `tickerd strategy new` writes."""

from __future__ import annotations

STRATEGY = '''\
"""{title}: long after a close above the channel of the bars before, flat after one below it."""

from msgspec import field

from actors import Bar, Donchian, State, Strategy


class Channels(State):
    """What must survive a restart besides indicators."""

    before: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Instrument → lowest low and highest high of the bars before the newest one."""


class {cls}(Strategy):
    length: int = 20

    state: Channels

    def on_setup(self) -> None:
        self.channels = {{i: self.ctx.indicator(Donchian(self.length), i) for i in self.ctx.instruments}}

    def on_bar(self, bar: Bar) -> None:
        channel, before = self.channels[bar.instrument], self.state.before
        lower, upper = before.get(bar.instrument, (0.0, float("inf")))
        before[bar.instrument] = (channel.lower, channel.upper)
        if bar.close > upper:
            self.ctx.long(bar.instrument, tag="breakout")
        elif bar.close < lower:
            self.ctx.flat(bar.instrument)
'''

TEST = '''\
"""Tests of {module}.py: `pytest {test}`; `tickerd strategy test {file}` looks for more."""

from pathlib import Path

from daemon.research import Backtester
from daemon.research.generated import generated_bars

STRATEGY = f"{{Path(__file__).with_name('{module}.py')}}:{cls}"


def test_it_trades_and_what_it_earned_is_what_its_trades_brought() -> None:
    result = Backtester(STRATEGY, generated_bars(1_000), settings=["backtest.at_end=close"]).run()
    assert result.info.state == "complete"
    assert result.trades.height > 0
    earned = result.metrics["equity_end"] - result.metrics["equity_start"]
    assert abs(earned - result.trades["net"].sum()) < 0.01


def test_the_same_run_twice_gives_the_same_result() -> None:
    tester = Backtester(STRATEGY, generated_bars(500))
    assert tester.run().info.result_hash == tester.run().info.result_hash
'''


def names_of(name: str) -> tuple[str, str]:
    """Module and class of a name given in either form: `my_cross`, `MyCross`, `my-cross`."""
    spaced = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    words = [word.lower() for word in spaced.replace("-", "_").split("_") if word]
    return "_".join(words), "".join(word.capitalize() for word in words)
