"""The database `state/tickerd.db`: its schema and checkpoints, and projections brought up from the tape.

All of it runs in whatever thread the connection was made in; `writer.py` is what runs beside a trading loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from actors.core.effects import effect
from actors.core.frames import CHAIN_BYTES, INPUT, STEP, Frame, StepReader
from actors.errors import StoreError, TapeError
from actors.store.columns import compress, decompress
from actors.store.projections import INPUT_KINDS, STATEMENTS, Projector, Row, audit_hash, exact_minus
from actors.store.tape_reader import TapeReader

SCHEMA_VERSION = 3
Migration = Callable[[sqlite3.Connection], None]


def _with_special_terms(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE orders ADD COLUMN special TEXT")


def _with_corrections(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE fills ADD COLUMN revision INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE fills ADD COLUMN fee_known INTEGER NOT NULL DEFAULT 1")
    schema = files("actors.store").joinpath("schema.sql").read_text("utf-8")
    made = next(part for part in schema.split(";") if "CREATE TABLE corrections" in part)
    connection.execute(made)


MIGRATIONS: Mapping[int, Migration] = {1: _with_special_terms, 2: _with_corrections}
"""Version → what makes the next one of it, inside the transaction that counts the version up."""

BY_SEQ = (
    "fills", "corrections", "positions", "balances", "trades", "equity", "transfers", "alerts", "approvals",
    "audit",
)  # fmt: skip
CHECKPOINT_LEVEL = 3
_BATCH = 2_000
_TAGS = tuple(msgspec.msgpack.encode(kind.__name__) for kind in INPUT_KINDS)


class Checkpoint(NamedTuple):
    """The core's whole state after input `seq`."""

    seq: int
    chain: bytes
    snapshot: bytes


class DamagedDatabase(StoreError):
    """The file is there and is no readable database."""


class UnusableDatabase(StoreError):
    """It cannot be read or written now: locked, on a full disk, or read-only."""


def database_path(state: Path) -> Path:
    """Where a state folder keeps its database."""
    return state / "tickerd.db"


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """What went wrong and what to do about it."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return UnusableDatabase(
            f"{path} is locked by another program; close whatever has it open for writing"
        )
    if isinstance(error, sqlite3.OperationalError) and any(
        part in text for part in ("readonly", "unable to open", "disk I/O")
    ):
        return UnusableDatabase(f"{path} cannot be written ({text}); check its owner and permissions")
    if "full" in text:
        return UnusableDatabase(f"the disk of {path} is full; make room")
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return DamagedDatabase(f"{path} is damaged ({text}); it is rebuilt from the tape at the next start")
    return StoreError(f"{path}: {text}; see whether the file or its disk is damaged")


@contextmanager
def errors_named(path: Path) -> Any:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(path, error) from error


PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # the tape is what must not be lost
    "PRAGMA busy_timeout = 2000",
)


def open_database(
    path: Path, *, version: int = SCHEMA_VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> sqlite3.Connection:
    """A connection to the database at the current schema, made or migrated if need be.

    Raises:
        DamagedDatabase: The file is no readable database.
        StoreError: It cannot be opened, or a newer tickerd has written it.
    """
    with errors_named(path):
        effect("database.make")
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            for pragma in PRAGMAS:
                effect("database.pragma")
                connection.execute(pragma)
            connection.create_function("exact_minus", 2, exact_minus, deterministic=True)
            _migrate(connection, path, version, migrations)
        except BaseException:
            connection.close()
            raise
        return connection


def _migrate(
    connection: sqlite3.Connection, path: Path, version: int, migrations: Mapping[int, Migration]
) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        found = SCHEMA_VERSION
        script = files("actors.store").joinpath("schema.sql").read_text("utf-8")
        effect("database.commit schema")
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {found}; COMMIT;")
    if found > version:
        raise StoreError(
            f"{path} has schema {found}, this tickerd knows {version}; start the newer one or move it away"
        )
    while found < version:
        with transaction(connection):
            migrations[found](connection)
            connection.execute(f"PRAGMA user_version = {found + 1}")
        found += 1


@contextmanager
def transaction(connection: sqlite3.Connection) -> Any:
    """All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    effect("database.commit")
    connection.execute("COMMIT")


def set_aside(path: Path) -> Path:
    """Keep a damaged database under another name, so that a fresh one can be built."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    effect("database.set aside")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        effect("database.unlink log")
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside


# meta


def read_meta(connection: sqlite3.Connection, key: str, default: str = "") -> str:
    """One value of the meta table."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if row is None else str(row[0])


META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


def applied_seq(connection: sqlite3.Connection) -> int:
    """Input up to which the projections are brought up."""
    return int(read_meta(connection, "applied_seq", "0"))


def audit_end(connection: sqlite3.Connection) -> bytes:
    """Hash of the newest audit row."""
    row = connection.execute("SELECT hash FROM audit ORDER BY seq DESC, n DESC LIMIT 1").fetchone()
    return b"" if row is None else bytes(row[0])


# checkpoints

SAVE_CHECKPOINT = "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)"
FORGET_CHECKPOINTS = (
    "DELETE FROM checkpoints WHERE seq NOT IN (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ?)"
)


def _checkpoint_digest(seq: int, chain: bytes, snapshot: bytes) -> bytes:
    return blake2b(seq.to_bytes(8, "little") + chain + snapshot, digest_size=16).digest()


def checkpoint_values(checkpoint: Checkpoint, created: int) -> tuple[Any, ...]:
    """What `SAVE_CHECKPOINT` takes; compresses, so not for the loop's thread."""
    packed = compress(checkpoint.snapshot, CHECKPOINT_LEVEL)
    return (checkpoint.seq, checkpoint.chain, created, packed, _checkpoint_digest(*checkpoint))


def checkpoint_seqs(connection: sqlite3.Connection) -> list[int]:
    """Seqs of all checkpoints, newest first."""
    return [row[0] for row in connection.execute("SELECT seq FROM checkpoints ORDER BY seq DESC")]


def read_checkpoint(connection: sqlite3.Connection, seq: int) -> Checkpoint:
    """One checkpoint, proven whole.

    Raises:
        ValueError: It is damaged.
    """
    row = connection.execute(
        "SELECT chain, snapshot, digest FROM checkpoints WHERE seq = ?", (seq,)
    ).fetchone()
    chain, packed, digest = row
    snapshot = decompress(packed)
    if _checkpoint_digest(seq, chain, snapshot) != digest:
        raise ValueError("its digest differs")
    return Checkpoint(seq, chain, snapshot)


def newest_checkpoint(state: Path, *, after_seq: int) -> Checkpoint | None:
    """The newest whole checkpoint behind a seq, read beside a running writer.

    Returns:
        None when there is none, or the database cannot be read: the tape tells the same, only longer.
    """
    path = database_path(state)
    if not path.exists():
        return None
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        for seq in checkpoint_seqs(connection):
            if seq <= after_seq:
                break
            with suppress(ValueError):
                return read_checkpoint(connection, seq)
    return None


# projections


def apply_rows(connection: sqlite3.Connection, rows: Iterable[Row], seq: int) -> None:
    """Write rows and how far they reach, in the caller's transaction."""
    for statement, same in groupby(rows, key=lambda row: row.statement):
        connection.executemany(STATEMENTS[statement], [row.values for row in same])
    connection.execute(META, ("applied_seq", str(seq)))


def _relevant(frames: Iterable[Frame]) -> Iterable[tuple[Frame, Frame | None]]:
    """Inputs that may become rows, with their steps."""
    waiting: Frame | None = None
    for frame in frames:
        if frame.kind == STEP and waiting is not None and frame.seq == waiting.seq:
            yield waiting, frame
            waiting = None
        elif frame.kind == INPUT:
            if waiting is not None and waiting.payload.startswith(_TAGS, 1):
                yield waiting, None
            waiting = frame
    if waiting is not None and waiting.payload.startswith(_TAGS, 1):
        yield waiting, None


def catch_up(connection: sqlite3.Connection, reader: TapeReader, up_to_seq: int) -> int:
    """Bring the projections up from the tape; returns the seq they reach.

    Raises:
        BadFrame: The tape is damaged.
        TapeError: It does not reach back far enough; `rebuild` then.
    """
    seq = applied_seq(connection)
    if seq >= up_to_seq:
        return seq
    projector, steps = Projector(audit_end(connection)), StepReader()
    rows: list[Row] = []
    for given, step in _relevant(reader.frames(seq)):
        if given.seq > up_to_seq:
            break
        try:
            message = steps.messages(b"\x91" + given.payload)[0]
            sent = steps.messages(step.payload[CHAIN_BYTES:]) if step is not None else []
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TapeError(
                f"seq {given.seq} on the tape was written by another tickerd ({error}); rebuild with that one"
            ) from error
        rows += projector.rows(given.seq, given.ts_init, message, sent)
        if len(rows) >= _BATCH:
            with transaction(connection):
                apply_rows(connection, rows, given.seq)
            rows.clear()
    with transaction(connection):
        apply_rows(connection, rows, up_to_seq)
    return up_to_seq


def rebuild(connection: sqlite3.Connection, reader: TapeReader, up_to_seq: int) -> None:
    """Drop what the tape still tells and apply it again; rows from before the oldest part are kept.

    Raises:
        BadFrame: The tape is damaged.
    """
    seam = reader.parts[0].head.previous_seq if reader.parts else 0
    with transaction(connection):
        for table in BY_SEQ:
            connection.execute(f"DELETE FROM {table} WHERE seq > ?", (seam,))
        connection.execute("DELETE FROM orders WHERE seq_created > ?", (seam,))
        connection.execute("DELETE FROM checkpoints WHERE seq > ?", (up_to_seq,))
        connection.execute(META, ("applied_seq", str(seam)))
        connection.execute(META, ("seam_seq", str(seam)))
    catch_up(connection, reader, up_to_seq)


def broken_audit(connection: sqlite3.Connection) -> int | None:
    """Seq of the first audit row that is not the one that was written; None when all are."""
    previous = b""
    for *values, found in connection.execute("SELECT * FROM audit ORDER BY seq, n"):
        expected = audit_hash(previous, values)
        if found != expected:
            return int(values[0])
        previous = found
    return None
