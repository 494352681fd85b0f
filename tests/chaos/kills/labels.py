"""`python -m tests.chaos.kills.labels [--only TEXT] [--seed S] [--json]`: one death before each effect."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.chaos.kills.deaths import KILLED, VICTIM, Deaths
from tests.chaos.kills.ib_stage import an_ib_stage, has_library
from tests.chaos.kills.judge import judge
from tests.chaos.kills.life import Ended
from tests.chaos.kills.many import jobs_here
from tests.chaos.kills.panics import Death, die_in_panic, panic_deaths
from tests.chaos.kills.phases import TruthTail, orders_on_tape
from tests.chaos.kills.scenarios import Scenario, every_scenario, leave_as_it_is
from tests.chaos.kills.stage import Stage, a_stage, settle
from tests.chaos.kills.victim import DIE_AT, QUIRKS

REACH_SECONDS = 45.0
TRADING_SECONDS = 0.8
REST_EVERY = 4
"""After so many deaths a life trades for a while, so that the next deaths find orders under way."""
Opened = Callable[[Path, int], AbstractContextManager[Stage]]
STAGES: Mapping[str, Opened] = {"binance": a_stage, "ib": an_ib_stage}
NO_LIBRARY = "SKIPPED the stage at TWS: neither the extra [ib] nor [ib-async] is installed"


def run_labels(
    folder: Path,
    seed: int,
    say: Callable[[str], None],
    *,
    scenarios: Sequence[Scenario],
    opened: Opened = a_stage,
) -> Deaths:
    """Die as the scenarios say, one after the other; then settle and be judged.

    Raises:
        Ended: A daemon ended otherwise than by the death it was meant to die.
    """
    deaths, known = Deaths(), set[str]()
    with opened(folder, seed) as stage:
        stage.line.latency_seconds = 0.005
        truth = TruthTail(stage.exchange.truth_file)
        _trade(stage, 0)
        for number, scenario in enumerate(scenarios, 1):
            if number % REST_EVERY == 0 or scenario.prepare is not leave_as_it_is:
                _trade(stage, 1_000 + number)
            if scenario.is_last:
                known |= orders_on_tape(stage.state)
            is_reached = _die(stage, number, scenario)
            (deaths.reached if is_reached else deaths.missed).append(scenario.name)
            say(f"{'died before' if is_reached else 'NEVER REACHED'} {scenario.name}")
        stage.clear_faults()
        settle(stage, 2_000)
        deaths.judgement = judge(stage.state, truth, stage.account, known, stage.venue)
    for text in deaths.judgement.said():
        say(text)
    return deaths


def _trade(stage: Stage, number: int) -> None:
    """An ordinary life that is killed while it trades."""
    life = stage.life(number)
    try:
        life.wait_active()
        time.sleep(TRADING_SECONDS)
    finally:
        life.kill()


def _die(stage: Stage, number: int, scenario: Scenario) -> bool:
    """Whether the victim came to the effect and died there."""
    stage.clear_faults()
    scenario.prepare(stage.state)
    more = {DIE_AT: scenario.name, QUIRKS: scenario.quirk}
    life = stage.life(number, *scenario.settings, program=VICTIM, **more)
    try:
        life.wait_until(lambda: life.is_active or life.has_ended, REACH_SECONDS, scenario.name)
        if not life.has_ended:
            scenario.disturb(stage, life)
            life.wait_until(lambda: life.has_ended, REACH_SECONDS, scenario.name)
    except TimeoutError:
        return False
    finally:
        if not life.has_ended:
            life.kill()
    if life.process.returncode != KILLED:
        raise Ended(f"{scenario.name}: exit code {life.process.returncode}: {life.tail()}")
    return True


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Share(NamedTuple):
    """Every n-th death at a venue, on a stage of its own."""

    stage: str
    folder: Path
    seed: int
    only: str
    number: int
    of: int


def run_share(share: Share) -> Deaths:
    """Die these deaths and be judged; a stage that cannot go on is a difference."""
    scenarios = every_scenario(share.seed, stage=share.stage, only=share.only)[share.number :: share.of]
    folder = share.folder / f"{share.stage}-{share.number}"
    try:
        return run_labels(folder, share.seed, _say, scenarios=scenarios, opened=STAGES[share.stage])
    except (Ended, TimeoutError) as error:
        deaths = Deaths()
        deaths.judgement.differences.append(str(error))
        _say(str(error))
        return deaths


class PanicShare(NamedTuple):
    """One panic that dies, on a stage of its own."""

    folder: Path
    seed: int
    death: Death


def run_panic_share(share: PanicShare) -> Deaths:
    """Die in a panic, and panic again."""
    try:
        return die_in_panic(share.folder, share.seed, share.death, _say)
    except (Ended, TimeoutError) as error:
        deaths = Deaths()
        deaths.judgement.differences.append(str(error))
        _say(str(error))
        return deaths


def run_shares(folder: Path, seed: int, only: str, jobs: int) -> Deaths:
    """All deaths, on so many stages side by side."""
    shares: list[Share] = []
    for stage in STAGES:
        if stage == "ib" and not has_library():
            _say(NO_LIBRARY)
            continue
        count = min(1 if stage == "ib" else jobs, len(every_scenario(seed, stage=stage, only=only)))
        shares += [Share(stage, folder, seed, only, number, count) for number in range(count)]
    total = Deaths()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for deaths in pool.map(run_share, shares):
            total.merge(deaths)
        panics = panic_deaths(only) if has_library() else []
        shares_of_panic = [
            PanicShare(folder / f"panic-{number}", seed, death) for number, death in enumerate(panics)
        ]
        for deaths in pool.map(run_panic_share, shares_of_panic):
            total.merge(deaths)
    return total


def main() -> int:
    """Returns 1 when a promise was broken or an effect never reached."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos --labels", description="A daemon dies right before each of its named effects."
    )
    parser.add_argument("--labels", action="store_true", help="what scripts/chaos is told to run")
    parser.add_argument("--only", default="", metavar="TEXT", help="effects whose name holds this")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="order of the deaths")
    parser.add_argument(
        "--jobs", type=int, default=jobs_here(), metavar="J", help="stages side by side; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tickerd-labels-"))
    began = time.monotonic()
    deaths = run_shares(folder, given.seed, given.only, given.jobs)
    found = deaths.judgement
    answer = {
        "labels": len(deaths.reached), "missed": deaths.missed, "lost": len(found.lost),
        "duplicated": len(found.duplicated), "differences": len(found.differences),
        "orders": found.orders, "fills": found.fills, "broken": found.said(),
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(answer) if given.json else "\n".join(f"{key}: {value}" for key, value in answer.items()))
    if deaths.is_clean:
        shutil.rmtree(folder)
    else:
        again = f"scripts/chaos --labels --seed {given.seed} --jobs {given.jobs}"
        _say(f"kept for a look: {folder}; again: {again}")
    return 0 if deaths.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
