"""Many sessions side by side, each with a store, an exchange and a line of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.chaos.kills.outcome import Outcome
from tests.chaos.kills.session import run_session
from tests.chaos.kills.stage import HARD, LIVELY, Market

SESSION_MAX = 100
SESSION_MIN = 10
"""Kills of one store until it is judged, unless told otherwise."""


class Job(NamedTuple):
    """One session to run."""

    folder: Path
    first_seed: int
    kills: int
    with_faults: bool
    market: Market
    is_kept: bool
    """What it leaves behind stays, even if nothing is wrong with it."""

    @property
    def again(self) -> str:
        """How to run this session alone."""
        more = (" --faults" if self.with_faults else "") + (" --lively" if self.market == LIVELY else "")
        return f"scripts/chaos --kills {self.kills} --session {self.kills} --seed {self.first_seed}{more}"


def jobs_here() -> int:
    """Sessions that this machine runs side by side: a life mostly waits, for its line or for its kill."""
    return 2 * (os.cpu_count() or 1)


def shared_out(kills: int, session: int | None, jobs: int) -> list[int]:
    """Kills of each session; as many sessions as jobs, or a multiple, so that all end together."""
    if session is not None:
        return [min(session, kills - done) for done in range(0, kills, session)]
    rounds = -(-kills // (SESSION_MAX * jobs))
    count = max(1, min(rounds * jobs, kills // SESSION_MIN))
    return [kills // count + (number < kills % count) for number in range(count)]


def run_many(
    folder: Path,
    *,
    kills: int,
    seed: int,
    with_faults: bool,
    market: Market = HARD,
    session: int | None = None,
    jobs: int | None = None,
    is_kept: bool = False,
) -> Outcome:
    """Run all sessions; what a broken one leaves behind stays in the folder."""
    jobs = jobs or jobs_here()
    todo: list[Job] = []
    first = seed
    for count in shared_out(kills, session, jobs):
        todo.append(Job(folder / f"session-{first}", first, count, with_faults, market, is_kept))
        first += count
    total = Outcome()
    with ExitStack() as stack:
        results: Iterator[Outcome] = map(_run, todo)
        if jobs > 1 and len(todo) > 1:
            pool = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn")))
            results = pool.map(_run, todo)
        for outcome in results:
            total.merge(outcome)
    return total


def _run(job: Job) -> Outcome:
    outcome = run_session(
        job.folder,
        job.first_seed,
        job.kills,
        faults_from=0 if job.with_faults else None,
        market=job.market,
        say=_say,
    )
    if not outcome.is_clean:
        _say(f"kept for a look: {job.folder}; again, alone: {job.again}")
    elif not job.is_kept:
        shutil.rmtree(job.folder)
    return outcome


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
