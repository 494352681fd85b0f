"""A session of kills on one store and one exchange, from its first start to the judge."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.chaos.kills.availability import NOTICE_NS, Disturbance, availability
from tests.chaos.kills.judge import judge
from tests.chaos.kills.life import Ended, Life
from tests.chaos.kills.outcome import Outcome
from tests.chaos.kills.phases import TruthTail, parts_of, phase_of
from tests.chaos.kills.plan import Round, plan
from tests.chaos.kills.stage import ACCOUNT, HARD, QUICK_SECONDS, Market, Stage, a_stage, settle

START_MS = 1_000.0
"""What a start takes, until one was measured."""
ACTIVE_SECONDS = 30.0
"""So long after its last fault the account may be away before the session is given up."""
Say = Callable[[str], None]


def run_session(
    folder: Path,
    first_seed: int,
    kills: int,
    *,
    say: Say,
    faults_from: int | None = None,
    market: Market = HARD,
) -> Outcome:
    """Kill so many lives, let one settle, and judge.

    A daemon that ends by itself or cannot trade again ends the session, and is a difference.

    Args:
        faults_from: Number of the first round with the exchange's faults and cut lines; None: no round.
    """
    outcome = Outcome(seeds=[(first_seed, kills)])
    with a_stage(folder, first_seed, market) as stage:
        try:
            _run(stage, outcome, first_seed, kills, faults_from, say)
        except (Ended, TimeoutError) as error:
            outcome.differences.append(f"session of seed {first_seed}: {error}")
            say(outcome.differences[-1])
    return outcome


def _run(
    stage: Stage, outcome: Outcome, first_seed: int, kills: int, faults_from: int | None, say: Say
) -> None:
    truth, began = TruthTail(stage.exchange.truth_file), 0
    for number in range(kills):
        drawn = plan(first_seed + number, with_faults=faults_from is not None and number >= faults_from)
        _run_round(stage, truth, number, drawn, outcome, say)
        began = began or time.time_ns()  # the first start of a store is no return from a fault
    outcome.faults.update(stage.clear_faults())
    outcome.cuts = stage.line.cuts
    stopped = settle(stage, kills)
    found = judge(stage.state, truth, ACCOUNT)
    outcome.add(found)
    outcome.availability = availability(stage.state, ACCOUNT, stage.disturbances, began, stopped)
    outcome.differences += [f"a halt without need: {halt}" for halt in outcome.availability.halts]
    for text in found.said():
        say(text)


def _run_round(stage: Stage, truth: TruthTail, number: int, drawn: Round, outcome: Outcome, say: Say) -> None:
    stage.line.latency_seconds = drawn.latency_seconds if drawn.is_at_start else QUICK_SECONDS
    stage.clear_faults()
    before = parts_of(stage.state)
    for fault in drawn.faults if drawn.is_at_start else ():
        stage.exchange.fault(**fault)
    posted = time.time_ns()
    interval = f"store.checkpoint_seconds={drawn.checkpoint_seconds}"
    life = stage.life(number, *([interval] if stage.market.is_set_anew else []))
    try:
        _live(stage, life, drawn, truth, outcome)
    finally:
        stage.kill(life)
    if drawn.is_at_start and drawn.faults:
        stage.disturbances.append(Disturbance(drawn.told, posted, time.time_ns()))
    truth.read_on()
    phase = phase_of(stage.state, truth.sum.account(ACCOUNT), was_active=life.is_active, parts_before=before)
    outcome.kills += 1
    outcome.by_phase[phase] += 1
    if life.is_active and number:
        outcome.start_ms.append(life.steps["active"])
    notes = "; ".join(life.notes)
    say(
        f"seed {drawn.seed}: killed: {phase}"
        + (f" [{drawn.told}]" if drawn.faults else "")
        + (f" {notes}" if notes else "")
    )


def _live(stage: Stage, life: Life, drawn: Round, truth: TruthTail, outcome: Outcome) -> None:
    """Until the moment of the kill."""
    if drawn.is_at_start:
        usual_ms = median(outcome.start_ms) if outcome.start_ms else START_MS
        life.wait_age(drawn.seconds * usual_ms / 1e3)
        _still_runs(life, drawn)
        return
    life.wait_active()
    stage.line.latency_seconds = drawn.latency_seconds
    began, truth_before = time.monotonic(), _accepted(truth)
    _disturb(stage, life, drawn, began)
    _still_runs(life, drawn)
    outcome.trading_seconds += time.monotonic() - began
    outcome.traded_orders += _accepted(truth) - truth_before


def _disturb(stage: Stage, life: Life, drawn: Round, began: float) -> None:
    """Trade, amid faults in some rounds; in some of these until after they are gone."""
    posted = time.time_ns()
    for fault in drawn.faults:
        stage.exchange.fault(**fault)
    if drawn.cut_after is not None:
        time.sleep(drawn.cut_after)
        stage.cut()
    time.sleep(max(0.0, began + drawn.seconds - time.monotonic()))
    if drawn.calm_seconds is not None:
        stage.clear_faults()
    if drawn.faults:
        stage.disturbances.append(Disturbance(drawn.told, posted, time.time_ns(), NOTICE_NS))
    if drawn.calm_seconds is not None:
        life.wait_trading(ACTIVE_SECONDS)
        time.sleep(drawn.calm_seconds)


def _still_runs(life: Life, drawn: Round) -> None:
    if life.has_ended:
        raise Ended(f"seed {drawn.seed}: exit code {life.process.returncode}: {life.tail()}")


def _accepted(truth: TruthTail) -> int:
    truth.read_on()
    return len(truth.sum.account(ACCOUNT).orders)
