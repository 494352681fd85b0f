"""One long life of the real core, tape and store on real files, as fast as they go, in simulated time."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

import msgspec

from actors.messages.base import Message
from actors.store.database import database_path
from actors.store.layout import list_parts, tape_folder
from actors.store.maintenance import Tidied, tidy
from actors.store.recovery import load
from actors.store.rerun import encode_snapshot
from actors.store.writer import StoreWriter
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, DaemonSection, StrategySection, TapeSection
from daemon.graph import BarSources
from daemon.start_times import StartTimes
from daemon.startup import load_classes, open_core
from daemon.telemetry import Telemetry
from daemon.telemetry_steps import StepTelemetry
from tests.chaos.soak.market import BEGIN_NS, INSTRUMENTS, SECOND_NS, inputs

ACCOUNT = "paper"
KEEP_GB = 0.02
DAY_NS = 86_400 * SECOND_NS
BLOCK = 20_000
"""Inputs between two looks at the store, which works beside the core and must not fall behind for ever."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STORE_SECONDS = 60.0


class Sample(msgspec.Struct, frozen=True):
    """What the process holds after so many inputs."""

    inputs: int
    orders: int
    resident_bytes: int
    descriptors: int
    tasks: int
    state_bytes: int
    """The whole core, as a checkpoint keeps it."""
    tape_bytes: int
    parts: int
    database_bytes: int


def a_config(state: Path) -> Config:
    """A paper account with money for long, a strategy for each instrument, and a tape that is pruned."""
    opening = {"USDT": Decimal(200_000), "BTC": Decimal(1_000), "ETH": Decimal(1_000)}
    fee = Decimal("0.0001")  # so that the money lasts
    return Config(
        daemon=DaemonSection(state=str(state)),
        tape=TapeSection(segment_mb=4, keep_gb=KEEP_GB),
        accounts={
            ACCOUNT: AccountSection(
                venue="binance",
                mode="paper",
                base_currency="USDT",
                snapshot_seconds=600.0,
                simulated=SimulatedVenueSettings(opening_balances=opening, maker_fee=fee, taker_fee=fee),
            )
        },
        strategies={
            f"patient-{instrument.base.lower()}": StrategySection(
                use="tests.chaos.soak.trader:PatientTrader",
                account=ACCOUNT,
                instruments=(instrument.id,),
                bars=("1m",),
            )
            for instrument in INSTRUMENTS
        },
    )


class Life:
    """Everything between the edges."""

    def __init__(self, state: Path, *, checkpoint_inputs: int) -> None:
        config = a_config(state)
        self.faults: list[str] = []
        """Of the strategy, and of the tape's upkeep."""
        self._state, self._now = state, BEGIN_NS
        self._recovered = load(state)
        self._opened = open_core(
            self._recovered,
            config,
            instruments={instrument.id: instrument for instrument in INSTRUMENTS},
            classes=load_classes(config),
            sources=BarSources(trades=frozenset(instrument.id for instrument in INSTRUMENTS)),
            now=BEGIN_NS,
            on_failure=lambda failed, text: self.faults.append(text),
            times=StartTimes(),
        )
        self._head, self._day = self._opened.head, BEGIN_NS // DAY_NS
        self._store = StoreWriter(
            state,
            durable_seq=lambda: self._opened.tape.durable_seq,
            now_ns=lambda: self._now,
            checkpoint_inputs=checkpoint_inputs,
            checkpoint_seconds=1e9,
        )
        self.telemetry = Telemetry(now_ns=lambda: self._now, version="soak", session="soak")
        self._observers = (StepTelemetry(self.telemetry).on_step, self._store.offer)
        self._last_told = 0
        self._tidying: asyncio.Future[Tidied] | None = None

    async def run(self, count: int, *, seed: int, samples: int) -> AsyncIterator[Sample]:
        """Feed so many inputs; so many times on the way, look at what is held."""
        with (
            self._recovered.lock,
            ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as keeper,
        ):
            storing = asyncio.create_task(self._store.run(), name="store")
            for message in self._opened.first_inputs:
                self._step(message)
            every = count // samples
            for number, message in enumerate(inputs(count, seed), start=1):
                self._now = message.ts_event
                self._step(message)
                if number % BLOCK == 0:
                    await self._catch_up(keeper)
                if number % every == 0:
                    await self._catch_up(keeper)
                    yield self._sample(number)
            await self._tidied()
            self._opened.tape.close()
            self._store.close()
            await storing

    def _step(self, message: Message) -> None:
        sequencer, tape = self._opened.core.sequencer, self._opened.tape
        sequencer.run(message, self._now)
        sent = sequencer.sent
        tape.append(sequencer.seq, sequencer.now, message, sent)
        if not sent:
            return
        sequencer.sent = []
        tape.flush()
        for observer in self._observers:
            observer(sequencer.seq, sequencer.now, message, sent)
        self._last_told = sequencer.seq

    async def _catch_up(self, keeper: ProcessPoolExecutor) -> None:
        """Do what the daemon does every second, and wait until the store has what it was told."""
        tape, store, sequencer = self._opened.tape, self._store, self._opened.core.sequencer
        if (day := self._now // DAY_NS) != self._day:
            self._day = day
            await self._new_part(keeper)
        tape.flush()
        await asyncio.to_thread(tape.sync)
        if store.wants_checkpoint(sequencer.seq):
            store.offer_checkpoint(sequencer.seq, tape.chain, encode_snapshot(sequencer))
        store.notify_durable()
        async with asyncio.timeout(STORE_SECONDS):
            while store.applied_seq < self._last_told:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _new_part(self, keeper: ProcessPoolExecutor) -> None:
        tape, sequencer = self._opened.tape, self._opened.core.sequencer
        self._head = msgspec.structs.replace(
            self._head,
            part=self._head.part + 1,
            previous_seq=sequencer.seq,
            previous_chain=tape.chain,
            snapshot=encode_snapshot(sequencer),
        )
        tape.begin_part(self._head, sequencer.now)
        tape.flush()  # upkeep reads the heads of all parts
        await self._tidied()
        self._tidying = asyncio.get_running_loop().run_in_executor(
            keeper, tidy, self._state, self._now, None, KEEP_GB
        )

    async def _tidied(self) -> None:
        if self._tidying is not None:
            self.faults += (await self._tidying).faults
            self._tidying = None

    def _sample(self, number: int) -> Sample:
        gc.collect()
        parts = list_parts(tape_folder(self._state))
        path = database_path(self._state)
        return Sample(
            inputs=number,
            orders=sum(self.telemetry.orders_sent.values()),
            resident_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES,
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            tasks=len(asyncio.all_tasks()),
            state_bytes=len(encode_snapshot(self._opened.core.sequencer)),
            tape_bytes=sum(part.size_bytes for part in parts),
            parts=len(parts),
            database_bytes=sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*")),
        )
