"""Conversion: larger bars are those a session would build; files say the same in every kind."""

from __future__ import annotations

from pathlib import Path
from random import Random

import polars as pl
import pytest

from actors.bars.actor import BarsActor
from actors.bars.spec import BarSpec
from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.errors import ConfigError, UsageError
from actors.messages.market import Bar, MarketData
from actors.model.ids import ClientOrderIds
from actors.venues.files.messages import timed
from actors.venues.files.reading import read_file
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.conversion import Conversion, convert
from daemon.research.data.converting import larger_bars
from tests.research.data.made import BARS, MINUTE, TRADES, Y2024, bars, store, trades
from tests.strategies.stage import an_instrument

FIVE = 5 * MINUTE


class Heard(CoreActor):
    """Keeps the bars of one interval."""

    name = "heard"

    def __init__(self, interval_ns: int) -> None:
        self.interval_ns = interval_ns
        self.bars: list[Bar] = []

    def on_bar(self, bar: Bar) -> None:
        if bar.interval_ns == self.interval_ns:
            self.bars.append(bar)


def built_by_a_session(messages: list[tuple[int, MarketData]], spec: BarSpec) -> list[Bar]:
    heard = Heard(spec.interval_ns)
    actor = BarsActor([spec], instruments={spec.instrument: an_instrument(spec.instrument)})
    sequencer = Sequencer(actors=[actor, heard], venues=[], ids=ClientOrderIds(store_id="TEST", epoch=1))
    for time, message in messages:
        sequencer.run(message, time)
    return heard.bars


@pytest.mark.parametrize("kind", ["bars", "trades"])
def test_larger_bars_are_those_that_a_session_builds(kind: str) -> None:
    seed = 5
    chance = Random(seed)
    for attempt in range(10):
        if kind == "bars":
            minutes = sorted(chance.sample(range(1, 120), 90))
            frame, series = bars(*minutes), BARS
            frame = frame.with_columns(close=pl.Series([100 + chance.random() for _ in minutes]))
            spec = BarSpec(instrument="BTC@x", interval_ns=FIVE, source="bars", source_interval_ns=MINUTE)
        else:
            seconds = sorted(chance.sample(range(7200), 200))
            frame, series = trades(*seconds), TRADES
            frame = frame.with_columns(price=pl.Series([100 + chance.random() for _ in seconds]))
            spec = BarSpec(instrument="BTC@x", interval_ns=FIVE)
        expected = built_by_a_session(timed(frame, series.kind, "BTC@x", series.interval_ns), spec)
        found = [
            bar
            for part in larger_bars([frame], series, FIVE)
            for _, bar in timed(part, "bars", "BTC@x", FIVE)
        ]
        assert found == expected, f"seed {seed}, attempt {attempt}"
        assert len(found) > 15


def test_a_timeframe_that_cannot_be_put_together_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be made of 1m bars"):
        list(larger_bars([bars(1)], BARS, MINUTE * 3 // 2))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_a_series_written_and_read_again_is_the_same(tmp_path: Path, suffix: str) -> None:
    catalogue = Catalogue(tmp_path / "data")
    for series, frame in ((BARS, bars(1, 2, 3, close=100.1)), (TRADES, trades(1, 2))):
        store(catalogue, series, frame)
        target = tmp_path / f"out{suffix}"
        done = convert(Conversion(what="BTC@x", kind=series.kind, to=target), catalogue)
        assert done["rows"] == frame.height
        (piece,) = read_file(target).pieces()
        assert piece.frame.drop("row").equals(frame)
        assert piece.interval_ns == series.interval_ns


def test_a_larger_timeframe_may_be_kept_in_the_catalogue(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "data")
    store(catalogue, BARS, bars(*range(1, 21)))
    convert(Conversion(what="BTC@x", timeframe="10m"), catalogue)
    made = catalogue.frame(Series("BTC@x", "bars", 10 * MINUTE))
    assert made["ts_event"].to_list() == [Y2024 + 10 * MINUTE, Y2024 + 20 * MINUTE]
    assert made["volume"].to_list() == [10.0, 10.0]


def test_what_is_not_clear_is_asked_for(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "data")
    store(catalogue, BARS, bars(1))
    store(catalogue, TRADES, trades(1))
    with pytest.raises(UsageError, match=r"2 series \(1m bars of BTC@x, trades of BTC@x\)"):
        convert(Conversion(what="BTC@x", to=tmp_path / "a.csv"), catalogue)
    with pytest.raises(UsageError, match="no suffix that says what to write"):
        convert(Conversion(what="BTC@x", kind="bars", to=tmp_path / "a.txt"), catalogue)
    with pytest.raises(UsageError, match="nothing would change"):
        convert(Conversion(what="BTC@x", kind="bars"), catalogue)


def test_a_file_is_never_written_over_itself(tmp_path: Path) -> None:
    source = tmp_path / "bars.csv"
    rows = (f"2024-01-01T00:0{minute}:00Z,1,1,1,1,1" for minute in range(3))
    source.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
    before = source.read_bytes()
    wanted = Conversion(what=str(source), to=source)
    with pytest.raises(UsageError, match="is what is to be converted: give another name with --to"):
        convert(wanted, Catalogue(tmp_path / "data"))
    assert source.read_bytes() == before
