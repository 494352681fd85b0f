"""What a strategy sees on several timeframes and instruments: nothing before it is over, all in order."""

from __future__ import annotations

import polars as pl
import pytest

from actors import Bar, State, Strategy
from actors.model.intervals import parse_interval
from daemon.research import Backtester
from daemon.research.generated import BEGIN_NS, HOUR_NS, generated_bars

SEEN: list[tuple[int, str, int, int, float]] = []
"""When, instrument, interval, end and close of every bar that reached the strategy; what a test looks at."""


class Watching(Strategy):
    state: State

    def on_bar(self, bar: Bar) -> None:
        SEEN.append((self.ctx.now, bar.instrument, bar.interval_ns, bar.ts_event, bar.close))
        for name in self.ctx.instruments:
            for timeframe in self.ctx.timeframes:
                assert all(
                    each.ts_event <= self.ctx.now for each in self.ctx.bars(3, name, timeframe=timeframe)
                )


def watched(data: object, **options: object) -> list[tuple[int, str, int, int, float]]:
    SEEN.clear()
    Backtester(Watching, data, **options).run()  # type: ignore[arg-type]
    return list(SEEN)


def test_a_larger_bar_comes_when_it_is_over_and_holds_only_what_was_before() -> None:
    bars = generated_bars(13)
    seen = watched(bars, bars=("1h", "4h"))
    large = [(now, end, close) for now, _, interval, end, close in seen if interval == parse_interval("4h")]
    ends = [BEGIN_NS + hours * HOUR_NS for hours in (4, 8, 12)]
    assert [(now, end) for now, end, _ in large] == [(end, end) for end in ends]
    assert [close for _, _, close in large] == [bars["close"][n] for n in (3, 7, 11)]
    small = [now for now, _, interval, _, _ in seen if interval == HOUR_NS]
    assert small == [BEGIN_NS + (n + 1) * HOUR_NS for n in range(13)]


def test_instruments_with_gaps_stay_on_one_clock() -> None:
    first = generated_bars(8, seed=1)
    second = generated_bars(8, seed=2).filter(~pl.col("timestamp").dt.hour().is_in([2, 3]))
    seen = watched({"A": first, "B": second})
    assert [now for now, *_ in seen] == sorted(now for now, *_ in seen)
    at_three = [name for now, name, *_ in seen if now == BEGIN_NS + 3 * HOUR_NS]
    assert at_three == ["A@files"]
    together = [name for now, name, *_ in seen if now == BEGIN_NS + 5 * HOUR_NS]
    assert together == ["A@files", "B@files"]


@pytest.mark.parametrize("count", range(1, 9))
def test_data_cut_off_anywhere_give_a_prefix_of_what_was_seen(count: int) -> None:
    bars = generated_bars(8)
    assert watched(bars[:count] if count > 1 else bars[:2])[:count] == watched(bars)[:count]
