"""History: files and series as one stream in order, without a look ahead, and refusals that name the file."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from actors.errors import BadDataFile, ConfigError
from actors.messages.market import Bar, CorporateAction, MarketData, Quote, Trade
from daemon.config import BacktestSection, Config, DataFile
from daemon.research import history
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.history import History, data_files
from tests.research.data.made import (
    BARS,
    DAY,
    HOUR,
    MINUTE,
    QUOTES,
    TRADES,
    Y2024,
    bars,
    csv_of_bars,
    quotes,
    store,
    trades,
)

BTC = "BTC@x"


def config(*data: DataFile) -> Config:
    return Config(backtest=BacktestSection(data=data))


def read(*data: DataFile, start: int | None = None, end: int | None = None) -> list[tuple[int, MarketData]]:
    return list(History(config(*data)).messages(start, end))


def in_catalogue(root: Path, **more: Any) -> DataFile:
    return DataFile(path=str(root), catalogue=True, instrument=BTC, **more)


def kinds(found: list[tuple[int, MarketData]]) -> list[str]:
    return [type(message).__name__ for _, message in found]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "data")


def test_bars_of_the_catalogue_come_at_their_ends(catalogue: Catalogue) -> None:
    store(catalogue, BARS, bars(1, 2))
    (time, first), _ = read(in_catalogue(catalogue.root))
    assert time == Y2024 + MINUTE
    assert first == Bar(
        instrument=BTC, ts_event=time, interval_ns=MINUTE, open=100, high=101, low=99, close=100, volume=1
    )


def test_a_range_is_half_open_and_spans_months(catalogue: Catalogue) -> None:
    store(catalogue, BARS, bars(*range(1, 60 * 24 * 40, 60)))
    found = read(in_catalogue(catalogue.root), start=Y2024 + MINUTE, end=Y2024 + 35 * DAY + MINUTE)
    assert found[0][0] == Y2024 + MINUTE
    assert found[-1][0] == Y2024 + 35 * DAY + MINUTE - HOUR


def test_several_sources_are_merged_by_time_and_then_by_their_order(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ROWS_PER_LIST", 3)
    seed = 11
    chance = Random(seed)
    seconds = [sorted(chance.choices(range(40), k=60)) for _ in range(3)]
    store(catalogue, QUOTES, quotes(*seconds[0]))
    store(catalogue, TRADES, trades(*seconds[1], ids=[str(number) for number in range(60)]))
    store(catalogue, Series("ETH@x", "quotes"), quotes(*seconds[2]))
    sources = [
        in_catalogue(catalogue.root, kind="trades"),
        in_catalogue(catalogue.root, kind="quotes"),
        DataFile(path=str(catalogue.root), catalogue=True, instrument="ETH@x"),
    ]
    found = read(*sources)
    rank = {"Trade": 0, "Quote BTC@x": 1, "Quote ETH@x": 2}
    keys = [
        (time, rank["Trade" if isinstance(each, Trade) else f"Quote {each.instrument}"])
        for time, each in found
    ]
    assert len(keys) == 180
    assert keys == sorted(keys), f"seed {seed}"


def test_a_higher_timeframe_comes_only_when_it_is_closed(tmp_path: Path) -> None:
    minutes = [f"2024-01-01 00:{minute:02d}:00,1,1,1,1,1" for minute in range(10)]
    fives = ["2024-01-01 00:00:00,1,1,1,1,5", "2024-01-01 00:05:00,1,1,1,1,5"]
    files = [
        DataFile(path=str(csv_of_bars(tmp_path / name, rows)), instrument=BTC, interval=interval)
        for name, rows, interval in (("5m.csv", fives, "5m"), ("1m.csv", minutes, "1m"))
    ]
    found = read(*files)
    ends = [(time, bar.interval_ns) for time, bar in found if isinstance(bar, Bar)]
    assert ends.index((Y2024 + 5 * MINUTE, 5 * MINUTE)) == 4  # behind four bars that ended before
    sources = History(config(*files)).sources
    assert sources.given == {(BTC, MINUTE), (BTC, 5 * MINUTE)}


def test_of_an_instrument_with_bars_and_ticks_the_smallest_bars_are_taken_unless_told_otherwise(
    catalogue: Catalogue,
) -> None:
    store(catalogue, BARS, bars(5))
    store(catalogue, Series(BTC, "bars", 5 * MINUTE), bars(5))
    store(catalogue, TRADES, trades(1))
    assert [m.interval_ns for _, m in read(in_catalogue(catalogue.root)) if isinstance(m, Bar)] == [MINUTE]
    (only,) = read(in_catalogue(catalogue.root, interval="5m"))
    assert isinstance(only[1], Bar)
    assert only[1].interval_ns == 5 * MINUTE
    assert kinds(read(in_catalogue(catalogue.root, kind="trades"))) == ["Trade"]


def test_actions_come_behind_the_last_bar_before_them(catalogue: Catalogue) -> None:
    day = Series(BTC, "bars", DAY)
    store(catalogue, day, bars(1440, 2880, 4320))
    events = pl.DataFrame(
        {"ts_event": [Y2024 + DAY] * 2, "action": ["dividend", "split"], "value": [0.25, 1.999996]}
    )
    store(catalogue, Series(BTC, "actions"), events)
    found = read(in_catalogue(catalogue.root))
    assert kinds(found) == ["Bar", "CorporateAction", "CorporateAction", "Bar", "Bar"]
    dividend, split = found[1][1], found[2][1]
    assert isinstance(dividend, CorporateAction)
    assert isinstance(split, CorporateAction)
    assert (dividend.dividend, split.shares_before, split.shares_after) == (
        Decimal("0.25"),
        Decimal(1),
        Decimal(2),
    )


def test_bars_of_bid_and_ask_are_bars_of_the_middle_or_closing_quotes(catalogue: Catalogue) -> None:
    names = [f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close", "size")]
    row = dict(
        zip(names, [[1.0], [3.0], [0.5], [2.0], [0.0], [2.0], [4.0], [1.5], [3.0], [5.0]], strict=True)
    )
    store(catalogue, Series(BTC, "quote_bars", MINUTE), pl.DataFrame({"ts_event": [Y2024 + MINUTE], **row}))
    ((_, bar),) = read(in_catalogue(catalogue.root))
    assert isinstance(bar, Bar)
    assert (bar.open, bar.high, bar.low, bar.close) == (1.5, 3.5, 1.0, 2.5)
    ((_, quote),) = read(in_catalogue(catalogue.root, kind="quotes"))
    assert isinstance(quote, Quote)
    assert (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size) == (2.0, 1.0, 3.0, 5.0)


def test_recorded_messages_come_when_they_were_received(catalogue: Catalogue) -> None:
    store(catalogue, QUOTES, quotes(1, 2).with_columns(ts_init=pl.col("ts_event") + 7))
    assert [time - message.ts_event for time, message in read(in_catalogue(catalogue.root))] == [7, 7]


def test_files_of_a_folder_or_pattern_are_one_series_in_order_of_time(tmp_path: Path) -> None:
    for name, days in (("z.csv", (1, 2)), ("a.csv", (3, 4))):
        csv_of_bars(tmp_path / name, [f"2024-01-0{day},1,1,1,1,1" for day in days])
    for path in (str(tmp_path), str(tmp_path / "*.csv")):
        found = read(DataFile(path=path, instrument=BTC, interval="1d"))
        assert [time for time, _ in found] == [Y2024 + day * DAY for day in (1, 2, 3, 4)]
    assert len(data_files(config(DataFile(path=str(tmp_path), instrument=BTC)))) == 2


def test_newest_first_is_turned_round(tmp_path: Path) -> None:
    path = csv_of_bars(tmp_path / "a.csv", [f"2024-01-0{day},1,1,1,1,1" for day in (3, 2, 1)])
    found = read(DataFile(path=str(path), instrument=BTC))
    assert all(before[0] < after[0] for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            ["2024-01-01,1,1,1,1,1", "2024-01-03,1,1,1,1,1", "2024-01-02,1,1,1,1,1"],
            "row 4: time runs backwards",
        ),
        (
            ["2024-01-01,1,1,1,1,1", "2024-01-02,1,0.5,1,1,1"],
            r"row 3: open 1\.0, high 0\.5.* cannot be a bar",
        ),
        (["2024-01-01,1,1,1,1,1", "2024-01-02,1,x,1,1,1"], "row 3: high 'x' is no number"),
        (["2020-01-01,1,1,1,1,1"], "no data in the range asked for, of BTC@x: widen --from and --to"),
    ],
)
def test_what_cannot_be_tested_on_is_refused_by_name(tmp_path: Path, rows: list[str], says: str) -> None:
    path = csv_of_bars(tmp_path / "a.csv", rows)
    with pytest.raises(BadDataFile, match=says) as caught:
        read(DataFile(path=str(path), instrument=BTC), start=Y2024)
    assert str(path) in str(caught.value)


def test_overlapping_files_are_refused_and_both_are_named(tmp_path: Path) -> None:
    for name, days in (("a.csv", (1, 2, 3)), ("b.csv", (3, 4))):
        csv_of_bars(tmp_path / name, [f"2024-01-0{day},1,1,1,1,1" for day in days])
    with pytest.raises(BadDataFile, match=r"a\.csv and .*b\.csv overlap"):
        read(DataFile(path=str(tmp_path), instrument=BTC))


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (DataFile(instrument=BTC), ConfigError, "neither a path nor catalogue = true"),
        (DataFile(path="none/*.csv", instrument=BTC), BadDataFile, "no files there"),
        (DataFile(path="none", catalogue=True, instrument=BTC), BadDataFile, "nothing of BTC@x, it is empty"),
    ],
)
def test_data_that_are_not_there_are_refused(data: DataFile, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read(data)


def test_what_is_left_out_of_a_file_is_said_once_however_often_it_is_read(tmp_path: Path) -> None:
    rows = [f"2024-01-0{day},1,1,1,1,1" for day in range(1, 6)]
    path = csv_of_bars(tmp_path / "a.csv", [*rows, "2024-01-06,,1,1,1,1"])
    history = History(config(DataFile(path=str(path), instrument=BTC)))
    for _ in range(2):
        list(history.messages(None, None))
    (told,) = history.findings
    assert "a.csv:7: open is missing; the row is left out" in told
