"""The tape's keeper: syncs, checkpoints and seals beside trading, and watches clock, disk and loop."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, monotonic_ns, perf_counter

import msgspec
import structlog

from actors.core.sequencer import Sequencer
from actors.store.layout import list_parts, seal, tape_folder
from actors.store.tape_file import TapeWriter
from actors.store.writer import StoreWriter
from daemon.clock import Clock
from daemon.notify import Notifier
from daemon.runtime import Runtime
from daemon.telemetry import Telemetry

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
SEAL_SECONDS = 60.0
_ENCODER = msgspec.msgpack.Encoder()


class Housekeeping:
    """An edge actor between brokers and store: its close makes the record durable and complete."""

    def __init__(
        self,
        *,
        state: Path,
        sequencer: Sequencer,
        runtime: Runtime,
        tape: TapeWriter,
        store: StoreWriter,
        clock: Clock,
        telemetry: Telemetry,
        notifier: Notifier,
        status: Callable[[], str],
        watchdog_seconds: float | None,
    ) -> None:
        self._state, self._sequencer, self._runtime = state, sequencer, runtime
        self._tape, self._store, self._clock = tape, store, clock
        self._telemetry, self._notifier, self._status = telemetry, notifier, status
        self._watchdog_seconds = watchdog_seconds
        self._is_clock_good = True
        self._background: ProcessPoolExecutor | None = None

    async def run(self) -> None:
        """Once a second, until cancelled."""
        next_seal = monotonic() + SEAL_SECONDS
        while True:
            before = perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self._telemetry.loop_lag.observe(max(0.0, perf_counter() - before - TICK_SECONDS))
            self._runtime.pulse()
            self._watch_clock()
            self._tell_systemd()
            await self._sync()
            if self._store.wants_checkpoint(self._sequencer.seq):
                self.checkpoint()
            if monotonic() >= next_seal:
                next_seal = monotonic() + SEAL_SECONDS
                await self._seal()

    def checkpoint(self) -> int:
        """Encode the whole state between two inputs and hand it to the store; returns its seq."""
        began = perf_counter()
        self._store.offer_checkpoint(
            self._sequencer.seq, self._tape.chain, _ENCODER.encode(self._sequencer.snapshot())
        )
        self._telemetry.checkpoint.observe(perf_counter() - began)
        self._telemetry.checkpoint_ns = self._clock.now()
        return self._sequencer.seq

    async def close(self) -> None:
        """Everything the core has done becomes durable, and the newest state is kept."""
        if self._background is not None:
            self._background.shutdown(wait=False, cancel_futures=True)
        self._tape.flush()
        await asyncio.to_thread(self._tape.sync)
        self.checkpoint()
        self._store.notify_durable()

    async def _sync(self) -> None:
        if not self._tape.is_behind:
            return
        began = perf_counter()
        await asyncio.to_thread(self._tape.sync)
        self._telemetry.tape_sync.observe(perf_counter() - began)
        self._store.notify_durable()

    async def _seal(self) -> None:
        """Compress finished segments, in a process of its own: it takes a second of work each."""
        parts = list_parts(tape_folder(self._state))
        finished = [segment.path for part in parts for segment in part.segments if not segment.is_sealed][:-1]
        for path in finished:
            if self._background is None:
                self._background = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
            await asyncio.get_running_loop().run_in_executor(self._background, seal, path)

    def _watch_clock(self) -> None:
        is_good = self._clock.discipline()
        self._telemetry.clock_offset_seconds = self._clock.offset_ns / 1e9
        if is_good != self._is_clock_good:
            self._is_clock_good = is_good
            log.log(
                20 if is_good else 40,
                "wall clock agrees again" if is_good else "wall clock is more than a second off ours",
                offset_seconds=round(self._clock.offset_ns / 1e9, 3),
            )
        self._telemetry.state_free_bytes = shutil.disk_usage(self._state).free
        self._telemetry.store_applied_seq = self._store.applied_seq

    def _tell_systemd(self) -> None:
        self._notifier.status(self._status())
        if self._watchdog_seconds is None:
            return
        age = max(monotonic_ns() - self._runtime.last_slice_ns, self._runtime.oldest_wait_ns()) / 1e9
        if age < self._watchdog_seconds:
            self._notifier.watchdog()
