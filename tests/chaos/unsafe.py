"""`python -m tests.chaos.unsafe [--json]`: programs that break one rule each, until each is caught."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from itertools import count
from pathlib import Path

from tests.chaos.kills.labels import run_labels
from tests.chaos.kills.scenarios import UNSAFE as SENDS_FIRST
from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import SAFE, UNSAFE, Variant

SCHEDULES_MAX = 1_500


def schedules_until_caught(variant: Variant) -> tuple[int, str]:
    """In which schedule, counted from 1, and what gave it away.

    Raises:
        AssertionError: It went unnoticed for too long, or the core as shipped fails that schedule too.
    """
    for number in count(1):
        outcome = run_schedule(number, variant)
        if outcome.fault is not None:
            assert run_schedule(number, SAFE).fault is None, f"schedule {number} breaks the shipped core too"
            return number, outcome.fault
        assert number < SCHEDULES_MAX, f"{variant.name} passed {number} schedules"
    raise AssertionError


def main() -> int:
    """Returns 1 when one of them goes unnoticed."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --unsafe",
        description="The proof can fail: programs that break one rule each are judged like the shipped one.",
    )
    parser.add_argument("--unsafe", action="store_true", help="what scripts/chaos is told to run")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    given = parser.parse_args()
    caught = {variant.name: {"schedules": schedules_until_caught(variant)[0]} for variant in UNSAFE}
    folder = Path(tempfile.mkdtemp(prefix="tickerd-unsafe-"))
    deaths = run_labels(
        folder, 1, lambda text: print(text, file=sys.stderr, flush=True), scenarios=[SENDS_FIRST]
    )
    shutil.rmtree(folder)
    if deaths.judgement.lost:
        caught["send before the write"]["kills"] = len(deaths.reached)
    if given.json:
        print(json.dumps(caught))
    else:
        for name, needed in caught.items():
            print(f"{name}: caught in {' and in '.join(f'{n} {what}' for what, n in needed.items())}")
    return 0 if deaths.judgement.lost else 1


if __name__ == "__main__":
    raise SystemExit(main())
