"""Recovery: where a process life begins. Start is always this path, however the last life ended.

lock → cut the torn end → newest good checkpoint, or the head of a part → run the inputs after it, muted, each
step compared with its record. Whatever was not as it should be, and was got over, is said in `notes`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from heapq import merge
from pathlib import Path

from actors.core.frames import CHAIN_START, Head
from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.errors import StoreError, TapeError
from actors.messages.base import Message
from actors.store import database
from actors.store.database import (
    Checkpoint,
    DamagedDatabase,
    UnusableDatabase,
    database_path,
    open_database,
)
from actors.store.folder import Identity, StateLock, identify
from actors.store.layout import tape_folder
from actors.store.replay import ends_with_stop, run_segments
from actors.store.rerun import Difference, Failure, Rerun, decode_snapshot
from actors.store.tape_file import LateStep
from actors.store.tape_reader import TapeReader
from actors.store.tape_repair import TapeEnd, cut_torn_end
from actors.store.tolerant import Recording, TolerantRerun, Unrepeated


@dataclass
class Recovered:
    """What the state folder holds, and the state to start from."""

    state: Path
    lock: StateLock
    identity: Identity
    reader: TapeReader
    end: TapeEnd
    snapshot: CoreSnapshot | None = None
    """None only when there is no tape yet."""
    seq: int = 0
    """Of the snapshot."""
    chain: bytes = CHAIN_START
    """After `seq`."""
    source: str = "nothing"
    """Where the snapshot is from."""
    head: Head | None = None
    """Of the newest part."""
    session: str | None = None
    """Label to go on with; None when the last session was stopped cleanly, or there was none."""
    notes: list[str] = field(default_factory=list)

    @property
    def last_seq(self) -> int:
        """Newest input on the tape."""
        return self.end.last_seq

    @property
    def last_ts(self) -> int:
        """Its time; our clock must not begin before."""
        return self.end.last_ts

    @property
    def last_epoch(self) -> int:
        """Of the newest part; 0 without a tape."""
        return self.head.epoch if self.head is not None else 0

    @property
    def next_part(self) -> int:
        """Number of the part to begin."""
        return self.head.part + 1 if self.head is not None else 1

    @property
    def former_store_ids(self) -> tuple[str, ...]:
        """Ids that orders of ours may carry besides the current one."""
        return self.identity.lineage


@dataclass(frozen=True)
class CaughtUp:
    """The state at the tape's end."""

    seq: int
    chain: bytes
    inputs: int
    late_step: LateStep | None
    """Step of the last input, when it sent something that is not on the tape: write it with the next part."""
    late_messages: tuple[Message, ...]
    """What that step sent; none of its commands has left the process."""
    failure: Failure | None = None
    """The last step, when it says that an actor had failed: why the process before ended."""
    unrepeated: Unrepeated | None = None
    """What differed, when the run was told to go on all the same."""


@dataclass(frozen=True)
class _Start:
    source: str
    seq: int
    read: Callable[[], Checkpoint]


def load(state: Path, *, on_step: Callable[[str], None] = lambda step: None) -> Recovered:
    """Lock the state folder, make its tape whole, and find the newest state; `on_step` hears of each step.

    Raises:
        StateLocked: Another process holds the folder.
        BadFrame: The tape is damaged where it was durable.
        TapeError: It is another version's, or gone while the database remembers it.
        StoreError: The database is another version's, or cannot be opened.
    """
    lock = StateLock(state)
    try:
        return _load(state, lock, on_step)
    except BaseException:
        lock.release()
        raise


def _load(state: Path, lock: StateLock, on_step: Callable[[str], None]) -> Recovered:
    identity = identify(state)
    tape = tape_folder(state)
    on_step("lock")
    end = cut_torn_end(tape)
    on_step("torn end")
    recovered = Recovered(state, lock, identity, TapeReader(tape), end)
    if end.torn:
        names = ", ".join(path.name for path in end.torn)
        recovered.notes.append(f"the tape's torn end of {end.cut_bytes} bytes was cut and kept as {names}")
    parts = recovered.reader.parts
    if parts:
        recovered.head = parts[-1].head
        recovered.session = None if ends_with_stop(parts[-1]) else recovered.head.session
    _ask_database(recovered, on_step)
    return recovered


def _ask_database(recovered: Recovered, on_step: Callable[[str], None]) -> None:
    """Find the newest state; a damaged database is begun anew, one that cannot be used is done without."""
    path = database_path(recovered.state)
    for is_fresh in (False, True):
        try:
            with closing(open_database(path)) as connection, database.errors_named(path):
                _check_projections(connection, recovered)
                on_step("database")
                _choose(_starts(recovered, connection), recovered)
            break
        except DamagedDatabase as error:
            if is_fresh:
                raise
            recovered.notes.append(f"{error}; it is kept as {database.set_aside(path).name}")
        except UnusableDatabase as error:
            if not recovered.reader.parts:
                raise  # whether a tape is missing is known only to the database
            recovered.notes.append(f"{error}; this start takes its state from the tape alone")
            _choose(_starts(recovered, None), recovered)
            break
    on_step("newest state")


def _check_projections(connection: sqlite3.Connection, recovered: Recovered) -> None:
    """Drop what reaches beyond the tape; the store's writer brings up what lags behind."""
    path = database_path(recovered.state)
    with database.errors_named(path):
        newest = max(database.checkpoint_seqs(connection), default=0)
        applied = database.applied_seq(connection)
        if not recovered.reader.parts:
            if max(newest, applied):
                raise TapeError(
                    f"{path.name} knows of seq {max(newest, applied)} but the tape is gone; "
                    "restore the tape folder, or begin with another state folder"
                )
            return
        if max(newest, applied) > recovered.last_seq:
            recovered.notes.append(
                f"{path.name} was ahead of the tape (seq {max(newest, applied)}, tape {recovered.last_seq}); "
                "it was rebuilt from the tape"
            )
            # The last input may still lack its step: it is brought up with what lags behind.
            database.rebuild(connection, recovered.reader, recovered.last_seq - 1)


def _starts(recovered: Recovered, connection: sqlite3.Connection | None) -> Iterator[_Start]:
    """States to start from, newest first; at the same seq the head: a part may begin strategies anew."""
    checkpoints: list[_Start] = []
    if connection is not None:
        checkpoints = [
            _Start(f"the checkpoint of seq {seq}", seq, partial(database.read_checkpoint, connection, seq))
            for seq in database.checkpoint_seqs(connection)
        ]
    heads = (
        _Start(
            f"the head of part {head.part}",
            head.previous_seq,
            partial(Checkpoint, head.previous_seq, head.previous_chain, head.snapshot),
        )
        for head in (part.head for part in reversed(recovered.reader.parts))
    )
    return merge(heads, checkpoints, key=lambda start: start.seq, reverse=True)


def _choose(starts: Iterator[_Start], recovered: Recovered) -> None:
    if not recovered.reader.parts:
        return
    for start in starts:
        try:
            checkpoint = start.read()
            snapshot = decode_snapshot(checkpoint.snapshot)
            if snapshot.seq != start.seq:
                raise ValueError(f"it is the state of seq {snapshot.seq}")
        except (ValueError, sqlite3.Error) as error:
            recovered.notes.append(f"{start.source} cannot be used ({error}); an older state is taken")
            continue
        recovered.snapshot, recovered.seq, recovered.chain = snapshot, start.seq, checkpoint.chain
        recovered.source = start.source
        return
    raise StoreError(
        "no checkpoint and no head of the tape can be read; start the tickerd version that wrote them"
    )


def catch_up(
    recovered: Recovered,
    sequencer: Sequencer,
    *,
    late: LateStep | None = None,
    recording: Recording | None = None,
    skip: Mapping[int, Difference] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CaughtUp:
    """Give a fresh sequencer the recovered state and run the tape's tail through it, muted and compared.

    Args:
        late: What `LastInputFailed` carried, for the second attempt with another fresh sequencer.
        recording: What takes the place of strategies that cannot be run again.
        skip: Inputs that `InputFailed` named. Not None: the record wins, differences are noted and got over.

    Raises:
        ReplayDiffers: A step was not repeated; names the seq and the first message that differs.
        LastInputFailed: The last input has no step, and an actor fails on it.
        InputFailed: An actor fails on an input that it once took.
    """
    if recovered.snapshot is not None:
        sequencer.restore(recovered.snapshot)
    if recording is None:
        rerun = Rerun(sequencer, recovered.chain)
    else:
        recording.follow(sequencer)
        rerun = TolerantRerun(
            sequencer, recovered.chain, recording=recording, skip=skip or {}, is_strict=skip is None
        )
    run_segments(recovered.reader, rerun, progress=progress)
    if recording is not None:
        recording.begin(())
    missing = rerun.finish(late)
    late_step, messages = missing if missing is not None else (None, [])
    failure = rerun.failure if rerun.failure is not None and rerun.failure.seq == sequencer.seq else None
    unrepeated = rerun.unrepeated if isinstance(rerun, TolerantRerun) else None
    return CaughtUp(sequencer.seq, rerun.chain, rerun.inputs, late_step, tuple(messages), failure, unrepeated)
