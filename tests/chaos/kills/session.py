"""A session of kills on one store and one exchange, from its first start to the judge."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.chaos.kills.judge import Judgement, judge
from tests.chaos.kills.life import Ended, Life
from tests.chaos.kills.line import SlowLine
from tests.chaos.kills.phases import IN_FLIGHT, TruthTail, parts_of, phase_of
from tests.chaos.kills.plan import Round, plan
from tests.e2e.rig import Exchange, an_exchange

ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "LTC", "LINK")
SYMBOLS = tuple(f"{asset}USDT" for asset in ASSETS)
ACCOUNT = "hard"
SECRETS = {"HARD_KEY": "hard-key", "HARD_SECRET": "hard-secret"}
QUOTES_A_SECOND = 160
TRADER = Path(__file__).parents[2] / "e2e" / "faults" / "hard_trader.py"
SETTLE_SECONDS = 200.0
"""Proving that the exchange never got an order takes two answers half a minute apart."""
DAEMON = ("-m", "daemon")
START_MS = 1_000.0
"""What a start takes, until one was measured."""
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What rounds have shown."""

    kills: int = 0
    orders: int = 0
    fills: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    by_phase: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    start_ms: list[float] = field(default_factory=list)
    """From a process's first instruction to the first order it may send, after a kill."""
    trading_seconds: float = 0.0
    traded_orders: int = 0
    """Orders accepted while these passed."""

    def add(self, found: Judgement) -> None:
        """Take the judge's word."""
        self.orders += found.orders
        self.fills += found.fills
        self.lost += found.lost
        self.duplicated += found.duplicated
        self.differences += found.differences

    def merge(self, other: Outcome) -> None:
        """Add another session's rounds."""
        self.kills += other.kills
        self.orders += other.orders
        self.fills += other.fills
        self.cuts += other.cuts
        self.trading_seconds += other.trading_seconds
        self.traded_orders += other.traded_orders
        self.lost += other.lost
        self.duplicated += other.duplicated
        self.differences += other.differences
        self.start_ms += other.start_ms
        self.by_phase += other.by_phase
        self.faults += other.faults

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.differences)

    @property
    def in_flight(self) -> float:
        """Share of kills with a command under way."""
        return sum(self.by_phase[phase] for phase in IN_FLIGHT) / max(1, self.kills)

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        starts = sorted(self.start_ms)
        return {
            "kills": self.kills,
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
            "differences": len(self.differences),
            "orders": self.orders,
            "fills": self.fills,
            "by_phase": dict(self.by_phase.most_common()),
            "in_flight": round(self.in_flight, 3),
            "orders_per_second": round(self.traded_orders / max(1e-9, self.trading_seconds), 1),
            "start_ms": {"p50": median(starts), "max": starts[-1]} if starts else {},
            "cuts": self.cuts,
            "faults": dict(self.faults),
        }


@dataclass
class Stage:
    """Exchange, line and configuration of a session."""

    exchange: Exchange
    line: SlowLine
    config: Path
    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def life(self, number: int, *settings: str, program: tuple[str, ...] = DAEMON, **more: str) -> Life:
        """Start the daemon once more."""
        log = self.folder / f"life-{number:04d}.log"
        return Life(program, self.config, self.state, log, *settings, **SECRETS, **more)

    def clear_faults(self) -> dict[str, int]:
        """Take back what has not happened; how often each kind has happened so far."""
        url = f"http://127.0.0.1:{self.exchange.admin_port}"
        request = urllib.request.Request(f"{url}/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass
        with urllib.request.urlopen(f"{url}/faults", timeout=10) as answer:
            happened: dict[str, int] = json.load(answer)["happened"]
        return happened


@contextmanager
def a_stage(folder: Path, seed: int) -> Iterator[Stage]:
    """Exchange up, line up, configuration written."""
    folder.mkdir(parents=True, exist_ok=True)
    held = ",".join(["USDT=1000000", *(f"{asset}=1000" for asset in ASSETS)])
    market = [
        "--synthetic",
        "--seed",
        str(seed),
        "--rate",
        str(QUOTES_A_SECOND),
        "--symbols",
        ",".join(SYMBOLS),
    ]
    market += ["--account", f"{ACCOUNT}:{SECRETS['HARD_KEY']}:{SECRETS['HARD_SECRET']}:{held}"]
    with an_exchange(folder, *market) as exchange:
        line = SlowLine(exchange.port)
        try:
            yield Stage(exchange, line, _write_config(folder, line.port), folder)
        finally:
            line.close()


def _write_config(folder: Path, port: int) -> Path:
    instruments = ", ".join(f'"{symbol}@binance"' for symbol in SYMBOLS)
    path = folder / "tickerd.toml"
    path.write_text(
        f"""
[venues.binance]
rest_url = "http://127.0.0.1:{port}"
stream_url = "ws://127.0.0.1:{port}"
trading_url = "ws://127.0.0.1:{port}/ws-api/v3"
silence_seconds = 2.0

[accounts.{ACCOUNT}]
venue = "binance"
mode = "testnet"
base_currency = "USDT"
api_key = "HARD_KEY"
api_secret = "HARD_SECRET"
answer_seconds = 1.0
limits = {{ order_rate_max = "none", gross_exposure_max = 1_000_000_000 }}

[strategies.hard]
use = "{TRADER}:HardTrader"
account = "{ACCOUNT}"
instruments = [{instruments}]

[tape]
segment_mb = 1
"""
    )
    return path


def run_session(
    folder: Path, first_seed: int, kills: int, *, say: Say, faults_from: int | None = None
) -> Outcome:
    """Kill so many lives, let one settle, and judge.

    Args:
        faults_from: Number of the first round with the exchange's faults and cut lines; None: no round.

    Raises:
        Ended, TimeoutError: A daemon ended by itself, or could not trade again.
    """
    outcome = Outcome()
    with a_stage(folder, first_seed) as stage:
        truth = TruthTail(stage.exchange.truth_file)
        for number in range(kills):
            drawn = plan(first_seed + number, with_faults=faults_from is not None and number >= faults_from)
            _run_round(stage, truth, number, drawn, outcome, say)
        outcome.faults.update(stage.clear_faults())
        outcome.cuts = stage.line.cuts
        settle(stage, kills)
        found = judge(stage.state, truth, ACCOUNT)
    outcome.add(found)
    for text in found.said():
        say(text)
    return outcome


def _run_round(stage: Stage, truth: TruthTail, number: int, drawn: Round, outcome: Outcome, say: Say) -> None:
    stage.line.latency_seconds = drawn.latency_seconds
    stage.clear_faults()
    before = parts_of(stage.state)
    for fault in drawn.faults if drawn.is_at_start else ():
        stage.exchange.fault(**fault)
    life = stage.life(number, f"store.checkpoint_seconds={drawn.checkpoint_seconds}")
    try:
        _live(stage, life, drawn, truth, outcome)
    finally:
        life.kill()
    truth.read_on()
    phase = phase_of(stage.state, truth.sum.account(ACCOUNT), was_active=life.is_active, parts_before=before)
    outcome.kills += 1
    outcome.by_phase[phase] += 1
    if life.is_active and number:
        outcome.start_ms.append(life.steps["active"])
    faults = ", ".join(each["kind"] for each in drawn.faults)
    notes = "; ".join(life.notes)
    say(
        f"seed {drawn.seed}: killed: {phase}"
        + (f" [{faults}]" if faults else "")
        + (f" {notes}" if notes else "")
    )


def _live(stage: Stage, life: Life, drawn: Round, truth: TruthTail, outcome: Outcome) -> None:
    """Until the moment of the kill."""
    if drawn.is_at_start:
        usual_ms = median(outcome.start_ms) if outcome.start_ms else START_MS
        life.wait_age(drawn.seconds * usual_ms / 1e3)
        if life.process.poll() is not None:
            raise Ended(f"seed {drawn.seed}: exit code {life.process.returncode}: {life.tail()}")
        return
    life.wait_active()
    began, truth_before = time.monotonic(), _accepted(truth)
    for fault in drawn.faults:
        stage.exchange.fault(**fault)
    if drawn.cut_after is not None:
        time.sleep(drawn.cut_after)
        stage.line.cut()
    time.sleep(max(0.0, began + drawn.seconds - time.monotonic()))
    if life.process.poll() is not None:
        raise Ended(f"seed {drawn.seed}: exit code {life.process.returncode}: {life.tail()}")
    outcome.trading_seconds += time.monotonic() - began
    outcome.traded_orders += _accepted(truth) - truth_before


def _accepted(truth: TruthTail) -> int:
    truth.read_on()
    return len(truth.sum.account(ACCOUNT).orders)


def settle(stage: Stage, number: int) -> None:
    """A last life that nobody disturbs: it settles what is open and stops cleanly."""
    stage.line.latency_seconds = 0.001
    life = stage.life(number)
    try:
        life.wait_active()
        life.wait_settled(SETTLE_SECONDS)
        code = life.stop()
    finally:
        life.kill()
    if code:
        raise Ended(f"the last life stopped with exit code {code}: {life.tail()}")
