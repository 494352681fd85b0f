"""A live feed kept in the catalogue: files of one minute, joined to hours and days as they pass.

Nothing is traded. What has been received is in memory for a minute at most; a stop writes it, a crash loses
it and leaves a gap that `tickerd data validate` shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import polars as pl
import structlog

from actors.messages.base import Message
from actors.messages.market import FeedStatus, MarketData
from daemon.research.data.catalogue import SUFFIX, Catalogue, Part, Series, order_column, read_part
from daemon.research.data.importing import Rows
from daemon.research.data.writing import compact, locked, write, write_part

log = structlog.get_logger(__name__)

MINUTE_NS = 60_000_000_000
DAY_CHARACTERS, HOUR_CHARACTERS = len("2024-01-15"), len("2024-01-15T13")
STAMP_CHARACTERS = len("2024-01-15T130700")
SOURCE = "recording"


class Recorder:
    """Where a feed puts its messages, and the task that writes them."""

    def __init__(
        self, catalogue: Catalogue, *, clock: Callable[[], int], interval_ns: int = MINUTE_NS
    ) -> None:
        self._catalogue, self._clock, self._interval_ns = catalogue, clock, interval_ns
        self._rows = Rows()
        self._locks = ExitStack()
        self._mine: dict[Series, None] = {}
        self._stop = asyncio.Event()
        self.rows: dict[Series, int] = {}
        """Written, by series."""
        self.is_live: dict[str, bool] = {}
        """Instrument → whether its line is up."""

    def offer(self, message: Message) -> None:
        """Take what the feed has learnt."""
        if isinstance(message, FeedStatus):
            self.is_live[message.instrument] = message.status == "live"
        elif isinstance(message, MarketData):
            self._rows.add(message, self._clock())

    async def run(self) -> None:
        """Write whenever a minute is over, until closed, and then what is left.

        Raises:
            StateLocked: Another process writes to one of the series.
        """
        with self._locks:
            while not self._stop.is_set():
                now = self._clock()
                due = now - now % self._interval_ns + self._interval_ns
                try:
                    async with asyncio.timeout((due - now) / 1e9):
                        await self._stop.wait()
                except TimeoutError:
                    pass
                await asyncio.to_thread(self._write, list(self._rows.take()))
            await asyncio.to_thread(self._write, list(self._rows.take()))

    async def close(self) -> None:
        """Have the rest written, and `run` end."""
        self._stop.set()

    def _write(self, frames: Sequence[tuple[Series, pl.DataFrame]]) -> None:
        for series, frame in frames:
            if series not in self._mine:
                self._locks.enter_context(locked(self._catalogue, series))
                self._mine[series] = None
                tidy(self._catalogue, series)
            self._append(series, frame)
            join_parts(self._catalogue, series, self._clock())
        if frames:
            log.info("recorded", rows=sum(frame.height for _, frame in frames), series=len(frames))

    def _append(self, series: Series, frame: pl.DataFrame) -> None:
        order = order_column(frame.columns)
        frame = frame.sort(order, maintain_order=True)
        parts = self._catalogue.parts(series)
        if parts and series.kind == "bars":
            frame = frame.filter(pl.col(order) > parts[-1].last)  # handed over again after a reconnection
        if not frame.is_empty():
            write_part(self._catalogue, series, frame, SOURCE)
            self.rows[series] = self.rows.get(series, 0) + frame.height


def tidy(catalogue: Catalogue, series: Series) -> None:
    """Remove what a crash has left: half-written files, and files that a larger one supersedes."""
    for path in catalogue.folder(series).glob(f".*{SUFFIX}.*"):
        path.unlink(missing_ok=True)
    for path in catalogue.superseded(series):
        path.unlink(missing_ok=True)


def join_parts(catalogue: Catalogue, series: Series, now: int) -> None:
    """Files of a minute as one of the hour once it is over, those of hours as one of the day."""
    moment = datetime.fromtimestamp(now // 1_000_000_000, tz=UTC)
    for length, current in (
        (HOUR_CHARACTERS, moment.strftime("%Y-%m-%dT%H")),
        (DAY_CHARACTERS, moment.strftime("%Y-%m-%d")),
    ):
        groups: dict[str, list[Part]] = {}
        for part in catalogue.parts(series):
            stem = part.path.name.removesuffix(SUFFIX)
            if len(stem) > length and stem[:length] < current:
                groups.setdefault(stem[:length], []).append(part)
        for name, parts in groups.items():
            _join(catalogue, series, name, parts)


def _join(catalogue: Catalogue, series: Series, name: str, parts: Sequence[Part]) -> None:
    target = catalogue.folder(series) / f"{name}{SUFFIX}"
    if target.exists() and all(part.path != target for part in parts):
        parts = sorted((read_part(target), *parts), key=lambda part: part.first)
    lazy = pl.concat([pl.scan_parquet(part.path) for part in parts], how="diagonal_relaxed")
    rows = sum(part.rows for part in parts)
    sources = compact([source for part in parts for source in part.sources])
    write(lazy, target, series, Part(target, rows, parts[0].first, parts[-1].last, sources))
    for part in parts:
        if part.path != target:
            part.path.unlink()
