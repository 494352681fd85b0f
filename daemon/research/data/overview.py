"""What the catalogue has, as rows for tables and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from actors.errors import BadDataFile
from actors.model.intervals import format_interval
from actors.venues.files.reading import read_file
from actors.venues.files.series import Kind, ReadFile, ReadOptions
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.gaps import find_gaps


def describe(catalogue: Catalogue, series: Series) -> dict[str, Any]:
    """Instrument, kind, interval, rows, first, last, gaps, bytes."""
    parts = catalogue.parts(series)
    return {
        "instrument": series.instrument,
        "kind": series.kind,
        "interval": format_interval(series.interval_ns) if series.interval_ns else None,
        "rows": sum(part.rows for part in parts),
        "first": iso(parts[0].first) if parts else None,
        "last": iso(parts[-1].last) if parts else None,
        "gaps": _gaps(catalogue, series),
        "bytes": sum(part.path.stat().st_size for part in parts),
    }


def details(catalogue: Catalogue, series: Series) -> dict[str, Any]:
    """The same with its files and where its rows came from."""
    parts = catalogue.parts(series)
    return {
        **describe(catalogue, series),
        "folder": str(catalogue.folder(series)),
        "files": len(parts),
        "sources": [
            {"source": each.name, "first": iso(each.first), "last": iso(each.last)}
            for part in parts
            for each in part.sources
        ],
    }


def details_of_file(path: Path, options: ReadOptions) -> list[dict[str, Any]]:
    """The same of each kind and symbol in a file that is not, or not yet, in the catalogue.

    Raises:
        BadDataFile: Not there, empty, or of no form we know.
    """
    file = read_file(path, options)
    times: dict[tuple[Kind, str | None, int | None], list[pl.Series]] = {}
    for piece in file.pieces():
        times.setdefault((piece.kind, piece.symbol, piece.interval_ns), []).append(piece.frame["ts_event"])
    found = [
        _details_of_times(path, file, key, pl.concat(parts))
        for key, parts in times.items()
        if sum(len(part) for part in parts)
    ]
    if not found:
        raise BadDataFile(f"{path} holds no rows: get the file again")
    findings = [str(finding) for finding in file.problems.take()]
    return [{**each, "findings": findings} for each in found]


def _details_of_times(
    path: Path, file: ReadFile, key: tuple[Kind, str | None, int | None], times: pl.Series
) -> dict[str, Any]:
    kind, symbol, interval = key
    in_order = times.unique().sort()
    return {
        "file": str(path),
        "form": f"{file.form} ({file.why})",
        "symbol": symbol,
        "kind": kind,
        "interval": format_interval(interval) if interval else None,
        "rows": len(times),
        "first": iso(int(in_order[0])),
        "last": iso(int(in_order[-1])),
        "gaps": find_gaps(in_order.to_numpy(), interval).missing if interval else None,
        "bytes": path.stat().st_size,
    }


def iso(time: int) -> str:
    """A time for people and programs."""
    text = datetime.fromtimestamp(time // 1_000_000_000, tz=UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _gaps(catalogue: Catalogue, series: Series) -> int | None:
    """Missing bars as the data themselves look; None of ticks."""
    if series.interval_ns is None:
        return None
    parts = catalogue.parts(series)
    times = pl.concat([pl.scan_parquet(part.path).select("ts_event") for part in parts]).collect()
    return find_gaps(times["ts_event"].unique().sort().to_numpy(), series.interval_ns).missing
