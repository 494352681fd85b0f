"""`python -m tests.chaos.twin --twin N [--seed S] [--json]`, or one schedule again: `--seed S --trace`."""

from __future__ import annotations

import argparse
import json
import sys
from math import inf
from time import perf_counter

from tests.chaos.twin.run import run_many
from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import SAFE, UNSAFE, Variant

FAULTS_SHOWN = 20


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --twin",
        description="The core against a venue in simulated time: schedules of losses, delays and crashes.",
        epilog="example: scripts/chaos --twin 100000; one again: scripts/chaos --twin 1 --seed 77 --trace",
    )
    parser.add_argument("--twin", type=int, default=1, metavar="N", help="schedules to run")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the first; the next follow")
    parser.add_argument("--jobs", type=int, default=None, metavar="J", help="processes; default: one a core")
    parser.add_argument(
        "--seconds", type=float, default=inf, metavar="T", help="begin no more schedules after so long"
    )
    parser.add_argument("--trace", action="store_true", help="print what happens in schedule S, alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--variant", default=SAFE.name, choices=[SAFE.name, *(variant.name for variant in UNSAFE)],
        help="run a core that breaks a rule, to see it caught",
    )  # fmt: skip
    return parser.parse_args()


def main() -> int:
    """Returns 1 when a schedule was broken."""
    given = _arguments()
    variant: Variant = next(each for each in (SAFE, *UNSAFE) if each.name == given.variant)
    if given.trace:
        outcome = run_schedule(given.seed, variant, trace=print)
        print(f"seed {given.seed}: {outcome.fault or 'as promised'}")
        return 1 if outcome.fault else 0
    began = perf_counter()
    result = run_many(given.twin, given.seed, variant=variant, jobs=given.jobs, seconds=given.seconds)
    seconds = perf_counter() - began
    answer = {
        "schedules": result.schedules,
        "wanted": given.twin,
        "broken": len(result.broken),
        "seconds": round(seconds, 1),
        "schedules_per_second": round(result.schedules / seconds),
        "schedules_per_cpu_second": round(result.schedules / result.cpu_seconds),
        "jobs": result.jobs,
        **dict(sorted(result.counts.items())),
    }
    faults = [f"seed {seed}: {fault}" for seed, fault in result.broken[:FAULTS_SHOWN]]
    if given.json:
        print(json.dumps({**answer, "faults": faults}))
    else:
        print("\n".join([*(f"{key}: {value}" for key, value in answer.items()), *faults]))
    for number, _ in result.broken[:FAULTS_SHOWN]:
        print(f"again, alone: scripts/chaos --twin 1 --seed {number} --trace", file=sys.stderr)
    return 1 if result.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
