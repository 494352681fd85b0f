"""`python -m tests.chaos.soak --soak INPUTS [--seed S] [--json]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from daemon.logs import set_up_logging
from tests.chaos.soak.life import Sample
from tests.chaos.soak.run import MB, soak

INPUTS = 2_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --soak",
        description="The real core, tape and store in simulated time, and whether anything grows.",
        epilog="example: scripts/chaos --soak 50000000",
    )
    parser.add_argument("--soak", type=int, default=INPUTS, metavar="INPUTS", help="a thousand or more")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    return parser.parse_args()


def _tell(sample: Sample) -> None:
    print(
        f"{sample.inputs:>12,} inputs {sample.orders:>9,} orders "
        f"{sample.resident_bytes / MB:8.2f} MB resident {sample.state_bytes / 1e3:8.1f} kB state "
        f"{sample.tape_bytes / MB:7.1f} MB tape in {sample.parts} parts "
        f"{sample.database_bytes / MB:7.1f} MB database "
        f"{sample.descriptors} descriptors {sample.tasks} tasks",
        file=sys.stderr,
    )  # fmt: skip


def main() -> int:
    """Returns 1 when something grows."""
    given = _arguments()
    set_up_logging(level="warning", format="text", environ={})
    result = asyncio.run(soak(given.soak, seed=given.seed, tell=_tell))
    last, findings = result.samples[-1], result.findings()
    answer = {
        "inputs": last.inputs,
        "orders": last.orders,
        "seconds": round(result.seconds, 1),
        "inputs_per_second": round(last.inputs / result.seconds),
        "memory_mb": round(last.resident_bytes / MB, 2),
        "memory_mb_per_10_000_000_inputs": round(result.slope / MB, 3),
        "descriptors": last.descriptors,
        "tasks": last.tasks,
        "tape_mb_max": round(max(each.tape_bytes for each in result.samples) / MB, 1),
        "database_mb": round(last.database_bytes / MB, 1),
        "database_bytes_per_order": round(result.database_per_order),
        "findings": findings,
    }
    print(json.dumps(answer) if given.json else "\n".join(f"{key}: {value}" for key, value in answer.items()))
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
