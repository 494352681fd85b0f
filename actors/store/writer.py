"""Store: checkpoints and projections in SQLite, trailing the tape and never ahead of what is durable there.

Reads   steps that changed something   from the sequencer's loop, by `offer`, once they are written
        CoreSnapshot                   encoded, by `offer_checkpoint`, when `wants_checkpoint` says so
Writes  rows and checkpoints           to state/tickerd.db, each batch in one transaction with its applied seq
State   none that matters: whatever it has missed is read back from the tape
Fails   retries for ever, `fault` set and `on_fault` told; what follows is decided by `checkpoint_age_ns`
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from actors.core.effects import effect
from actors.errors import StoreError, TradingError
from actors.messages.base import Message
from actors.store import database
from actors.store.database import Checkpoint, DamagedDatabase, checkpoint_values, database_path, open_database
from actors.store.layout import tape_folder
from actors.store.projections import INPUT_KINDS, STATEMENTS, Projector, Row, exact_minus
from actors.store.tape_reader import TapeReader

INBOX_MAX = 20_000
BATCH = 500
CHECKPOINTS_KEPT = 3


class _Step(NamedTuple):
    seq: int
    ts_init: int
    message: Message
    sent: tuple[Message, ...]


class StoreWriter:
    """One connection that writes; all of it happens outside the loop's thread."""

    name = "store"

    def __init__(
        self,
        state: Path,
        *,
        durable_seq: Callable[[], int],
        now_ns: Callable[[], int],
        checkpoint_inputs: int = 200_000,
        checkpoint_seconds: float = 60.0,
        retry_seconds: float = 1.0,
        idle_seconds: float = 0.25,
        on_fault: Callable[[StoreError | None], None] = lambda fault: None,
    ) -> None:
        self._path, self._tape = database_path(state), tape_folder(state)
        self._durable_seq, self._now_ns = durable_seq, now_ns
        self._checkpoint_inputs = checkpoint_inputs
        self._checkpoint_ns = int(checkpoint_seconds * 1e9)
        self.checkpoint_seconds = checkpoint_seconds
        self._retry_seconds, self._idle_seconds = retry_seconds, idle_seconds
        self._on_fault = on_fault
        self._inbox: deque[_Step] = deque()
        self._missed_seq = 0
        self._checkpoint: Checkpoint | None = None
        self._wake = asyncio.Event()
        self._is_closing = False
        self._inode = 0
        self._projector = Projector()
        self.fault: StoreError | None = None
        """What is wrong at the moment."""
        self.applied_seq = 0
        self.checkpoint_seq = 0
        self.checkpoint_ns = now_ns()
        """When the newest checkpoint was offered."""
        self._offered = (0, self.checkpoint_ns)

    # from the loop

    def offer(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Take a step that is written. When the inbox is full the step is read back from the tape later."""
        if not sent and message.__class__ not in INPUT_KINDS:
            return
        if len(self._inbox) >= INBOX_MAX or self._missed_seq:
            self._missed_seq = seq
            self._inbox.clear()
            return
        self._inbox.append(_Step(seq, ts_init, message, tuple(sent)))

    def wants_checkpoint(self, seq: int) -> bool:
        """Whether a checkpoint is due."""
        last_seq, last_ns = self._offered
        if seq == last_seq or self._checkpoint is not None:
            return False
        return seq - last_seq >= self._checkpoint_inputs or self._now_ns() - last_ns >= self._checkpoint_ns

    def offer_checkpoint(self, seq: int, chain: bytes, snapshot: bytes) -> None:
        """Take the encoded state after input `seq`; it is stored once the tape is durable so far."""
        self._checkpoint = Checkpoint(seq, chain, snapshot)
        self._offered = (seq, self._now_ns())
        self._wake.set()

    def begin_at(self, seq: int) -> None:
        """Count inputs to the next checkpoint from here: the state that a start has found."""
        self._offered = (seq, self._now_ns())

    def notify_durable(self) -> None:
        """The tape has been synced: more may be stored."""
        self._wake.set()

    def checkpoint_age_ns(self) -> int:
        """How old the newest stored checkpoint is."""
        return self._now_ns() - self.checkpoint_ns

    def checkpoint_late_ns(self) -> int:
        """How long the checkpoint that is due has waited to be stored; 0 when none waits."""
        return self._now_ns() - self._offered[1] if self._checkpoint is not None else 0

    def close(self) -> None:
        """Store what is durable and end; `run` returns then."""
        self._is_closing = True
        self._wake.set()

    # beside the loop

    async def run(self) -> None:
        """Store until closed, opening the database again after every failure."""
        while True:
            try:
                await asyncio.to_thread(self._bring_up, self._durable_seq())
                async with aiosqlite.connect(self._path, isolation_level=None) as connection:
                    await self._prepare(connection)
                    self._report(None)
                    await self._serve(connection)
                return
            except (sqlite3.Error, OSError) as error:
                wrapped = error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error))
                await self._take_fault(database.store_error(self._path, wrapped))
            except TradingError as error:
                await self._take_fault(error if isinstance(error, StoreError) else StoreError(str(error)))
            if self._is_closing:
                return
            await self._idle(self._retry_seconds)

    async def _idle(self, seconds: float) -> None:
        """Wait for something to do."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _take_fault(self, fault: StoreError) -> None:
        self._report(fault)
        if isinstance(fault, DamagedDatabase):  # the tape can tell it all again
            try:
                await asyncio.to_thread(database.set_aside, self._path)
            except OSError as error:
                self._report(StoreError(f"{fault}; it cannot be kept aside: {error.strerror}"))

    def _report(self, fault: StoreError | None) -> None:
        if str(fault) != str(self.fault):
            self.fault = fault
            self._on_fault(fault)

    async def _prepare(self, connection: aiosqlite.Connection) -> None:
        for pragma in database.PRAGMAS:
            effect("store.pragma")
            await connection.execute(pragma)
        await connection.create_function("exact_minus", 2, exact_minus, deterministic=True)

    def _bring_up(self, durable_seq: int) -> None:
        """Read from the tape what the projections lack; what is still in the inbox may be beyond that."""
        try:
            connection = open_database(self._path)
        except DamagedDatabase:
            database.set_aside(self._path)
            connection = open_database(self._path)
        with closing(connection):
            reader = TapeReader(self._tape)
            oldest = reader.parts[0].head.previous_seq if reader.parts else 0
            if database.applied_seq(connection) < oldest:
                database.rebuild(connection, reader, durable_seq)
            self.applied_seq = database.catch_up(connection, reader, durable_seq)
            self._projector = Projector(database.audit_end(connection))
            self.checkpoint_seq = max(database.checkpoint_seqs(connection), default=0)
        self._inode = self._path.stat().st_ino

    async def _serve(self, connection: aiosqlite.Connection) -> None:
        while True:
            self._check_file()
            is_busy = await self._store_steps(connection)
            is_busy = await self._store_checkpoint(connection) or is_busy
            if self._missed_seq and self._missed_seq <= self._durable_seq():
                await self._catch_up()
                continue
            if is_busy:
                continue
            if self._is_closing:
                return
            await self._idle(self._idle_seconds)

    def _check_file(self) -> None:
        """SQLite would go on writing into a file that has no name any more."""
        try:
            is_there = self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise StoreError(f"{self._path} was deleted or replaced; it is built again from the tape")

    async def _store_steps(self, connection: aiosqlite.Connection) -> bool:
        """Apply what is durable; whether there was anything."""
        durable, rows, seq = self._durable_seq(), list[Row](), 0
        count = 0
        while self._inbox and self._inbox[0].seq <= durable and count < BATCH:
            step = self._inbox.popleft()
            count += 1
            if step.seq > self.applied_seq:
                rows += self._projector.rows(*step)
                seq = step.seq
        if not seq:
            return count > 0
        await connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, same in groupby(rows, key=lambda row: row.statement):
                await connection.executemany(STATEMENTS[statement], [row.values for row in same])
            await connection.execute(database.META, ("applied_seq", str(seq)))
            effect("store.commit rows")
            await connection.execute("COMMIT")
        except BaseException:
            await connection.rollback()
            raise
        self.applied_seq = seq
        return True

    async def _store_checkpoint(self, connection: aiosqlite.Connection) -> bool:
        checkpoint = self._checkpoint
        if checkpoint is None or checkpoint.seq > self._durable_seq():
            return False
        created = self._offered[1]
        values = await asyncio.to_thread(checkpoint_values, checkpoint, created)
        await connection.execute("BEGIN IMMEDIATE")
        try:
            await connection.execute(database.SAVE_CHECKPOINT, values)
            await connection.execute(database.FORGET_CHECKPOINTS, (CHECKPOINTS_KEPT,))
            effect("store.commit checkpoint")
            await connection.execute("COMMIT")
        except BaseException:
            await connection.rollback()
            raise
        self.checkpoint_seq, self.checkpoint_ns = checkpoint.seq, created
        if self._checkpoint is checkpoint:
            self._checkpoint = None
        return True

    async def _catch_up(self) -> None:
        """Read back what did not fit into the inbox, all of which is durable by now."""
        self._missed_seq = 0
        await asyncio.to_thread(self._bring_up, self._durable_seq())
