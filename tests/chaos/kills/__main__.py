"""`python -m tests.chaos.kills --kills N [--seed S] [--faults] [--json]`: real processes, really killed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.kills.session import Outcome, run_session

SESSION = 100
FAULTS_SHOWN = 20


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --kills",
        description="A daemon that trades hard on an exchange is killed again and again; the exchange's own "
        "record judges what is left.",
        epilog="example: scripts/chaos --kills 100 --faults; one again: scripts/chaos --kills 1 --seed 77",
    )
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="lives to end by SIGKILL")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed of the first round; the next follow"
    )
    parser.add_argument(
        "--session", type=int, default=SESSION, metavar="K", help="kills of one store until it is judged"
    )
    parser.add_argument("--faults", action="store_true", help="the exchange's faults and cut lines mixed in")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what the sessions leave behind here")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    return parser.parse_args()


def main() -> int:
    """Returns 1 when a promise was broken."""
    given = _arguments()
    total = Outcome()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    folder = given.keep or Path(tempfile.mkdtemp(prefix="tickerd-kills-"))
    for done in range(0, given.kills, given.session):
        seed = given.seed + done
        session = folder / f"session-{seed}"
        found = run_session(
            session,
            seed,
            min(given.session, given.kills - done),
            faults_from=0 if given.faults else None,
            say=say,
        )
        total.merge(found)
        if found.is_clean and given.keep is None:
            shutil.rmtree(session)
        elif not found.is_clean:
            say(f"kept for a look: {session}")
    if total.is_clean and given.keep is None:
        shutil.rmtree(folder)
    answer = total.as_json()
    broken = [*total.lost, *total.duplicated, *total.differences][:FAULTS_SHOWN]
    if given.json:
        print(json.dumps({**answer, "broken": broken}))
    else:
        print("\n".join([*(f"{key}: {value}" for key, value in answer.items()), *broken]))
    return 0 if total.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
