"""What `tickerd data convert` does: finds the rows, builds the timeframe, and writes file or catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from actors.errors import BadDataFile, UsageError
from actors.model.intervals import parse_interval
from actors.venues.files.messages import check_rows
from actors.venues.files.reading import read_file
from actors.venues.files.series import BESIDE_PRICES, KINDS, Kind, ReadOptions
from daemon.research.data.catalogue import Catalogue, Series, instrument_named
from daemon.research.data.converting import larger_bars, write_file
from daemon.research.data.writing import Writer


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted."""

    what: str
    """A path, or an instrument of the catalogue."""
    to: Path | None = None
    """None: the catalogue."""
    timeframe: str | None = None
    calendar: str = "24/7"
    kind: str | None = None
    instrument: str | None = None
    options: ReadOptions = ReadOptions()


def convert(wanted: Conversion, catalogue: Catalogue) -> dict[str, Any]:
    """Do it; says from what to what, and how many rows.

    Raises:
        UsageError: Unclear what is wanted.
        BadDataFile: Nothing there that could be converted.
    """
    series, frames = _source(wanted, catalogue)
    made = series
    if wanted.timeframe is not None:
        interval = parse_interval(wanted.timeframe)
        made = Series(series.instrument, "bars", interval)
        frames = larger_bars(frames, series, interval, wanted.calendar)
    if wanted.to is not None:
        if wanted.to.exists() and Path(wanted.what).exists() and wanted.to.samefile(wanted.what):
            raise UsageError(f"{wanted.to} is what is to be converted: give another name with --to")
        return {"from": wanted.what, "to": str(wanted.to), "rows": write_file(frames, made, wanted.to)}
    if made == series and not Path(wanted.what).exists():
        raise UsageError("nothing would change: give --timeframe, or a file with --to")
    with Writer(catalogue, f"{wanted.what} as {made.kind}") as writer:
        for frame in frames:
            writer.add(made, frame)
        added = writer.commit()
    return {"from": wanted.what, "to": str(made), "rows": sum(each.given for each in added)}


def _source(wanted: Conversion, catalogue: Catalogue) -> tuple[Series, Iterator[pl.DataFrame]]:
    if wanted.kind is not None and wanted.kind not in KINDS:
        raise UsageError(f"there is no kind {wanted.kind!r}: take one of {', '.join(KINDS)}")
    kind: Kind | None = wanted.kind
    path = Path(wanted.what)
    if path.exists():
        return _from_file(path, wanted, kind)
    if "@" not in wanted.what:
        raise BadDataFile(
            f"{wanted.what}: no such file, and no instrument as BTCUSDT@binance; check the path"
        )
    interval = wanted.options.interval_ns
    found = [
        each for each in catalogue.find(wanted.what, kind, interval) if each.kind not in BESIDE_PRICES or kind
    ]
    if interval is not None:
        found = [each for each in found if each.interval_ns == interval] or found
    if len(found) != 1:
        names = ", ".join(map(str, found))
        raise UsageError(
            f"{wanted.what} has {len(found)} series ({names}): name one with --kind and --interval"
        )
    return found[0], catalogue.blocks(found[0])


def _from_file(path: Path, wanted: Conversion, kind: Kind | None) -> tuple[Series, Iterator[pl.DataFrame]]:
    if wanted.to is None and wanted.instrument is None:
        raise UsageError(f"where {path} goes is not clear: give --to FILE, or --instrument for the catalogue")
    file = read_file(path, wanted.options)
    pieces = [piece for piece in file.pieces() if kind in (None, piece.kind)]
    keys = {
        (piece.kind, piece.symbol, piece.interval_ns)
        for piece in pieces
        if piece.kind not in BESIDE_PRICES or kind
    }
    if len(keys) != 1:
        raise UsageError(f"{path} holds {len(keys)} series: import it, and convert one of them")
    (key,) = keys
    errors = [each for each in file.problems.take() if each.severity == "error"]
    if errors:
        raise BadDataFile(f"{path}: row {errors[0].row}: {errors[0].text}: {errors[0].advice}")
    name = instrument_named(wanted.instrument) if wanted.instrument else f"{key[1] or path.stem}@files"
    frame = pl.concat([piece.frame for piece in pieces if piece.kind == key[0]])
    check_rows(frame, key[0], str(path))
    frame = frame.sort("ts_init" if "ts_init" in frame.columns else "ts_event", maintain_order=True)
    return Series(name, key[0], key[2]), iter([frame])
