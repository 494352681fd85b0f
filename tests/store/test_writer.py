"""The store trails the durable tape, never passes it, and makes good whatever it missed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from actors.errors import StoreError
from actors.store import database, writer
from actors.store.database import database_path, open_database, read_checkpoint
from actors.store.layout import tape_folder
from actors.store.rerun import encode_snapshot
from actors.store.tape_reader import TapeReader
from actors.store.writer import StoreWriter
from tests.store.rows import rows
from tests.store.steps import every_kind
from tests.store.trading import T0, Life, a_quote


class Running:
    """A tape, its sequencer and the store beside them."""

    def __init__(self, state: Path, **settings: Any) -> None:
        self.life = Life(state).begin()
        self.life.tape.flush()
        self.life.tape.sync()
        self.now = T0
        self.faults: list[StoreError | None] = []
        self.store = StoreWriter(
            state, durable_seq=lambda: self.life.tape.durable_seq, now_ns=lambda: self.now,
            retry_seconds=0.01, idle_seconds=0.01, on_fault=self.faults.append, **settings,
        )  # fmt: skip

    def take(self, number: int) -> None:
        """One quote, written but not synced."""
        sent = self.life.take(a_quote(number))
        self.life.tape.flush()
        sequencer = self.life.sequencer
        self.store.offer(sequencer.seq, sequencer.now, a_quote(number), sent)

    def sync(self) -> None:
        self.life.tape.sync()
        self.store.notify_durable()

    def checkpoint(self) -> None:
        sequencer = self.life.sequencer
        self.store.offer_checkpoint(sequencer.seq, self.life.tape.chain, encode_snapshot(sequencer))


@asynccontextmanager
async def running(state: Path, **settings: Any) -> AsyncIterator[Running]:
    run = Running(state, **settings)
    task = asyncio.create_task(run.store.run())
    try:
        yield run
    finally:
        run.store.close()
        await task
        run.life.tape.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  (what it waits for happens in another thread)
            await asyncio.sleep(0.001)


def stored(state: Path) -> dict[str, list[Any]]:
    with closing(open_database(database_path(state))) as connection:
        return rows(connection)


def delete_database(state: Path) -> None:
    for path in state.glob("tickerd.db*"):
        path.unlink(missing_ok=True)  # SQLite deletes its log itself, too


def rebuilt(state: Path, up_to_seq: int) -> dict[str, list[Any]]:
    with closing(open_database(state / "rebuilt.db")) as connection:
        database.catch_up(connection, TapeReader(tape_folder(state)), up_to_seq)
        return rows(connection)


def same_rows(state: Path, up_to_seq: int) -> bool:
    ours, expected = stored(state), rebuilt(state, up_to_seq)
    ours.pop("meta"), expected.pop("meta")
    return ours == expected


async def test_nothing_is_stored_that_is_not_durable(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.store.applied_seq == 1)
        for number in range(1, 40):
            run.take(number)
        run.checkpoint()
        durable = run.life.tape.durable_seq
        for _ in range(20):
            run.store.notify_durable()
            await asyncio.sleep(0)
        assert run.store.applied_seq <= durable
        assert run.store.checkpoint_seq == 0
        run.sync()
        await until(lambda: run.store.checkpoint_seq == run.life.sequencer.seq)
        await until(lambda: run.store.applied_seq > durable)
    assert same_rows(tmp_path, run.life.sequencer.seq)
    assert run.faults == []


async def test_a_stored_checkpoint_is_the_state_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        for number in range(1, 60):
            run.take(number)
            if number % 10 == 0:
                run.checkpoint()
                run.sync()
                expected = encode_snapshot(run.life.sequencer)
                await until(lambda: run.store.checkpoint_seq == run.life.sequencer.seq)
    with closing(open_database(database_path(tmp_path))) as connection:
        seqs = database.checkpoint_seqs(connection)
        assert len(seqs) == writer.CHECKPOINTS_KEPT
        assert read_checkpoint(connection, seqs[0]).snapshot == expected


async def test_what_does_not_fit_into_the_inbox_is_read_back_from_the_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "INBOX_MAX", 5)
    async with running(tmp_path) as run:
        for number in range(1, 400):
            run.take(number)
            if number % 100 == 0:
                run.sync()
                await asyncio.sleep(0)
        run.sync()
        last = run.life.sequencer.seq
        await until(lambda: run.store.applied_seq >= last - 10)
        run.take(400)
        run.sync()
        await until(lambda: run.store.applied_seq == run.life.sequencer.seq)
    assert same_rows(tmp_path, run.life.sequencer.seq)


@pytest.mark.slow
async def test_a_locked_database_is_a_fault_until_it_is_free_and_nothing_is_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.store.applied_seq == 1)
        with closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for number in range(1, 40):
                run.take(number)
            run.sync()
            await until(lambda: run.store.fault is not None)
            assert "locked by another program" in str(run.store.fault)
            other.execute("ROLLBACK")
        await until(lambda: run.store.fault is None)
        await until(lambda: run.store.applied_seq == run.life.sequencer.seq)
        assert [fault is None for fault in run.faults] == [False, True]
    assert same_rows(tmp_path, run.life.sequencer.seq)


async def test_a_database_deleted_while_running_is_built_again(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        for number in range(1, 40):
            run.take(number)
        run.sync()
        await until(lambda: run.store.applied_seq > 1)
        delete_database(tmp_path)
        await until(lambda: run.faults != [])
        assert "deleted" in str(run.faults[0])
        await until(lambda: run.store.fault is None)
        for number in range(40, 80):
            run.take(number)
        run.sync()
        await until(lambda: run.store.applied_seq >= run.life.sequencer.seq - 9)
    assert same_rows(tmp_path, run.life.sequencer.seq)


async def test_a_store_that_starts_late_brings_itself_up(tmp_path: Path) -> None:
    run = Running(tmp_path)
    for number in range(1, 200):
        run.life.take(a_quote(number))
    run.life.tape.flush()
    run.life.tape.sync()
    task = asyncio.create_task(run.store.run())
    await until(lambda: run.store.applied_seq == run.life.sequencer.seq)
    run.store.close()
    await task
    run.life.tape.close()
    assert same_rows(tmp_path, run.life.sequencer.seq)
    with closing(open_database(database_path(tmp_path))) as connection:
        assert database.broken_audit(connection) is None


async def test_a_checkpoint_is_due_by_inputs_or_by_time(tmp_path: Path) -> None:
    run = Running(tmp_path, checkpoint_inputs=100, checkpoint_seconds=60.0)
    store = run.store
    store.begin_at(1000)
    assert not store.wants_checkpoint(1099)
    assert store.wants_checkpoint(1100)
    run.now += 60 * 10**9
    assert store.wants_checkpoint(1001)
    assert not store.wants_checkpoint(1000), "nothing has happened since"
    store.offer_checkpoint(1001, bytes(16), b"state")
    assert not store.wants_checkpoint(5000), "one waits to be stored"
    run.life.tape.close()


async def test_steps_that_change_nothing_are_not_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await until(lambda: run.store.applied_seq == 1)
        for seq, (message, sent) in enumerate(every_kind(), 2):
            run.life.tape.append(seq, T0 + seq, message, sent)
            run.store.offer(seq, T0 + seq, message, sent)
        run.life.tape.flush()
        run.sync()
        await until(lambda: run.store.applied_seq == run.life.tape.last_seq)
    assert same_rows(tmp_path, run.life.tape.last_seq)
    assert len(stored(tmp_path)["audit"]) == 4
