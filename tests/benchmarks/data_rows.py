"""How fast history becomes inputs: Parquet, CSV and the catalogue as the messages that a backtest takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import polars as pl

from daemon.config import BacktestSection, Config, DataFile
from daemon.research.data.catalogue import Catalogue
from daemon.research.data.importing import Wanted, import_file
from daemon.research.history import History
from tests.benchmarks.harness import INSTRUMENT, START_NS, Effort, Row, median_seconds
from tests.benchmarks.long_rows import write_bars


def rows(effort: Effort) -> Iterator[Row]:
    """Everything is read once before the clock starts, so the files lie in the system's cache."""
    with TemporaryDirectory(prefix="tickerd-bench-") as name:
        folder = Path(name)
        bars, quotes = effort.of(1_000_000), effort.of(1_000_000)
        parquet, csv = folder / "bars.parquet", folder / "bars.csv"
        write_bars(parquet, bars)
        pl.read_parquet(parquet).head(bars // 10).write_csv(csv)
        write_quotes(folder / "quotes.parquet", quotes)
        yield _read("bars from Parquet into messages", parquet, "bars")
        yield _read("quotes from Parquet into messages", folder / "quotes.parquet", "quotes")
        yield _read("bars from CSV into messages", csv, "bars")
        catalogue = folder / "data"
        yield _import(Catalogue(catalogue), parquet, bars)
        yield _read("bars from the catalogue into messages", catalogue, "bars", catalogue=True)


def write_quotes(path: Path, count: int) -> None:
    """Ten a second of a seeded random walk."""
    random = np.random.default_rng(1)
    bid = np.round(60_000.0 + np.cumsum(random.integers(-3, 4, count)) / 100, 2)
    pl.DataFrame({
        "ts_event": START_NS + np.arange(count, dtype=np.int64) * 100_000_000,
        "bid_price": bid,
        "bid_size": random.integers(1, 500, count) / 100,
        "ask_price": bid + 0.01,
        "ask_size": random.integers(1, 500, count) / 100,
    }).write_parquet(path, row_group_size=100_000)  # fmt: skip


def _read(what: str, path: Path, kind: Literal["bars", "quotes"], *, catalogue: bool = False) -> Row:
    data = DataFile(path=str(path), instrument=INSTRUMENT, kind=kind, catalogue=catalogue)
    config = Config(backtest=BacktestSection(data=(data,)))
    count = sum(map(len, History(config).blocks(None, None)))
    seconds = median_seconds(lambda: deque(History(config).messages(None, None), maxlen=0))
    return Row(
        what=what,
        value=count / seconds,
        unit="rows/s",
        detail=f"{count:,} rows, opening the file and making every message included",
    )


def _import(catalogue: Catalogue, path: Path, count: int) -> Row:
    wanted = Wanted(instrument=INSTRUMENT)
    seconds = median_seconds(lambda: import_file(catalogue, path, wanted), runs=1)
    return Row(
        what="bars from Parquet into the catalogue",
        value=count / seconds,
        unit="rows/s",
        detail=f"{count:,} rows, checked, by months",
    )
