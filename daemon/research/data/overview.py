"""What the catalogue has, as rows for tables and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from actors.model.intervals import format_interval
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
