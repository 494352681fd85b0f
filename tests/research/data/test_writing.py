"""Into the catalogue: the same rows once, different ones refused by name, a crash never half done."""

from __future__ import annotations

from pathlib import Path
from random import Random

import polars as pl
import pytest

from actors.errors import BadDataFile, StateLocked
from daemon.research.data import writing
from daemon.research.data.catalogue import Catalogue, Series, Source, read_part
from daemon.research.data.writing import Writer, locked, write_part
from tests.research.data.made import BARS, DAY, MINUTE, QUOTES, TRADES, Y2024, bars, quotes, store, trades


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "data")


def test_rows_lie_in_files_of_their_month_and_a_bar_in_that_of_its_start(catalogue: Catalogue) -> None:
    end_of_january = 31 * DAY // MINUTE
    store(catalogue, BARS, bars(1, end_of_january, end_of_january + 1))
    assert [part.path.name for part in catalogue.parts(BARS)] == ["2024-01.parquet", "2024-02.parquet"]
    assert [part.rows for part in catalogue.parts(BARS)] == [2, 1]
    assert catalogue.folder(BARS) == catalogue.root / "x" / "BTC" / "bars-1m"


@pytest.mark.parametrize(
    ("series", "rows"),
    [(BARS, bars(1, 2, 3)), (TRADES, trades(1, 1, 2, ids="abc")), (QUOTES, quotes(1, 1, 2))],
)
def test_the_same_rows_again_change_nothing(catalogue: Catalogue, series: Series, rows: pl.DataFrame) -> None:
    assert store(catalogue, series, rows) == rows.height
    before = {part.path: part.path.read_bytes() for part in catalogue.parts(series)}
    assert store(catalogue, series, rows) == 0
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("series", "there", "more", "union"),
    [
        (BARS, bars(1, 2, 3), bars(3, 4), 4),
        (BARS, bars(1, 4), bars(2, 3), 4),
        (TRADES, trades(1, 2, 2, ids="abc"), trades(2, 2, 3, ids="cde"), 5),
        (QUOTES, quotes(1, 2, 2, 3), quotes(2, 2, 3, 4), 5),
        (QUOTES, quotes(1, 5), quotes(2, 3), 4),
        (TRADES, trades(1, 2, ids=("#1", "#2")), trades(2, 3, ids=("#9", "#10")), 3),
    ],
)
def test_what_overlaps_and_agrees_is_joined(
    catalogue: Catalogue, series: Series, there: pl.DataFrame, more: pl.DataFrame, union: int
) -> None:
    store(catalogue, series, there)
    store(catalogue, series, more, "b.csv")
    found = catalogue.frame(series)
    assert found.height == union
    assert found["ts_event"].is_sorted()


@pytest.mark.parametrize(
    ("series", "there", "other"),
    [
        (BARS, bars(1, 2, 3), bars(2, close=101.0)),
        (TRADES, trades(1, 2, 3), trades(2, price=101.0)),
        (QUOTES, quotes(1, 2, 3), quotes(2, bid=101.0)),
    ],
)
def test_what_overlaps_and_differs_is_refused_and_both_are_named(
    catalogue: Catalogue, series: Series, there: pl.DataFrame, other: pl.DataFrame
) -> None:
    store(catalogue, series, there)
    with pytest.raises(BadDataFile, match=r"b\.csv and a\.csv .*differ"):
        store(catalogue, series, other, "b.csv")
    assert catalogue.frame(series).equals(there)


def test_rows_that_are_to_replace_others_do(catalogue: Catalogue) -> None:
    store(catalogue, BARS, bars(1, 2, 3))
    store(catalogue, BARS, bars(2, close=101.0), "b.csv", replace=True)
    assert catalogue.frame(BARS)["close"].to_list() == [100.0, 101.0, 100.0]


def test_two_different_bars_of_one_time_in_one_file_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(BadDataFile, match=r"a\.csv: two rows of 2024-01-01 00:01:00"):
        store(catalogue, BARS, pl.concat([bars(1), bars(1, close=101.0)]))


def test_any_order_and_cut_of_the_files_gives_the_same_catalogue(tmp_path: Path) -> None:
    seed = 7
    chance = Random(seed)
    whole = trades(*range(200))
    first = Catalogue(tmp_path / "whole")
    store(first, TRADES, whole)
    for attempt in range(5):
        other = Catalogue(tmp_path / f"cut{attempt}")
        cuts = sorted(chance.sample(range(1, 200), 4))
        pieces = [
            whole.slice(a, b - a + 5) for a, b in zip([0, *cuts], [*cuts, 200], strict=True)
        ]  # five rows of overlap
        chance.shuffle(pieces)
        for number, piece in enumerate(pieces):
            store(other, TRADES, piece, f"{number}.csv")
        assert other.frame(TRADES).equals(first.frame(TRADES)), f"seed {seed}, attempt {attempt}"


def test_more_rows_than_fit_are_staged_on_disk_and_nothing_of_it_is_left(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS_HELD", 10)
    monkeypatch.setattr(writing, "ROWS_MERGED_MAX", 10)
    with Writer(catalogue, "a.csv") as writer:
        for minute in range(1, 50):
            writer.add(BARS, bars(minute))
        (added,) = writer.commit()
    assert (added.given, added.added) == (49, 49)
    assert catalogue.frame(BARS).equals(bars(*range(1, 50)))
    assert [path.name for path in catalogue.root.iterdir()] == ["x"]


def test_ticks_of_one_instant_stay_in_order_over_staged_files(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS_HELD", 3)
    monkeypatch.setattr(writing, "ROWS_MERGED_MAX", 3)
    monkeypatch.setattr(writing, "merged", None)  # joined on disk: nothing is merged in memory
    rows = trades(1, 2, 2, 2, 2, 2, 2, 3, ids=[f"#{number}" for number in range(8)])
    with Writer(catalogue, "a.csv") as writer:
        for offset in range(8):
            writer.add(TRADES, rows.slice(offset, 1))
        writer.commit()
    assert catalogue.frame(TRADES).equals(rows)


def test_a_write_that_fails_leaves_the_month_as_it_was(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(catalogue, BARS, bars(1, 2))

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", broken)
    with pytest.raises(OSError, match="disk full"):
        store(catalogue, BARS, bars(3))
    monkeypatch.undo()
    assert catalogue.frame(BARS).equals(bars(1, 2))
    assert not list(catalogue.folder(BARS).glob(".2024*"))


def test_a_file_within_a_larger_one_does_not_count(catalogue: Catalogue) -> None:
    write_part(catalogue, QUOTES, quotes(1, 2), "recording")
    write_part(catalogue, QUOTES, quotes(60, 61), "recording")
    parts = catalogue.parts(QUOTES)
    larger = pl.concat([pl.read_parquet(part.path) for part in parts])
    target = catalogue.folder(QUOTES) / "2024-01-01T00.parquet"
    from daemon.research.data.catalogue import Part

    writing.write(larger.lazy(), target, QUOTES, Part(target, 4, parts[0].first, parts[1].last, ()))
    # the crash came here: the larger file is there, the smaller ones are not removed yet
    assert [part.path for part in catalogue.parts(QUOTES)] == [target]
    assert catalogue.superseded(QUOTES) == [part.path for part in parts]
    assert catalogue.frame(QUOTES).height == 4


def test_a_series_that_is_being_written_is_refused(catalogue: Catalogue) -> None:
    with locked(catalogue, BARS), pytest.raises(StateLocked, match="1m bars of BTC@x are being written"):
        store(catalogue, BARS, bars(1))


def test_rows_that_disagree_in_a_later_month_leave_every_file_as_it_was(catalogue: Catalogue) -> None:
    february = 31 * 24 * 60 + 1
    store(catalogue, BARS, bars(1, february))
    with Writer(catalogue, "b.csv") as writer:
        writer.add(TRADES, trades(1, 2))
        writer.add(BARS, bars(2))
        writer.add(BARS, bars(february, close=150.0))
        with pytest.raises(BadDataFile, match=r"b\.csv and a\.csv differ"):
            writer.commit()
    assert catalogue.series() == [BARS]
    assert catalogue.frame(BARS)["ts_event"].to_list() == bars(1, february)["ts_event"].to_list()


def test_a_file_says_where_its_rows_came_from(catalogue: Catalogue) -> None:
    store(catalogue, BARS, bars(1, 2))
    store(catalogue, BARS, bars(5), "b.csv")
    part = read_part(catalogue.folder(BARS) / "2024-01.parquet")
    assert part.sources == (
        Source("a.csv", Y2024 + MINUTE, Y2024 + 2 * MINUTE),
        Source("b.csv", Y2024 + 5 * MINUTE, Y2024 + 5 * MINUTE),
    )


def test_names_that_no_folder_may_have_come_back_as_they_were(catalogue: Catalogue) -> None:
    odd = Series("XBT/USD@kraken", "trades")
    store(catalogue, odd, trades(1))
    assert catalogue.series() == [odd]


def test_an_instrument_that_is_not_there_is_told_with_what_is(catalogue: Catalogue) -> None:
    with pytest.raises(BadDataFile, match="it is empty: import or download it first"):
        catalogue.find("BTC@x")
    store(catalogue, BARS, bars(1))
    with pytest.raises(BadDataFile, match="nothing of ETH@x, it has BTC@x"):
        catalogue.find("ETH@x")
    with pytest.raises(BadDataFile, match="it has 1m bars of BTC@x"):
        catalogue.find("BTC@x", "trades")
