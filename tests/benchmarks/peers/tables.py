"""What the comparison found, and how it is printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.messages import WORKLOADS


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One engine at one workload."""

    workload: str
    engine: str
    version: str = ""
    python: str = ""
    rate: float = 0.0
    """Inputs a second, of the median run."""
    cpu_rate: float = 0.0
    """The same by CPU time, which other processes on the machine disturb less."""
    orders: int = 0
    ratio: float = 0.0
    """tickerd's rate over this one's, both by CPU time."""
    why_not: str = ""
    """This engine has no such workload, or failed at it."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What `scripts/bench --peers --json` prints."""

    circumstances: str
    scale: float
    runs: int
    rows: Sequence[Measured]
    rules: Mapping[str, str]
    """Engine → where its rules differ from tickerd's."""
    not_run: Mapping[str, str]


def print_comparison(found: Comparison) -> None:
    """A table for each workload, the ratios of all of them, and whose rules differ where."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    for workload in dict.fromkeys(row.workload for row in found.rows):
        console.print(_workload(workload, found.rows))
    console.print(_ratios(found.rows))
    console.print(_rules(found))
    console.print(
        f"{found.circumstances}; {found.scale:g} of all inputs, medians of {found.runs}, ratios by CPU time; "
        "one process each; making and reading data is not counted except where it says so"
    )


def _workload(workload: str, rows: Sequence[Measured]) -> Table:
    table = _table(
        f"{workload}: {WORKLOADS[workload]}",
        ("engine", "version", "Python"),
        ("inputs/s", "per CPU second", "orders", "tickerd is"),
    )
    for row in rows:
        if row.workload == workload and row.rate:
            rates = f"{row.rate:,.0f}", f"{row.cpu_rate:,.0f}", f"{row.orders:,}", f"{row.ratio:.2f} ×"
            table.add_row(row.engine, row.version, row.python, *rates)
        elif row.workload == workload:
            table.add_row(row.engine, row.why_not)
    return table


def _ratios(rows: Sequence[Measured]) -> Table:
    """tickerd's speed over each engine's, workload by workload."""
    workloads = list(dict.fromkeys(row.workload for row in rows))
    table = _table("tickerd is … × as fast as", ("engine",), workloads)
    for engine in dict.fromkeys(row.engine for row in rows if row.engine != "tickerd"):
        known = {row.workload: row.ratio for row in rows if row.engine == engine and row.rate}
        versions = [row.version for row in rows if row.engine == engine and row.version]
        cells = (f"{known[each]:.2f}" if each in known else "–" for each in workloads)
        table.add_row(" ".join((engine, *versions[:1])), *cells)
    return table


def _rules(found: Comparison) -> Table:
    table = _table("Where their rules differ from tickerd's", ("engine", "rules"), ())
    for engine, rules in found.rules.items():
        table.add_row(engine, rules)
    for engine, why in found.not_run.items():
        table.add_row(engine, f"not run: {why}")
    return table


def _table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in left:
        table.add_column(heading)
    for heading in right:
        table.add_column(heading, justify="right")
    return table
