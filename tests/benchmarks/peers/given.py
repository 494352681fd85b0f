"""What every peer gets and gives: the same generated data, and one line of JSON with what it came to.

Runs in the peers' environment too, so it knows only the standard library.
"""

from __future__ import annotations

import gc
import json
import sys
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

COLUMNS = {
    "bars": ("open", "high", "low", "close", "volume"),
    "quotes": ("bid_price", "bid_size", "ask_price", "ask_size"),
}
AVERAGES = {"A": (10, 50), "A2": (500, 2500), "B": (10, 50)}
NOTIONAL = 1000.0
"""Quote currency an order is worth when it opens a position."""
FEE = 0.0001
CASH = 100_000_000.0

Columns = dict[str, "array[Any]"]


class Mean:
    """Of the newest values, as a running sum, for engines without one of their own that is long enough."""

    def __init__(self, length: int) -> None:
        self.length, self.total = length, 0.0
        self.values: deque[float] = deque()
        self.value: float | None = None
        """None until there are enough."""

    def update(self, value: float) -> None:
        """Take the next."""
        values = self.values
        values.append(value)
        self.total += value
        if len(values) > self.length:
            self.total -= values.popleft()
        if len(values) == self.length:
            self.value = self.total / self.length


class Given:
    """One workload's data: per instrument columns of floats beside the times they are of."""

    def __init__(self, workload: str, folder: Path) -> None:
        self.workload = workload
        self.fast, self.slow = AVERAGES.get(workload, (0, 0))
        self.kind = "quotes" if workload == "C" else "bars"
        self.series: dict[str, Columns] = {}
        for path in sorted((folder / workload).iterdir()):
            self.series[path.name] = read_columns(path, self.kind)
        self.inputs = sum(len(columns["ts"]) for columns in self.series.values())

    @property
    def only(self) -> Columns:
        """The one instrument of a workload that has no other."""
        (columns,) = self.series.values()
        return columns


def write_columns(path: Path, kind: str, times: Sequence[int], values: Sequence[Sequence[float]]) -> None:
    """Nanoseconds, then one column after the other, as this machine keeps them."""
    with path.open("wb") as file:
        array("q", times).tofile(file)
        for column in values:
            array("d", column).tofile(file)


def read_columns(path: Path, kind: str) -> Columns:
    """What `write_columns` wrote."""
    names = COLUMNS[kind]
    count = path.stat().st_size // 8 // (len(names) + 1)
    columns: Columns = {"ts": array("q")}
    with path.open("rb") as file:
        columns["ts"].fromfile(file, count)
        for name in names:
            columns[name] = array("d")
            columns[name].fromfile(file, count)
    return columns


def given() -> Given:
    """The workload that this process was started for: `runner.py WORKLOAD FOLDER`."""
    return Given(sys.argv[1], Path(sys.argv[2]))


def measure(
    data: Given,
    version: str,
    prepare: Callable[[], Any],
    run: Callable[[Any], Any],
    orders: Callable[[Any], int],
) -> None:
    """Time `run` on what `prepare` made, and print what came of it."""
    prepared = prepare()
    gc.collect()
    gc.freeze()
    began, cpu = perf_counter(), process_time()
    result = run(prepared)
    seconds, cpu = perf_counter() - began, process_time() - cpu
    found = {"version": version, "inputs": data.inputs, "seconds": seconds, "cpu_seconds": cpu}
    print("RESULT " + json.dumps({**found, "orders": orders(result)}))


def unfit(why: str) -> None:
    """This peer has no such workload."""
    print("RESULT " + json.dumps({"unfit": why}))
    sys.exit(0)
