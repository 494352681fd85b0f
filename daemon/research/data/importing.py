"""Files and tapes into the catalogue: each is recognised, checked, and stored under its instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from actors.errors import BadDataFile
from actors.messages.market import Bar, BookDelta, BookSnapshot, FundingRate, MarketData, Quote, Trade
from actors.venues.files.messages import bad_rows
from actors.venues.files.reading import read_file
from actors.venues.files.series import SCHEMAS, Finding, Kind, Piece, Problems, ReadOptions
from daemon.research.data.catalogue import Catalogue, Series, instrument_named
from daemon.research.data.writing import Added, Writer

SKIPPED_DIRECTORIES = (".", "__")
TAPE = "tape"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How files are to be stored."""

    instrument: str | None = None
    """Of files of one instrument; None: the file's own symbol at `venue`."""
    venue: str | None = None
    options: ReadOptions = ReadOptions()
    skip_bad: bool = False
    """Leave bad rows out instead of refusing the file."""
    replace: bool = False
    kinds: tuple[Kind, ...] = ()
    """Only these; empty: all."""


class Imported(NamedTuple):
    """What became of one file."""

    path: Path
    form: str
    why: str
    added: list[Added]
    findings: list[Finding]


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders with everything in them, by name.

    Raises:
        BadDataFile: Something is not there, or a folder is empty.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not is_state(path):
            inside = [
                each
                for each in sorted(path.rglob("*"))
                if each.is_file()
                and not any(part.startswith(SKIPPED_DIRECTORIES) for part in each.parts[-3:])
            ]
            if not inside:
                raise BadDataFile(f"{path} holds no files: check the path")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise BadDataFile(f"{path}: no such file; check the path")
    return found


def is_state(path: Path) -> bool:
    """Whether a folder is a state folder of ours, with a tape in it."""
    return path.is_dir() and (path / TAPE).is_dir()


def import_file(
    catalogue: Catalogue, path: Path, wanted: Wanted, progress: Callable[[int, int], None] | None = None
) -> Imported:
    """Store one file; nothing of it is stored when it is refused.

    Raises:
        BadDataFile: Unreadable, wrong rows, or rows that disagree with those there.
        StateLocked: Another process writes to its series.
    """
    with Writer(catalogue, str(path), replace=wanted.replace) as writer:
        if is_state(path):
            form, why, problems = "tape", "a state folder", Problems(str(path))
            rows = _from_tape(path)
        else:
            file = read_file(path, wanted.options)
            form, why, problems = file.form, file.why, file.problems
            pieces = _of_one(file.pieces(), path) if wanted.instrument is not None else file.pieces()
            rows = ((_series(piece, path, wanted), piece.frame) for piece in pieces)
        count = 0
        for series, frame in rows:
            if wanted.kinds and series.kind not in wanted.kinds:
                continue
            count += frame.height
            writer.add(series, _good(frame, series.kind, problems))
            if progress is not None and not frame.is_empty():
                progress(count, int(frame["ts_event"][-1]))
        findings = problems.take()
        if not wanted.skip_bad:
            _refuse(findings)
        if not count:
            raise BadDataFile(f"{path} holds no market data that is wanted: leave it out")
        return Imported(path, form, why, writer.commit(), findings)


def _refuse(findings: Sequence[Finding]) -> None:
    errors = [each for each in findings if each.severity == "error"]
    if errors:
        first = errors[0]
        place = first.file if first.row is None else f"{first.file}: row {first.row}"
        raise BadDataFile(f"{place}: {first.text}: {first.advice}, or import with --skip-bad")


def _of_one(pieces: Iterator[Piece], path: Path) -> Iterator[Piece]:
    """Pieces that can stand under one name; lists of actions may name many."""
    first = None
    for piece in pieces:
        if piece.symbol and piece.kind != "actions":
            first = first or piece.symbol
            if piece.symbol != first:
                raise BadDataFile(
                    f"{path} holds several instruments ({first}, {piece.symbol}): give --venue NAME and no "
                    "--instrument, then each goes under its own name"
                )
        yield piece


def _series(piece: tuple[Kind, str | None, int | None, pl.DataFrame], path: Path, wanted: Wanted) -> Series:
    kind, symbol, interval, _ = piece
    if wanted.instrument is not None:
        own, _, venue = instrument_named(wanted.instrument).rpartition("@")
        if symbol and symbol.upper() != own.upper() and kind == "actions":
            return Series(f"{symbol}@{venue}", kind, interval)  # a list of the actions of many
        return Series(wanted.instrument, kind, interval)
    if not symbol:
        raise BadDataFile(f"{path} does not name its instrument: give --instrument SYMBOL@VENUE")
    if wanted.venue is None:
        raise BadDataFile(f"{path} holds {symbol} and does not name its venue: give --venue NAME")
    return Series(f"{symbol}@{wanted.venue}", kind, interval)


def _good(frame: pl.DataFrame, kind: Kind, problems: Problems) -> pl.DataFrame:
    """Rows that can be true; the others are counted."""
    bad = frame.select(bad_rows(kind).alias("bad"))["bad"]
    if not bad.any():
        return frame
    at = int(bad.arg_max() or 0)
    figures = ", ".join(
        f"{name} {frame[name][at]}" for name in SCHEMAS[kind] if name not in ("ts_event", "trade_id")
    )
    problems.add(
        "error", "row", f"{figures} cannot be true", "correct or remove the row",
        row=int(frame["row"][at]) if "row" in frame.columns else None, count=int(bad.sum()),
    )  # fmt: skip
    return frame.filter(~bad)


def _from_tape(state: Path) -> Iterator[tuple[Series, pl.DataFrame]]:
    """The market data that a session was given, as it was given."""
    from actors.store.layout import tape_folder
    from actors.store.tape_reader import TapeReader

    table = Rows()
    for step in TapeReader(tape_folder(state)).steps():
        if isinstance(step.message, MarketData):
            table.add(step.message, step.ts_init)
        if table.count >= ROWS_PER_FRAME:
            yield from table.take()
    yield from table.take()


ROWS_PER_FRAME = 200_000


class Rows:
    """Messages on their way to columns: what recorders and tapes fill."""

    def __init__(self) -> None:
        self.count = 0
        self._rows: dict[Series, list[tuple[object, ...]]] = {}

    def add(self, message: MarketData, ts_init: int) -> None:
        """Take one; what has no kind of its own (definitions, the state of a line) is passed over."""
        row: tuple[object, ...]
        if isinstance(message, Quote):
            series = Series(message.instrument, "quotes")
            row = (message.bid_price, message.bid_size, message.ask_price, message.ask_size)
        elif isinstance(message, Trade):
            series = Series(message.instrument, "trades")
            row = (message.trade_id, message.price, message.size, message.aggressor)
        elif isinstance(message, Bar):
            series = Series(message.instrument, "bars", message.interval_ns)
            row = (message.open, message.high, message.low, message.close, message.volume)
        elif isinstance(message, FundingRate):
            series = Series(message.instrument, "funding")
            row = (message.rate, message.mark_price)
        elif isinstance(message, BookDelta):
            series = Series(message.instrument, "book")
            row = (
                False,
                message.first_update_id,
                message.last_update_id,
                *_sides(message.bids, message.asks),
            )
        elif isinstance(message, BookSnapshot):
            series = Series(message.instrument, "book")
            row = (True, message.update_id, message.update_id, *_sides(message.bids, message.asks))
        else:
            return
        known = self._rows.setdefault(series, [])
        known.append((message.ts_event, ts_init, *row))
        self.count += 1

    def take(self) -> Iterator[tuple[Series, pl.DataFrame]]:
        """Everything so far as columns; bars are known at their end, whenever they came."""
        rows, self._rows, self.count = self._rows, {}, 0
        for series, values in rows.items():
            names = list(SCHEMAS[series.kind].items())
            schema = dict([names[0], ("ts_init", pl.Int64()), *names[1:]])
            frame = pl.DataFrame(values, schema=schema, orient="row")
            yield series, frame.drop("ts_init") if series.kind == "bars" else frame


def _sides(
    bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]
) -> tuple[list[float], ...]:
    bids, asks = list(bids), list(asks)
    return [b[0] for b in bids], [b[1] for b in bids], [a[0] for a in asks], [a[1] for a in asks]
