"""How much input there will be, quickly: for the end of a progress bar."""

from __future__ import annotations

from pathlib import Path

from daemon.config import Config
from daemon.research.history import data_files

_READ_BYTES = 1 << 22


def input_count(config: Config) -> int | None:
    """Rows of all data files; None where one does not say without being read."""
    counts = [_rows(path) for path in data_files(config)]
    return sum(count for count in counts if count is not None) if None not in counts else None


def _rows(path: Path) -> int | None:
    import polars

    try:
        if path.suffix in (".parquet", ".pq"):
            return int(polars.scan_parquet(path).select(polars.len()).collect().item())
        if path.suffix not in (".csv", ".txt"):
            return None
        with path.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(_READ_BYTES), b""))
    except (OSError, polars.exceptions.PolarsError):
        return None
