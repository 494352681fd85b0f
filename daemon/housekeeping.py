"""The tape's keeper: syncs, checkpoints and seals beside trading, and watches clock, disk and loop."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path
from time import monotonic, monotonic_ns, perf_counter

import msgspec
import structlog

from actors.core.frames import Head
from actors.core.sequencer import Sequencer
from actors.errors import TapeError, TradingError
from actors.store.layout import list_parts, tape_folder
from actors.store.maintenance import Tidied, tidy
from actors.store.rerun import encode_snapshot
from actors.store.tape_file import TapeWriter
from actors.store.writer import StoreWriter
from daemon.clock import Clock
from daemon.config import TapeSection
from daemon.health import Health
from daemon.notify import Notifier
from daemon.runtime import Runtime
from daemon.state_backup import StateBackup
from daemon.telemetry import Telemetry
from daemon.worker import Worker

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
SEAL_SECONDS = 60.0
DAY_NS = 86_400_000_000_000


class Housekeeping:
    """An edge actor between brokers and store: its close makes the record durable and complete."""

    def __init__(
        self,
        *,
        state: Path,
        sequencer: Sequencer,
        runtime: Runtime,
        tape: TapeWriter,
        head: Head,
        settings: TapeSection,
        store: StoreWriter,
        clock: Clock,
        telemetry: Telemetry,
        notifier: Notifier,
        status: Callable[[], str],
        watchdog_seconds: float | None,
        look_for_kill_file: Callable[[], None],
        state_backup: StateBackup,
    ) -> None:
        self._state, self._sequencer, self._runtime = state, sequencer, runtime
        self._tape, self._store, self._clock = tape, store, clock
        self._telemetry, self._notifier, self._status = telemetry, notifier, status
        self._watchdog_seconds = watchdog_seconds
        self._look_for_kill_file = look_for_kill_file
        self._state_backup = state_backup
        self._head, self._settings = head, settings
        self._day = clock.now() // DAY_NS
        self._health = Health(offer=runtime.offer, now_ns=clock.now)
        self._background: Worker | None = None
        self._tidying: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Once a second, until cancelled."""
        next_seal = monotonic() + SEAL_SECONDS
        self._measure_tape()
        while not self._runtime.failed.done():
            before = perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self._telemetry.loop_lag.observe(max(0.0, perf_counter() - before - TICK_SECONDS))
            self._runtime.pulse()
            self._look_for_kill_file()
            self._watch_health()
            self._tell_systemd()
            try:
                await self._sync()
                is_new_day = self._roll_part()
            except TapeError as error:
                self._runtime.fail(error)
                return
            if is_new_day:
                await self._state_backup.write()
            if self._store.wants_checkpoint(self._sequencer.seq):
                self.checkpoint()
            if monotonic() >= next_seal and (self._tidying is None or self._tidying.done()):
                next_seal = monotonic() + SEAL_SECONDS
                self._tidying = asyncio.create_task(self._tidy(), name="tidy")

    def checkpoint(self) -> int:
        """Encode the whole state between two inputs and hand it to the store; returns its seq."""
        began = perf_counter()
        self._store.offer_checkpoint(self._sequencer.seq, self._tape.chain, encode_snapshot(self._sequencer))
        self._telemetry.checkpoint.observe(perf_counter() - began)
        self._telemetry.checkpoint_ns = self._clock.now()
        return self._sequencer.seq

    async def close(self) -> None:
        """The core takes no more; all that it has done becomes durable, and its last state is kept."""
        if self._tidying is not None:
            self._tidying.cancel()
        if self._background is not None:
            self._background.shutdown(wait=False, cancel_futures=True)
        self._runtime.close()
        if not self._runtime.failed.done():
            await asyncio.to_thread(self._tape.close)
            self.checkpoint()
            await self._state_backup.write()
        self._store.notify_durable()

    async def _sync(self) -> None:
        if not self._tape.is_behind:
            return
        began = perf_counter()
        await asyncio.to_thread(self._tape.sync)
        self._telemetry.tape_sync.observe(perf_counter() - began)
        self._store.notify_durable()

    def _roll_part(self) -> bool:
        """Begin a part a day, so that a long life can be pruned and replayed in pieces; whether it did."""
        day = self._clock.now() // DAY_NS
        if day == self._day:
            return False
        self._day = day
        self._head = msgspec.structs.replace(
            self._head,
            part=self._head.part + 1,
            previous_seq=self._sequencer.seq,
            previous_chain=self._tape.chain,
            snapshot=encode_snapshot(self._sequencer),
        )
        self._tape.begin_part(self._head, self._sequencer.now)
        self._tape.flush()
        return True

    async def _tidy(self) -> None:
        """Seal and prune, in a process of its own: sealing a segment takes a second of work.

        A fault in what is finished is told and does not touch trading; the next round tries again.
        """
        if self._background is None:
            self._background = Worker()
        settings, now = self._settings, self._clock.now()
        loop = asyncio.get_running_loop()
        try:
            tidied: Tidied = await loop.run_in_executor(
                self._background, tidy, self._state, now, settings.keep_days, settings.keep_gb
            )
        except (TradingError, OSError, BrokenExecutor) as error:
            self._background = None
            log.error("tape not tidied", fault=str(error))
            return
        for fault in tidied.faults:
            log.error("tape", fault=fault)
        self._measure_tape()

    def _measure_tape(self) -> None:
        self._telemetry.tape_bytes = sum(part.size_bytes for part in list_parts(tape_folder(self._state)))

    def _watch_health(self) -> None:
        is_good = self._clock.discipline()
        offset = self._clock.offset_ns / 1e9
        self._telemetry.clock_offset_seconds = offset
        self._health.report("clock", is_good, f"the wall clock is {offset:+.3f} s off ours")
        free = self._telemetry.state_free_bytes = shutil.disk_usage(self._state).free
        is_enough = free >= self._settings.disk_free_min_gb * 1e9
        self._health.report("disk", is_enough, f"{free / 1e9:.2f} GB are free for the tape")
        self._health.watch_store(self._store.checkpoint_late_ns(), self._store.checkpoint_seconds)
        self._health.watch_brokers(self._runtime.brokers)
        self._telemetry.store_applied_seq = self._store.applied_seq

    def _tell_systemd(self) -> None:
        self._notifier.status(self._status())
        if self._watchdog_seconds is None:
            return
        age = max(monotonic_ns() - self._runtime.last_slice_ns, self._runtime.oldest_wait_ns()) / 1e9
        if age < self._watchdog_seconds:
            self._notifier.watchdog()
