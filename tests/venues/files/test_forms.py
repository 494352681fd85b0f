"""Forms of text files: each is recognised by itself, and its first row is read as its sheet says."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from actors.errors import BadDataFile
from actors.venues.files.reading import read_file
from actors.venues.files.series import Piece, ReadOptions
from tests.venues.files.form_cases import CASES, DAY, HOUR, MINUTE, WIKI, Y2020, Case


def a_file(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def pieces(path: Path, **options: Any) -> list[Piece]:
    return list(read_file(path, ReadOptions(**options)).pieces())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.form)
def test_a_form_is_recognised_and_its_first_row_is_what_it_says(tmp_path: Path, case: Case) -> None:
    file = read_file(a_file(tmp_path, case.text, case.name))
    assert file.form == case.form
    found = [piece for piece in file.pieces() if piece.kind == case.kind]
    row = found[0].frame.row(0, named=True)
    assert {name: row[name] for name in case.first} == case.first
    assert found[0].interval_ns == case.interval_ns
    assert not file.problems.has_errors


def test_a_named_form_is_not_detected(tmp_path: Path) -> None:
    path = a_file(tmp_path, "1577836800000,2,3,1,2,10\n1577836860000,2,3,1,2,1\n")
    assert read_file(path).form == "ohlcv"
    (piece,) = pieces(path, form="bitfinex")
    assert piece.frame["close"][0] == 3.0


def test_wiki_rows_are_bars_and_actions(tmp_path: Path) -> None:
    text = WIKI + "2020-01-02,2,2,2,2,1,0.5,1.0,2,2,2,2,1\n2020-01-01,1,3,0.5,2,10,0,2.0,1,1,1,1,1\n"
    bars, actions = pieces(a_file(tmp_path, text))
    assert actions.frame.select("ts_event", "action", "value").rows() == [
        (Y2020, "split", 2.0),
        (Y2020 + DAY, "dividend", 0.5),
    ]
    assert bars.frame["open"].to_list() == [2.0, 1.0]


def test_adjusted_bars_are_scaled_by_the_adjusted_close(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume,Adj Close\n2020-01-01,1,3,0.5,2,10,1\n2020-01-02,2,2,2,2,1,2\n"
    (piece,) = pieces(a_file(tmp_path, text), adjusted=True)
    assert piece.frame.select("open", "high", "low", "close").row(0) == (0.5, 1.5, 0.25, 1.0)


def test_factors_become_the_splits_and_dividends_behind_them(tmp_path: Path) -> None:
    # 2:1 after 2000-06-20 (0.00892857 → 0.0178571)
    # 2.65 a share after 2012-08-08: 619.86 × (1 − 0.8613657 / 0.8650639)
    rows = (
        "19980102,0.8613657,0.00892857,1\n20000620,0.8613657,0.00892857,101\n"
        "20120808,0.8613657,0.0178571,619.86\n20501231,0.8650639,0.0178571,0\n"
    )
    (piece,) = pieces(a_file(tmp_path, rows, "factor_files/aapl.csv"), zone="UTC")
    assert piece.symbol == "AAPL"
    times, actions, values = (piece.frame[name].to_list() for name in ("ts_event", "action", "value"))
    assert actions == ["split", "dividend"]
    assert values == pytest.approx([2.0, 2.6499], abs=1e-4)
    assert times == [961_545_600_000_000_000, 1_344_470_400_000_000_000]  # 2000-06-21, 2012-08-09


def test_milliseconds_and_microseconds_may_stand_in_one_column(tmp_path: Path) -> None:
    rows = (
        "1577836740000,1,3,0.5,2,10,1577836799999,1,7,1,1,0\n"
        "1577836800000000,2,2,2,2,1,1577836859999999,1,7,1,1,0\n"
    )
    (piece,) = pieces(a_file(tmp_path, rows))
    assert piece.frame["ts_event"].to_list() == [Y2020, Y2020 + MINUTE]


@pytest.mark.parametrize("how", ["gzip", "zip", "utf-16", "bom"])
def test_compression_and_encoding_make_no_difference(tmp_path: Path, how: str) -> None:
    text = "datetime,open,high,low,close,volume\n2020-01-01,1,3,0.5,2,10\n2020-01-02,2,2,2,2,1\n"
    plain = pieces(a_file(tmp_path, text))[0].frame
    path = tmp_path / "packed.csv"
    if how == "gzip":
        path.write_bytes(gzip.compress(text.encode()))
    elif how == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", text)
    else:
        path.write_text(text, encoding="utf-16" if how == "utf-16" else "utf-8-sig")
    assert pieces(path)[0].frame.equals(plain)


def test_parquet_feather_and_csv_of_the_same_rows_are_the_same(tmp_path: Path) -> None:
    path = a_file(
        tmp_path, "datetime,open,high,low,close,volume\n2020-01-01,1,3,0.5,2,10\n2020-01-02,2,2,2,2,1\n"
    )
    table = pl.read_csv(path, try_parse_dates=True)
    table.write_parquet(tmp_path / "data.parquet")
    table.write_ipc(tmp_path / "data.feather")
    wanted = pieces(path)[0].frame.drop("row")
    for name in ("data.parquet", "data.feather"):
        assert pieces(tmp_path / name)[0].frame.drop("row").equals(wanted)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("datetime,open,high,low,close\n", "no rows"),
        ("calc_time,rate\n1,2\n", "it has calc_time, rate; funding needs symbol,fundingTime,fundingRate"),
        ("a,b\n1,2\n", "wrong columns: it has a, b; for bars time, open, high, low, close are missing"),
        ("datetime,open,high,low\n2020-01-01,1,1,1\n", "for bars close is missing"),
        ("timestamp,price,size\nyesterday,100,1\n", "not understood"),
        ("datetime,open,high,low,close\n2020-01-01 10:00:00,1,3,0.5,2\n", "does not tell the bars' interval"),
        ("1,2,3,4,5\n1,2,3,4,5\n", "5 columns without a header"),
        ("datetime,open,high,low,close\n2020-01-01,1,1,1,1,9\n", "line 2 has 6 columns instead of 5"),
        ("19980102,aapl,Q\n", "LEAN map file"),
        (
            "timestamp,o,h,l,c\n2020-01-01 00:00:00+00:00,1,1,1,1\n2020-01-01 00:01:00,1,1,1,1\n",
            "row 3 .* mixed time zones",
        ),
        (
            "timestamp,o,h,l,c\n2020-01-01 00:00:00+00:00,1,1,1,1\n2020-01-01 05:31:00+05:30,1,1,1,1\n",
            "mixed time zones",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence_that_names_the_file(
    tmp_path: Path, text: str, says: str
) -> None:
    path = a_file(tmp_path, text)
    with pytest.raises(BadDataFile, match=says) as caught:
        pieces(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataFile, match="no such file"):
        read_file(tmp_path / "none.csv")


def test_a_cell_that_is_no_number_and_one_that_is_missing_are_told_with_their_rows(tmp_path: Path) -> None:
    text = "datetime,open,high,low,close\n2020-01-01,1,3,0.5,2\n2020-01-02,-,3,0.5,2\n2020-01-03,x,3,0.5,2\n"
    file = read_file(a_file(tmp_path, text))
    (piece,) = file.pieces()
    assert piece.frame["row"].to_list() == [2]
    assert [(each.severity, each.code, each.row) for each in file.problems.take()] == [
        ("error", "number", 4),
        ("warning", "missing", 3),
    ]


def test_local_times_follow_their_zone_and_the_hour_that_comes_twice_is_told_apart(tmp_path: Path) -> None:
    rows = [f"2020-11-01 0{hour}:30:00,1,1,1,1" for hour in (0, 1, 1, 2)]
    path = a_file(tmp_path, "\n".join(["datetime,open,high,low,close", *rows, ""]))
    (piece,) = pieces(path, zone="America/New_York", interval_ns=HOUR)
    assert piece.frame["ts_event"].diff().drop_nulls().to_list() == [HOUR, HOUR, HOUR]


def test_a_local_time_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    text = "datetime,open,high,low,close\n2020-03-08 01:30:00,1,1,1,1\n2020-03-08 02:30:00,1,1,1,1\n"
    file = read_file(a_file(tmp_path, text), ReadOptions(zone="America/New_York", interval_ns=HOUR))
    list(file.pieces())
    assert [(each.code, each.row) for each in file.problems.take()][:1] == [("dst", 3)]


def test_figures_and_times_of_a_table_are_what_their_texts_would_be(tmp_path: Path) -> None:
    stamps = pl.Series([f"2024-03-{day:02} 09:30" for day in range(8, 12)])
    rows = {
        "timestamp": stamps.str.to_datetime("%Y-%m-%d %H:%M"),
        "open": [1.0, 2.0, None, 4.0], "high": [9, 9, 9, 9], "low": [0.5, float("nan"), 0.5, 0.5],
        "close": pl.Series([2.0, 2.0, 2.0, 2.0], dtype=pl.Float32), "volume": [1, 2, 3, None],
    }  # fmt: skip
    table = pl.DataFrame(rows)
    texts = table.with_columns(pl.all().cast(pl.String))
    for name, frame in (("typed", table), ("texts", texts)):
        frame.write_parquet(tmp_path / f"{name}.parquet")
    found = {}
    for name in ("typed", "texts"):
        options = ReadOptions(zone="America/New_York", interval_ns=86_400 * 10**9)
        file = read_file(tmp_path / f"{name}.parquet", options)
        (piece,) = file.pieces()
        found[name] = (piece.frame.rows(), [str(each).partition(": ")[2] for each in file.problems.take()])
    (typed, told), (texted, also) = found.values()
    assert typed == texted
    assert [row[-1] for row in typed] == [1, 4], "a missing figure leaves its row out"
    assert [each.partition("parquet")[2] for each in told] == [each.partition("parquet")[2] for each in also]
    zoned = table.with_columns(pl.col("timestamp").dt.replace_time_zone("America/New_York"))
    zoned.write_parquet(tmp_path / "zoned.parquet")
    (piece,) = read_file(tmp_path / "zoned.parquet", ReadOptions(interval_ns=86_400 * 10**9)).pieces()
    assert piece.frame.rows() == typed
    table.with_columns(pl.lit(float("inf")).alias("high")).write_parquet(tmp_path / "wrong.parquet")
    wrong = read_file(tmp_path / "wrong.parquet", ReadOptions(interval_ns=86_400 * 10**9))
    list(wrong.pieces())
    assert any("high inf is no number" in str(each) for each in wrong.problems.take())
