"""A `tickerd panic` that dies right before each of its own effects, and is run once more.

A session cannot go on after a panic: its orders are nobody's in the books, and the kill switch stays. So each
death has a stage of its own, and is judged by the venue alone: afterwards nothing rests, and what tickerd had
is closed, once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess, run

from daemon.exchange.truth import TrueAccount, TrueOrder
from tests.architecture.test_crash_points import labels, named_sources
from tests.chaos.kills.deaths import KILLED, VICTIM, Deaths
from tests.chaos.kills.ib_stage import SYMBOLS, an_ib_stage
from tests.chaos.kills.life import Ended
from tests.chaos.kills.phases import TruthTail
from tests.chaos.kills.scenarios import is_of_panic
from tests.chaos.kills.stage import DAEMON, Stage
from tests.chaos.kills.victim import DIE_AT
from tests.conftest import REPO_ROOT
from tests.e2e.rig import ENDED, environment

PATIENCE_SECONDS = 60.0
LIVES = 5
OTHER_CLIENT = ("venues.ib.tws.client_id=18",)
"""What it leaves resting is nobody's that the panic could cancel one by one."""


@dataclass(frozen=True)
class Death:
    """One panic that dies."""

    name: str
    settings: tuple[str, ...] = ()
    """Of the life before it."""


SPECIAL: Mapping[str, tuple[str, ...]] = {"tws.send cancel of everything:1": OTHER_CLIENT}
MORE = ("tws.send order in panic:2",)


def panic_labels() -> list[str]:
    """Effects that only a panic comes to."""
    return [label for source in named_sources() if is_of_panic(source.path) for label in labels(source)]


def panic_deaths(only: str = "") -> list[Death]:
    """One for each label at least."""
    names = [*(f"{label}:1" for label in panic_labels()), *MORE]
    return [Death(name, SPECIAL.get(name, ())) for name in names if only in name]


def die_in_panic(folder: Path, seed: int, death: Death, say: Callable[[str], None]) -> Deaths:
    """A panic that dies there, another that does not, and what the venue shows then.

    Raises:
        Ended: There never was anything to panic about.
    """
    deaths = Deaths()
    with an_ib_stage(folder, seed) as stage:
        truth = TruthTail(stage.exchange.truth_file)
        _leave_behind(stage, truth, death)
        is_reached = _panic(stage, VICTIM, **{DIE_AT: death.name}).returncode == KILLED
        (deaths.reached if is_reached else deaths.missed).append(death.name)
        say(f"{'died before' if is_reached else 'NEVER REACHED'} {death.name}")
        last = _panic(stage, DAEMON)
        truth.read_on()
        account = truth.sum.account(stage.account)
    differences = deaths.judgement.differences
    differences += [f"{symbol}: {net:+} left after a panic" for symbol, net in _held(account).items() if net]
    differences += [f"{each.client_order_id} rests after a panic" for each in _resting(account)]
    if last.returncode:
        differences.append(f"the second panic ended with {last.returncode}: {last.stdout}{last.stderr}")
    for text in deaths.judgement.said():
        say(text)
    return deaths


def _panic(stage: Stage, program: tuple[str, ...], **more: str) -> CompletedProcess[str]:
    command = [sys.executable, *program, "panic", "--config", str(stage.config), "--state", str(stage.state)]
    return run(
        [*command, "--yes", "--json"], cwd=REPO_ROOT, env=environment(**more), capture_output=True,
        text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip


def _leave_behind(stage: Stage, truth: TruthTail, death: Death) -> None:
    """Lives are killed until shares of both kinds are held and something rests."""

    def is_ready() -> bool:
        truth.read_on()
        account = truth.sum.account(stage.account)
        return bool(_resting(account)) and sum(map(bool, _held(account).values())) == len(SYMBOLS)

    for number in range(LIVES):
        life = stage.life(number, *death.settings)
        try:
            life.wait_active()
            life.wait_until(is_ready, PATIENCE_SECONDS, f"something to panic about before {death.name}")
        finally:
            life.kill()
        if is_ready():  # what was under way may have come to something else
            return
    raise Ended(f"{LIVES} lives left nothing to panic about before {death.name}")


def _held(account: TrueAccount) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for trade in account.trades:
        signed = trade.quantity if trade.side.lower() == "buy" else -trade.quantity
        held[trade.symbol] = held.get(trade.symbol, Decimal(0)) + signed
    return held


def _resting(account: TrueAccount) -> list[TrueOrder]:
    return [order for order in account.orders.values() if order.status not in ENDED]
