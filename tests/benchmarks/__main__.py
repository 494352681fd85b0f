"""`scripts/bench`: measures and prints a table. It never fails on a slow figure: it reports."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator

import msgspec
import structlog
from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    core_rows,
    daemon_rows,
    data_rows,
    engine_rows,
    ib_rows,
    live_rows,
    long_rows,
    recovery_rows,
    tape_rows,
)
from tests.benchmarks.harness import Effort, Row, circumstances
from tests.benchmarks.peers.compare import compare
from tests.benchmarks.peers.known import PEERS
from tests.benchmarks.peers.messages import WORKLOADS

GROUPS: dict[str, Callable[[Effort], Iterator[Row]]] = {
    "core": core_rows.rows,
    "data": data_rows.rows,
    "engine": engine_rows.rows,
    "tape": tape_rows.rows,
    "live": live_rows.rows,
    "daemon": daemon_rows.rows,
    "ib": ib_rows.rows,
    "recovery": recovery_rows.rows,
    "long": long_rows.rows,
}


def main() -> int:
    """Run the groups asked for."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--pin",
        type=int,
        default=None,
        metavar="CORE",
        help="run on this core only (peers: the last by default)",
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of inputs")
    parser.add_argument(
        "--peers", action="store_true", help="other engines on the same data; the groups are then workloads"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="PEER", choices=[peer.name for peer in PEERS],
        help="with --peers: this one beside tickerd; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--long",
        action="store_true",
        help="watch memory for ten minutes, not one; backtest 10,000,000 bars, too",
    )
    arguments = parser.parse_args()
    known = WORKLOADS if arguments.peers else GROUPS
    unknown = [group for group in arguments.groups if group not in known]
    if unknown:
        parser.error(f"no group {unknown[0]!r}; there are {', '.join(known)}")
    pin = max(os.sched_getaffinity(0)) if arguments.pin is None and arguments.peers else arguments.pin
    if pin is not None:
        os.sched_setaffinity(0, {pin})
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    effort = Effort(scale=arguments.scale, is_long=arguments.long)
    if arguments.peers:
        compare(
            effort, workloads=arguments.groups or list(WORKLOADS), only=arguments.only, as_json=arguments.json
        )
        return 0
    measured: dict[str, list[Row]] = {}
    for name in arguments.groups or GROUPS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        measured[name] = list(GROUPS[name](effort))
    if arguments.json:
        print(msgspec.json.encode({"circumstances": circumstances(), "rows": measured}).decode())
    else:
        _print_table(measured)
    return 0


def _print_table(measured: dict[str, list[Row]]) -> None:
    table = Table(title=circumstances(), title_justify="left")
    for heading in ("group", "what", "measured", "budget", "note"):
        table.add_column(heading, justify="right" if heading in ("measured", "budget") else "left")
    for name, rows in measured.items():
        for row in rows:
            budget = "" if row.budget is None else _figure(row.budget, row.unit)
            table.add_row(name, row.what, _figure(row.value, row.unit), budget, row.detail)
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.2f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
