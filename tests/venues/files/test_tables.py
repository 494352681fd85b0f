"""Tables: what is in the file comes out in order; what cannot be true is refused by file and row."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import polars
import pytest

from actors.errors import BadDataFile
from actors.messages.market import Bar, Quote, Trade
from actors.venues.files.tables import find_kind, read_table

DAY = 86_400_000_000_000
BARS = (
    "datetime,open,high,low,close,volume\n2020-01-01 00:00:00,1,3,0.5,2,10\n2020-01-02 00:00:00,2,4,1,3,11\n"
)


def a_file(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_bars_end_one_interval_after_the_time_they_are_stamped_with(tmp_path: Path) -> None:
    first, second = read_table(a_file(tmp_path, BARS), "X@x")
    assert first == Bar(
        instrument="X@x",
        ts_event=1_577_836_800_000_000_000 + DAY,
        interval_ns=DAY,
        open=1.0,
        high=3.0,
        low=0.5,
        close=2.0,
        volume=10.0,
    )
    assert second.ts_event - first.ts_event == DAY


@pytest.mark.parametrize("stamp", ["1577836800", "1577836800000", "1577836800000000", "1577836800000000000"])
def test_the_unit_of_a_number_follows_from_its_size(tmp_path: Path, stamp: str) -> None:
    path = a_file(tmp_path, f"timestamp,price,size,side\n{stamp},100,2,sell\n")
    assert list(read_table(path, "X@x")) == [
        Trade(
            instrument="X@x",
            ts_event=1_577_836_800_000_000_000,
            trade_id="0",
            price=100.0,
            size=2.0,
            aggressor="sell",
        )
    ]


def test_quotes_are_found_by_their_columns_in_any_order_and_case(tmp_path: Path) -> None:
    path = a_file(tmp_path, "Ask,Bid,Timestamp\n101,100,1577836800000\n")
    assert find_kind(path) == "quotes"
    (quote,) = read_table(path, "X@x")
    assert isinstance(quote, Quote)
    assert (quote.bid_price, quote.ask_price) == (100.0, 101.0)


def test_a_kline_dump_without_header_is_read_by_position(tmp_path: Path) -> None:
    row = "1637971200000,0.0285,0.0286,0.0284,0.0285,36304.2,1637971259999,1035.4,79,19523.0,556.9,0\n"
    (bar,) = read_table(a_file(tmp_path, row), "X@x", interval_ns=60_000_000_000)
    assert isinstance(bar, Bar)
    assert (bar.ts_event, bar.high, bar.volume) == (1_637_971_260_000_000_000, 0.0286, 36304.2)


def test_parquet_and_csv_of_the_same_rows_are_the_same(tmp_path: Path) -> None:
    path = a_file(tmp_path, BARS)
    polars.read_csv(path).write_parquet(tmp_path / "data.parquet")
    assert list(read_table(path, "X@x")) == list(read_table(tmp_path / "data.parquet", "X@x"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("datetime,open,high,low,close\n2020-01-01,1,3,0.5,2\n2020-01-02,1,3,0.5,nan\n", "row 2"),
        ("datetime,open,high,low,close\n2020-01-01,1,0.9,0.5,2\n2020-01-02,1,3,0.5,2\n", "row 1"),
        ("datetime,open,high,low,close\n2020-01-01,-1,3,0.5,2\n2020-01-02,1,3,0.5,2\n", "row 1"),
        ("timestamp,bid,ask\n1577836800,101,100\n", "bid 101.0 and ask 100.0"),
        ("timestamp,price,size\n1577836800,100,0\n", "cannot be a trade"),
        ("timestamp,price,size\nyesterday,100,1\n", "not understood"),
        ("a,b\n1,2\n", "neither bars, trades nor quotes"),
        ("datetime,open,high,low,close\n", "no rows"),
        ("datetime,open,high,low,close\n2020-01-01,1,3,0.5,2\n", "set `interval`"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    path = a_file(tmp_path, text)
    with pytest.raises(BadDataFile, match=says) as caught:
        list(read_table(path, "X@x"))
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataFile, match="no such file"):
        read_table(tmp_path / "none.csv", "X@x")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("crypto_daily/binance_btcusdt_day_2020.csv", 366),
        ("crypto_1m/binance_dump/ADABTC-1m-2021-11-27.csv", 10),
        ("crypto_1m/btc_perp/btc-perp-20211231-20220201_1m.csv.gz", 45_031),
        ("equity_daily/backtesting_py/GOOG.csv.gz", 2_148),
        ("depth/bitmex_trades_XBTUSD.csv", 10),
    ],
)
def test_published_files_give_every_row(shared_data: Path, name: str, count: int) -> None:
    rows = list(read_table(shared_data / name, "X@x"))
    assert len(rows) == count
    assert all(a.ts_event <= b.ts_event for a, b in pairwise(rows))
