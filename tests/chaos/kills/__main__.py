"""`python -m tests.chaos.kills --kills N [--seed S] [--faults] [--json]`: real processes, really killed."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

from tests.chaos.kills.many import jobs_here, run_many
from tests.chaos.kills.stage import HARD, LIVELY


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --kills",
        description="Daemons that trade hard, each on an exchange of its own, are killed again and again; "
        "the exchanges' own records judge what is left.",
        epilog="example: scripts/chaos --kills 100 --faults; one again: scripts/chaos --kills 1 --seed 77",
    )
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="lives to end by SIGKILL")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed of the first round; the next follow"
    )
    parser.add_argument(
        "--session", type=int, default=None, metavar="K", help="kills of one store until it is judged"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=jobs_here(),
        metavar="J",
        help="sessions side by side; default: %(default)s",
    )
    parser.add_argument("--faults", action="store_true", help="the exchange's faults and cut lines mixed in")
    parser.add_argument(
        "--lively", action="store_true", help="mostly market data, few orders: how fast is it replayed?"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what the sessions leave behind here")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    return parser.parse_args()


def main() -> int:
    """Returns 1 when a promise was broken."""
    given = _arguments()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="tickerd-kills-"))
    began = time.monotonic()
    total = run_many(
        folder,
        kills=given.kills,
        seed=given.seed,
        with_faults=given.faults,
        market=LIVELY if given.lively else HARD,
        session=given.session,
        jobs=given.jobs,
        is_kept=given.keep is not None,
    )
    if total.is_clean and given.keep is None:
        shutil.rmtree(folder)
    answer = {**total.as_json(), "seconds": round(time.monotonic() - began, 1)}
    if given.json:
        print(json.dumps(answer))
    else:
        print("\n".join(f"{key}: {value}" for key, value in answer.items()))
    return 0 if total.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
