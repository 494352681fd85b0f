"""Into the catalogue: rows are collected by month, merged with what is there, and put in place by a rename.

The same rows again change nothing. Rows that disagree with those there are refused, naming both sources,
before anything of the source is in place. A write that is cut short leaves every file whole; months are put
in place one by one, and importing the same file again goes on from there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from actors.errors import BadDataFile, StateLocked
from actors.venues.files.series import HAS_INTERVAL, Kind
from daemon.research.data.catalogue import (
    ROWS_PER_GROUP,
    SUFFIX,
    Catalogue,
    Part,
    Series,
    Source,
    order_column,
)
from daemon.research.data.merging import merged

ROWS_HELD = 1_000_000
"""Rows of one series that are kept in memory before they go to a staging file."""
ROWS_MERGED_MAX = 5_000_000
"""More rows of one month than this are joined on disk, which takes sources that follow one another."""
INCOMING = ".incoming-"


class Added(NamedTuple):
    """What became of one series."""

    series: Series
    given: int
    added: int
    """Rows that were not there before."""
    first: int
    last: int


class _Staged(NamedTuple):
    path: Path
    first: int
    last: int
    rows: int


class _Merged(NamedTuple):
    """A month that is ready to be put in place."""

    ready: Path
    target: Path
    replaced: tuple[Path, ...]
    """Smaller files of the month, whose rows it holds."""

    def put(self) -> None:
        self.ready.replace(self.target)
        for path in self.replaced:
            path.unlink(missing_ok=True)


class Writer:
    """One source's rows on their way; `with Writer(...) as writer: writer.add(...); writer.commit()`."""

    def __init__(self, catalogue: Catalogue, source: str, *, replace: bool = False) -> None:
        self._catalogue, self._source, self._replace = catalogue, source, replace
        self._held: dict[Series, list[pl.DataFrame]] = {}
        self._staged: dict[Series, dict[str, list[_Staged]]] = {}
        self._merged: list[_Merged] = []
        self._folder: Path | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, series: Series, frame: pl.DataFrame) -> None:
        """Take rows; nothing is in the catalogue before `commit`."""
        if frame.is_empty():
            return
        held = self._held.setdefault(series, [])
        held.append(frame.drop("row", strict=False))
        if sum(each.height for each in held) >= ROWS_HELD:
            self._stage(series)

    def commit(self) -> list[Added]:
        """Merge everything taken into the catalogue, month by month.

        Raises:
            BadDataFile: Rows disagree with those there.
            StateLocked: Another process writes to a series.
        """
        for series in list(self._held):
            self._stage(series)
        with ExitStack() as locks:
            for series in self._staged:
                locks.enter_context(locked(self._catalogue, series))
            results = [self._merge(series, months) for series, months in self._staged.items()]
            for merged_file in self._merged:
                merged_file.put()
        return results

    def _stage(self, series: Series) -> None:
        frames = self._held.pop(series, [])
        if not frames:
            return
        frame = pl.concat(frames, how="diagonal_relaxed")
        order = order_column(frame.columns)
        frame = frame.sort(order, maintain_order=True)
        months = self._staged.setdefault(series, {})
        for month, rows in split_by_month(frame, series.kind):
            staged = months.setdefault(month, [])
            path = self._incoming(series) / f"{month}.{len(staged):06d}{SUFFIX}"
            rows.write_parquet(path, row_group_size=ROWS_PER_GROUP)
            staged.append(_Staged(path, int(rows[order][0]), int(rows[order][-1]), rows.height))

    def _incoming(self, series: Series) -> Path:
        if self._folder is None:
            self._catalogue.root.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=INCOMING, dir=self._catalogue.root))
        folder = self._folder / series.folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _merge(self, series: Series, months: dict[str, list[_Staged]]) -> Added:
        there = self._catalogue.parts(series)
        added = 0
        for month, staged in sorted(months.items()):
            old = [part for part in there if part.path.name.startswith(month)]
            added += self._merge_month(series, month, staged, old)
        every = [each for staged in months.values() for each in staged]
        return Added(
            series,
            sum(each.rows for each in every),
            added,
            min(each.first for each in every),
            max(each.last for each in every),
        )

    def _merge_month(self, series: Series, month: str, staged: list[_Staged], old: list[Part]) -> int:
        before = sum(part.rows for part in old)
        target = self._catalogue.folder(series) / f"{month}{SUFFIX}"
        ready = self._incoming(series) / target.name
        sources = [
            *(source for part in old for source in part.sources),
            Source(self._source, min(s.first for s in staged), max(s.last for s in staged)),
        ]
        pieces = sorted(
            [
                *((part.first, part.last, part.path, "old") for part in old),
                *((each.first, each.last, each.path, "new") for each in staged),
            ]
        )
        # one time may go on over two staged files, as ticks of an instant do
        follow = all(
            after[0] > one[1] or (after[0] == one[1] and after[3] == one[3] == "new")
            for one, after in pairwise(pieces)
        )
        rows = before + sum(each.rows for each in staged)
        if follow and rows > ROWS_MERGED_MAX:
            lazy = pl.concat([pl.scan_parquet(path) for _, _, path, _ in pieces], how="diagonal_relaxed")
            write(lazy, ready, series, Part(target, rows, pieces[0][0], pieces[-1][1], tuple(sources)))
        else:
            new = pl.concat([pl.read_parquet(each.path) for each in staged], how="diagonal_relaxed")
            frame = merged(series, old, new, self._source, replace=self._replace)
            rows = frame.height
            if rows == before and not self._replace and len(old) == 1 and old[0].path == target:
                return 0
            order = frame[order_column(frame.columns)]
            part = Part(target, rows, int(order[0]), int(order[-1]), compact(sources))
            write(frame.lazy(), ready, series, part)
        replaced = tuple(part.path for part in old if part.path != target)
        self._merged.append(_Merged(ready, target, replaced))
        return rows - before


def compact(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Each source once, over all its times."""
    found: dict[str, Source] = {}
    for each in sources:
        known = found.get(each.name)
        if known is not None:
            each = Source(each.name, min(known.first, each.first), max(known.last, each.last))
        found[each.name] = each
    return tuple(found.values())


def write(lazy: pl.LazyFrame, target: Path, series: Series, part: Part) -> None:
    """A file of the catalogue, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    metadata = {
        "instrument": series.instrument,
        "kind": series.kind,
        "interval_ns": str(series.interval_ns or ""),
        "rows": str(part.rows),
        "first": str(part.first),
        "last": str(part.last),
        "sources": msgspec.json.encode(part.sources).decode(),
    }
    try:
        lazy.sink_parquet(temporary, row_group_size=ROWS_PER_GROUP, metadata=metadata, maintain_order=True)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def split_by_month(frame: pl.DataFrame, kind: Kind) -> Iterator[tuple[str, pl.DataFrame]]:
    """`2024-01` and its rows; a bar that ends with the month belongs to it."""
    order = pl.col(order_column(frame.columns)) - (1 if kind in HAS_INTERVAL else 0)
    month = pl.from_epoch(order, time_unit="ns").dt.strftime("%Y-%m").alias("month")
    for (name,), rows in frame.with_columns(month).group_by(["month"], maintain_order=True):
        yield str(name), rows.drop("month")


def part_name(time: int) -> str:
    """Of a recording's smallest file: the time it begins with."""
    return datetime.fromtimestamp(time // 1_000_000_000, tz=UTC).strftime("%Y-%m-%dT%H%M%S")


@contextmanager
def locked(catalogue: Catalogue, series: Series) -> Iterator[None]:
    """The right to write to a series.

    Raises:
        StateLocked: Another process has it.
    """
    folder = catalogue.folder(series)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateLocked(
                f"{series} are being written by another tickerd: wait for it, or stop its recording"
            ) from error
        yield


def write_part(catalogue: Catalogue, series: Series, frame: pl.DataFrame, source: str) -> Path:
    """Rows that come after all others, as a file of their own; the caller holds the lock."""
    if frame.is_empty():
        raise BadDataFile(f"{series}: nothing to write")
    order = frame[order_column(frame.columns)]
    first, last = int(order[0]), int(order[-1])
    begin = first - (1 if series.kind in HAS_INTERVAL else 0)  # as `split_by_month` has it
    target = catalogue.folder(series) / f"{part_name(begin)}{SUFFIX}"
    write(
        frame.lazy(), target, series, Part(target, frame.height, first, last, (Source(source, first, last),))
    )
    return target
