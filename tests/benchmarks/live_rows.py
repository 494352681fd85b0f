"""The live loop in this process: from a tick offered to it until the command reaches the broker.

Everything between is real: uvloop, the waiting inputs, the whole graph with risk, the tape on
disk. What it leaves out is the sockets on either side; group `daemon` has those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import msgspec
import uvloop

from actors.messages.account import AccountEvidence, BalancesEvidence, FillsEvidence, OrdersEvidence
from actors.messages.control import BrokerStarted
from actors.messages.market import FeedStatus, Quote
from actors.messages.orders import AcceptReport, CancelReport, QueryAccount, SubmitOrder
from actors.model.money import ZERO
from actors.model.venue_rules import VenueRules
from actors.risk.limits import RiskLimits
from actors.store.recovery import load
from actors.venues.binance.rules import BINANCE_RULES
from actors.venues.ports import BrokerCommand
from daemon.clock import Clock
from daemon.config import Config, DaemonSection
from daemon.graph import BarSources
from daemon.research.definitions import configured_instruments
from daemon.runtime import Runtime
from daemon.start_times import StartTimes
from daemon.startup import load_classes, open_core
from daemon.telemetry import Telemetry
from daemon.telemetry_steps import StepTelemetry
from tests.benchmarks.engine import a_config
from tests.benchmarks.harness import INSTRUMENT, Effort, Row, percentiles, quotes
from tests.benchmarks.strategies import MARK_SIZE, OnMark

ACCOUNT = "test"
GAP_SECONDS = 0.010


class TimedBroker:
    """Notes when a submit has come; then the venue takes the order and ends it at once."""

    account = ACCOUNT
    rules: VenueRules = BINANCE_RULES

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime, self._clock = runtime, clock
        self._loop = asyncio.get_running_loop()
        self.taken_at: list[float] = []
        self.is_active = asyncio.Event()
        self.is_answered = asyncio.Event()

    def submit(self, command: BrokerCommand) -> None:
        if isinstance(command, SubmitOrder):
            self.taken_at.append(perf_counter())
            self._loop.call_later(GAP_SECONDS / 4, self._answer, command)
        elif isinstance(command, QueryAccount):
            self._loop.call_soon(self._state, command)

    def _answer(self, command: SubmitOrder) -> None:
        number = str(len(self.taken_at))
        about: dict[str, Any] = {
            "ts_event": self._clock.now(),
            "account": ACCOUNT,
            "instrument": command.instrument,
            "client_order_id": command.client_order_id,
            "venue_order_id": number,
        }
        self._runtime.offer(AcceptReport(**about))
        self._runtime.offer(CancelReport(**about, filled_quantity=ZERO))

    def _state(self, query: QueryAccount) -> None:
        asked = query.asked_seq
        self._runtime.offer(
            AccountEvidence(
                ts_event=self._clock.now(),
                account=ACCOUNT,
                orders=OrdersEvidence(asked_seq=asked, orders=()),
                fills=FillsEvidence(asked_seq=asked, fills=(), read_to=query.fills_after),
                balances=BalancesEvidence(asked_seq=asked, total={"USDT": Decimal(100_000_000)}),
                venue_time_ms=self._clock.now() // 1_000_000,
            )
        )
        self.is_active.set()

    async def account_id(self) -> str:
        return ACCOUNT

    def backlog(self) -> int:
        return 0

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is open."""


def _config(durability: str, busy_poll: bool) -> Config:
    plain = a_config(OnMark, bars=False)
    account = msgspec.structs.replace(
        plain.accounts[ACCOUNT],
        mode="testnet",
        durability=durability,
        limits=RiskLimits(
            order_notional_max=Decimal(1_000_000),
            gross_exposure_max=Decimal(10_000_000),
            position_max=Decimal(1000),
            order_rate_max=1_000,
        ),
    )
    return msgspec.structs.replace(
        plain, accounts={ACCOUNT: account}, daemon=DaemonSection(busy_poll=busy_poll)
    )


async def _latencies(config: Config, state: Path, count: int) -> list[float]:
    clock = Clock()
    recovered = load(state)
    with recovered.lock:
        opened = open_core(
            recovered,
            config,
            instruments=configured_instruments(config),
            classes=load_classes(config),
            sources=BarSources(),
            now=clock.now(),
            on_failure=None,
            times=StartTimes(),
        )
        telemetry = Telemetry(now_ns=clock.now, version="benchmark")
        runtime = Runtime(
            sequencer=opened.core.sequencer,
            clock=clock,
            tape=opened.tape,
            observers=[StepTelemetry(telemetry).on_step],
            telemetry=telemetry,
            power_loss_accounts=frozenset(
                {ACCOUNT} if config.accounts[ACCOUNT].durability == "power-loss" else ()
            ),
            run_off_loop=lambda request: None,
            busy_poll=config.daemon.busy_poll,
        )
        broker = runtime.brokers[ACCOUNT] = TimedBroker(runtime, clock)
        runtime.begin(opened.first_inputs)
        runtime.offer(FeedStatus(ts_event=clock.now(), instrument=INSTRUMENT, status="live", reason=""))
        runtime.offer(BrokerStarted(ts_event=clock.now(), account=ACCOUNT))
        await broker.is_active.wait()
        offered = await _tick(runtime, clock, quotes(count))
        await asyncio.sleep(10 * GAP_SECONDS)
        assert not runtime.failed.done()
        assert len(broker.taken_at) == count, f"{len(broker.taken_at)} orders of {count} ticks"
        runtime.close()
        opened.tape.close()
    return [taken - at for at, taken in zip(offered, broker.taken_at, strict=True)]


async def _tick(runtime: Runtime, clock: Clock, data: list[Quote]) -> list[float]:
    offered = []
    for quote in data:
        await asyncio.sleep(GAP_SECONDS)
        tick = msgspec.structs.replace(quote, ts_event=clock.now(), bid_size=MARK_SIZE)
        offered.append(perf_counter())
        runtime.offer(tick)
    return offered


def rows(effort: Effort) -> Iterator[Row]:
    """Tick → command, as the loop sleeps between the ticks and as it stays awake."""
    count = effort.of(2_000, least=300)
    budgets: dict[str, list[float | None]] = {
        "process-crash": [40.0, 150.0, None],
        "power-loss": [250.0, 1000.0, None],
    }
    for durability, budget in budgets.items():
        for busy_poll in (False, True):
            config = _config(durability, busy_poll)
            with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                seconds = runner.run(_latencies(config, Path(folder), count))
            note = f"gap {GAP_SECONDS * 1e3:g} ms, uvloop{', busy polling' if busy_poll else ''}"
            yield from percentiles(f"tick → command, {durability}", seconds[10:], budget, note)
