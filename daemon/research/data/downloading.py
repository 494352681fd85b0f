"""History from Binance into the catalogue: page by page, what it does not have yet, gaps included."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from actors.errors import BadDataFile
from actors.messages.market import MarketData
from actors.venues.binance.history import BinanceHistory
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.importing import Rows
from daemon.research.data.writing import Writer

NS_PER_MS = 1_000_000
ROWS_PER_COMMIT = 50_000
"""After so many rows they are put in place: what a stop in between may cost."""
SOURCE = "binance download"
SINGLE_SOURCE = "binance download of single trades"
AGGREGATES = "aggtrades"
"""In the names of the venue's own dumps of aggregate trades."""


Progress = Callable[[int, int], None]
"""Rows so far, and the time they have come to (ns UTC)."""


class Downloaded(NamedTuple):
    """What came."""

    series: Series
    rows: int
    """Fetched now."""
    first: int | None
    """Of the whole series in the catalogue now, ns; None when it is empty."""
    last: int | None


class _Range(NamedTuple):
    start: int
    end: int
    after_id: int | None


async def download(
    history: BinanceHistory,
    catalogue: Catalogue,
    series: Series,
    start: int,
    end: int | None,
    progress: Progress | None = None,
    *,
    single: bool = False,
) -> Downloaded:
    """Fetch what lies in the range and is not in the catalogue: before, behind, and in gaps between.

    Args:
        single: Every trade by itself in the place of aggregates.
    Raises:
        VenueUnreachable: No answer; what has come is kept, and the next call goes on behind it.
        BadDataFile: The venue does not know the symbol, or the catalogue has trades of another kind.
        StateLocked: Another process writes to the series.
    """
    _check_ids(catalogue, series, single=single)
    now = await history.now()
    end = min(end or now, now)
    ranges = missing_ranges(catalogue, series, start, end)
    rows, batch = 0, _Batch(catalogue, SINGLE_SOURCE if single else SOURCE)
    try:
        for each in ranges:
            async for page in _pages(history, series, each, single=single):
                batch.add(page)
                rows += len(page)
                if progress is not None and page:
                    progress(rows, page[-1].ts_event)
    finally:
        batch.commit()  # also when the line breaks or the user does: the next run goes on from here
    parts = catalogue.parts(series)
    return Downloaded(series, rows, parts[0].first if parts else None, parts[-1].last if parts else None)


def _check_ids(catalogue: Catalogue, series: Series, *, single: bool) -> None:
    """Single trades and aggregates are numbered apart: mixed, each trade would count twice."""
    if series.kind != "trades":
        return
    names = dict.fromkeys(source.name for part in catalogue.parts(series) for source in part.sources)
    others = [name for name in names if _are_aggregates(name) == single]
    if others:
        what, more = ("single", "leave --single out,") if single else ("aggregate", "add --single,")
        raise BadDataFile(
            f"{series} come from {others[0]}, not from {what} trades: {more} download them into another "
            "--catalogue, or under another --venue"
        )


def _are_aggregates(source: str) -> bool:
    return source == SOURCE or AGGREGATES in source.lower()


def missing_ranges(catalogue: Catalogue, series: Series, start: int, end: int) -> list[_Range]:
    """Before the first row there is, in each gap, and behind the last one.

    A gap is a step of more than one bar, or of more than one number of a trade. One of the venue itself, as
    where it was down, costs a request each time.
    """
    parts = catalogue.parts(series)
    if not parts:
        return [_Range(start, end, None)] if start < end else []
    interval = series.interval_ns or 0
    first, last = parts[0].first - interval, parts[-1].last
    found = []
    if start < min(first, end):
        found.append(_Range(start, min(first, end), None))
    if series.kind == "funding":  # neither spaced nor numbered: what came is whole
        last += 1
    else:
        found += [gap for gap in _gaps(catalogue, series, start, end) if gap.start < gap.end]
    if end > last:
        found.append(_Range(max(start, last), end, _last_id(catalogue, series) if start <= last else None))
    return found


def _gaps(catalogue: Catalogue, series: Series, start: int, end: int) -> Iterator[_Range]:
    """Between the rows there are, as far as they lie in the range."""
    is_bars, step = series.kind == "bars", series.interval_ns or 1
    number = pl.col("ts_event") if is_bars else pl.col("trade_id").cast(pl.Int64, strict=False)
    before: tuple[int | None, int] = (None, 0)
    for part in catalogue.parts(series):
        rows = pl.scan_parquet(part.path).select(number.alias("number"), pl.col("ts_event").alias("time"))
        table = rows.with_columns(
            pl.col("number").shift(1, fill_value=before[0]).alias("number_before"),
            pl.col("time").shift(1, fill_value=before[1]).alias("time_before"),
        )
        jumps = table.filter(pl.col("number") - pl.col("number_before") > step).collect()
        for _, time, number_before, time_before in jumps.iter_rows():
            if is_bars:
                yield _Range(max(start, time_before), min(end, time - step), None)
            else:  # others may share the millisecond of the next one there is
                after_id = number_before if time_before >= start else None
                yield _Range(max(start, time_before), min(end, time + NS_PER_MS), after_id)
        last = rows.last().collect()
        before = last.row(0) if last.height else before


def _last_id(catalogue: Catalogue, series: Series) -> int | None:
    """The venue's number of the newest trade there is; None when it came without."""
    if series.kind != "trades":
        return None
    newest = catalogue.parts(series)[-1]
    ids = pl.scan_parquet(newest.path).select(pl.col("trade_id").cast(pl.Int64, strict=False).max())
    found = ids.collect().item()
    return int(found) if found is not None else None


async def _pages(
    history: BinanceHistory, series: Series, wanted: _Range, *, single: bool
) -> AsyncIterator[Sequence[MarketData]]:
    name, start, end = series.instrument, wanted.start, wanted.end
    found: AsyncIterator[Sequence[MarketData]]
    if series.kind == "bars":
        assert series.interval_ns is not None
        found = history.bars(name, series.interval_ns, start, end)
    elif series.kind == "funding":
        found = history.funding(name, start, end)
    elif single:
        found = history.single_trades(name, start, end, after_id=wanted.after_id)
    else:
        found = history.trades(name, start, end, after_id=wanted.after_id)
    async for page in found:
        yield page


class _Batch:
    """Pages on their way into the catalogue."""

    def __init__(self, catalogue: Catalogue, source: str) -> None:
        self._catalogue, self._source = catalogue, source
        self._rows = Rows()

    def add(self, page: Sequence[MarketData]) -> None:
        for message in page:
            self._rows.add(message, message.ts_event)
        if self._rows.count >= ROWS_PER_COMMIT:
            self.commit()

    def commit(self) -> None:
        with Writer(self._catalogue, self._source) as writer:
            for series, frame in self._rows.take():
                writer.add(series, frame.drop("ts_init", strict=False))
            writer.commit()
