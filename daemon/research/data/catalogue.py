"""The catalogue: market data as Parquet, one folder a series, one file a month.

`DIR/venue/symbol/kind-interval/2024-01.parquet`. While a feed is recorded its months consist of smaller files
named by the time they begin with (`2024-01-15T130700`); a file whose range lies within that of a larger one
is superseded by it: a crash between writing the larger and removing the smaller ones loses and doubles
nothing. Each file says in its own metadata what it holds and which sources it came from, so that there is
nothing beside the data that could disagree with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import msgspec
import polars as pl

from actors.errors import BadDataFile
from actors.model.intervals import format_interval, parse_interval
from actors.venues.files.series import HAS_INTERVAL, KINDS, Kind

ROWS_PER_GROUP = 131_072
"""Of a Parquet file, and of what a reader holds at a time."""
SUFFIX = ".parquet"


class Series(NamedTuple):
    """One instrument's data of one kind, of bars one interval."""

    instrument: str
    """`BTCUSDT@binance`."""
    kind: Kind
    interval_ns: int | None = None

    @property
    def folder(self) -> Path:
        """Within the catalogue."""
        symbol, _, venue = self.instrument.rpartition("@")
        name = self.kind if self.interval_ns is None else f"{self.kind}-{format_interval(self.interval_ns)}"
        return Path(quote(venue, safe="")) / quote(symbol, safe="") / name

    def __str__(self) -> str:
        interval = f"{format_interval(self.interval_ns)} " if self.interval_ns else ""
        return f"{interval}{self.kind.replace('_', ' ')} of {self.instrument}"


class Source(msgspec.Struct, frozen=True, array_like=True):
    """A file, download or recording that rows came from, and the times it covers."""

    name: str
    first: int
    last: int


class Part(NamedTuple):
    """One file of a series."""

    path: Path
    rows: int
    first: int
    """Order time of its first row, ns UTC."""
    last: int
    sources: tuple[Source, ...]

    def source_of(self, time: int) -> str:
        """What the rows around a time came from."""
        return next((each.name for each in self.sources if each.first <= time <= each.last), self.path.name)


def order_column(columns: list[str]) -> str:
    """The column that rows are ordered by: when they could be known, where that is recorded."""
    return "ts_init" if "ts_init" in columns else "ts_event"


def instrument_named(name: str) -> str:
    """
    Raises:
        BadDataFile: Not of the form SYMBOL@venue.
    """
    symbol, _, venue = name.rpartition("@")
    if not symbol or not venue:
        raise BadDataFile(f"{name!r} is no instrument: write it as BTCUSDT@binance")
    return name


class Catalogue:
    """A folder of series."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, series: Series) -> Path:
        """Where a series is, there or not."""
        return self.root / series.folder

    def series(self, instrument: str | None = None) -> list[Series]:
        """Everything there is, by name."""
        found = []
        for folder in sorted(self.root.glob("*/*/*")) if self.root.is_dir() else ():
            name, _, interval = folder.name.partition("-")
            if name not in KINDS or not any(folder.glob(f"*{SUFFIX}")):
                continue
            symbol, venue = unquote(folder.parent.name), unquote(folder.parent.parent.name)
            each = Series(f"{symbol}@{venue}", name, parse_interval(interval) if interval else None)
            if instrument in (None, each.instrument):
                found.append(each)
        return found

    def parts(self, series: Series) -> list[Part]:
        """Files of a series in order, without those that a larger one supersedes."""
        found = sorted(
            (read_part(path) for path in self.folder(series).glob(f"*{SUFFIX}")),
            key=lambda part: (part.first, -part.last, part.path.name),
        )
        kept: list[Part] = []
        for part in found:
            if not kept or part.last > kept[-1].last:
                kept.append(part)
        return kept

    def superseded(self, series: Series) -> list[Path]:
        """Files left over by a crash."""
        kept = {part.path for part in self.parts(series)}
        return [path for path in sorted(self.folder(series).glob(f"*{SUFFIX}")) if path not in kept]

    def blocks(
        self, series: Series, start: int | None = None, end: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Rows with start ≤ order time < end, in order, a block at a time."""
        low, high = start or 0, end if end is not None else 2**63 - 1
        for part in self.parts(series):
            if part.last < low or part.first >= high:
                continue
            lazy = pl.scan_parquet(part.path)
            is_whole = low <= part.first and part.last < high
            for offset in range(0, part.rows, ROWS_PER_GROUP):
                block = lazy.slice(offset, ROWS_PER_GROUP).collect()
                if not is_whole:
                    block = block.filter(pl.col(order_column(block.columns)).is_between(low, high, "left"))
                if not block.is_empty():
                    yield block

    def frame(self, series: Series, start: int | None = None, end: int | None = None) -> pl.DataFrame:
        """All of it at once: for what is known to be small, and for notebooks."""
        blocks = list(self.blocks(series, start, end))
        return pl.concat(blocks, how="diagonal_relaxed") if blocks else pl.DataFrame()

    def find(self, instrument: str, kind: Kind | None = None, interval_ns: int | None = None) -> list[Series]:
        """Series of an instrument; bars only of the interval, when one is named.

        Raises:
            BadDataFile: There is none; names what there is.
        """
        there = self.series(instrument)
        found = [
            each
            for each in there
            if kind in (None, each.kind)
            and (interval_ns is None or each.kind not in HAS_INTERVAL or each.interval_ns == interval_ns)
        ]
        if found:
            return found
        if there:
            has = ", ".join(str(each) for each in there)
            raise BadDataFile(
                f"{self.root} has no such data of {instrument}, it has {has}: import or download it"
            )
        names = sorted({each.instrument for each in self.series()})
        has = f"it has {', '.join(names[:10])}" if names else "it is empty"
        raise BadDataFile(f"{self.root} has nothing of {instrument}, {has}: import or download it first")


def read_part(path: Path) -> Part:
    """What a file says of itself.

    Raises:
        BadDataFile: It is none of ours, or damaged.
    """
    try:
        plain: Mapping[str, str] = pl.read_parquet_metadata(path)
        sources = tuple(msgspec.json.decode(plain["sources"], type=list[Source]))
        return Part(path, int(plain["rows"]), int(plain["first"]), int(plain["last"]), sources)
    except (KeyError, ValueError, msgspec.MsgspecError, pl.exceptions.PolarsError, OSError) as error:
        raise BadDataFile(
            f"{path} is no file of the catalogue ({type(error).__name__}): move it away, and import it"
        ) from error
