"""`python -m tests.chaos.power [--states N] [--every N] [--seed S] [--json]`: power cuts at every order."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.power.run import compiler, cut_everywhere, record_lives, recorded

LIVES = (1.5, 1.0)


def main() -> int:
    """Returns 1 when an order that was sent is not known after a power cut."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --power",
        description="Records what a daemon writes, syncs and sends; cuts the power at each order and starts "
        "on what the disk may hold.",
    )
    parser.add_argument("--power", action="store_true", help="what scripts/chaos is told to run")
    parser.add_argument("--states", type=int, default=4, metavar="N", help="state folders for each order")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="look at every n-th order only")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed of what is left of unsynced data"
    )
    parser.add_argument("--again", type=Path, metavar="DIR", help="cut the run recorded there once more")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    given = parser.parse_args()
    if compiler() is None:
        print("scripts/chaos --power needs a C compiler: install gcc", file=sys.stderr)
        return 2
    folder = given.again or Path(tempfile.mkdtemp(prefix="tickerd-power-run-"))
    record, state = recorded(folder) if given.again else record_lives(folder, given.seed, LIVES)
    found = cut_everywhere(
        record, state, seed=given.seed, states=given.states, every=given.every,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )  # fmt: skip
    if not found.broken and not given.again:
        shutil.rmtree(folder)
    elif found.broken:
        options = f"--seed {given.seed} --states {given.states} --every {given.every} --again {folder}"
        print(f"kept for a look; again, alone: scripts/chaos --power {options}", file=sys.stderr)
    answer = {"orders": found.orders, "states": found.states, "torn": found.torn, "broken": len(found.broken)}
    print(json.dumps(answer) if given.json else "\n".join(f"{key}: {value}" for key, value in answer.items()))
    return 1 if found.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
