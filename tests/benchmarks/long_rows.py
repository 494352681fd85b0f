"""`tickerd backtest` over a Parquet file and over one ten times as long: what that costs in time and memory.

Each run is a process of its own. What it takes to start is measured on a file that is too short to trade, and
taken off its CPU time; off its memory is taken what the bare interpreter holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.benchmarks.harness import INSTRUMENT, MINUTE_NS, START_NS, Effort, Row
from tests.conftest import REPO_ROOT

BARS = 10_000_000
ROW_GROUP = 250_000
KB = 1024
REGIMES = {"few orders, SMA 500/2500": (500, 2500), "many orders, SMA 10/50": (10, 50)}
TIMES_MAX = 10.5
MEMORY_MAX_MB = 300.0


class Spent(NamedTuple):
    """One process."""

    cpu_seconds: float
    peak_mb: float
    orders: int


def rows(effort: Effort) -> Iterator[Row]:
    """Nothing unless the long rows are wanted: they take minutes."""
    if not effort.is_long:
        return
    many = effort.of(BARS, least=100_000)
    with TemporaryDirectory() as name:
        folder = Path(name)
        counts = {"short": 100, "tenth": many // 10, "whole": many}
        for file, count in counts.items():
            write_bars(folder / f"{file}.parquet", count)
        bare = _spent([sys.executable, "-c", "print('{}')"]).peak_mb
        for regime, lengths in REGIMES.items():
            short, tenth, whole = (_backtest(folder, file, lengths) for file in counts)
            yield _times(regime, many, short, tenth, whole)
            yield Row(
                what=f"resident memory at most, {many:,} bars, {regime}",
                value=whole.peak_mb - bare,
                unit="MB",
                budget=MEMORY_MAX_MB,
                detail=f"over the bare interpreter's {bare:.0f} MB; {whole.orders:,} orders; "
                f"{many // 10:,} bars: {tenth.peak_mb - bare:.0f} MB, none: {short.peak_mb - bare:.0f} MB",
            )


def _times(regime: str, many: int, short: Spent, tenth: Spent, whole: Spent) -> Row:
    one, ten = (each.cpu_seconds - short.cpu_seconds for each in (tenth, whole))
    return Row(
        what=f"time of ten times the bars, {regime}",
        value=ten / one,
        unit="×",
        budget=TIMES_MAX,
        detail=f"{many // 10:,} bars {one:.1f} s, {many:,} bars {ten:.1f} s of CPU, reading included; "
        f"start of {short.cpu_seconds:.1f} s taken off; {tenth.orders:,} and {whole.orders:,} orders",
    )


def write_bars(path: Path, count: int) -> None:
    """One-minute bars of a seeded random walk in one Parquet file."""
    random = np.random.default_rng(1)
    close = np.round(60_000.0 * np.exp(np.cumsum(random.normal(0, 0.0005, count))), 2)
    opened = np.concatenate(([60_000.0], close[:-1]))
    begins = START_NS + np.arange(count, dtype=np.int64) * MINUTE_NS
    bars = pl.DataFrame({
        "timestamp": pl.Series(begins).cast(pl.Datetime("ns", "UTC")),
        "open": opened,
        "high": np.maximum(opened, close) + random.integers(0, 20, count),
        "low": np.minimum(opened, close) * 0.999,
        "close": close,
        "volume": random.integers(1, 1000, count).astype(np.float64),
    })  # fmt: skip
    bars.write_parquet(path, row_group_size=ROW_GROUP)


def _backtest(folder: Path, file: str, lengths: tuple[int, int]) -> Spent:
    config = folder / f"{file}.toml"
    config.write_text(f"""
[venues.binance]
[accounts.test]
venue = "binance"
mode = "paper"
base_currency = "USDT"
[accounts.test.simulated]
opening_balances = {{ USDT = "100000000" }}
taker_fee = "0.0001"
[strategies.it]
use = "actors.strategies.library.sma_cross:SmaCross"
account = "test"
instruments = ["{INSTRUMENT}"]
bars = ["1m"]
[strategies.it.parameters]
fast = {lengths[0]}
slow = {lengths[1]}
[instruments."{INSTRUMENT}"]
base = "BTC"
quote = "USDT"
[[backtest.data]]
path = "{folder / file}.parquet"
instrument = "{INSTRUMENT}"
kind = "bars"
""")
    print(f"  {file}, SMA {lengths[0]}/{lengths[1]} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "daemon", "backtest", str(config), "--json"]
    return _spent([*command, "--state", str(folder / "state")])


def _spent(command: list[str]) -> Spent:
    """Run it to its end; what the system says it took.

    A child's peak is at least what its parent held when it was made, so a small process stands between.
    """
    between = (
        "import json, os, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss]))\n"
        "sys.stdout.flush(); sys.stdout.buffer.write(done.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", between, *command],
        cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    first, _, said = done.stdout.partition("\n")
    code, cpu_seconds, peak_kb = json.loads(first)
    assert code == 0, f"{command} ended with {code}: {said[:500]}"
    traded = json.loads(said).get("strategies", {}).values()
    return Spent(cpu_seconds, peak_kb * KB / 1e6, sum(each["orders"] for each in traded))
