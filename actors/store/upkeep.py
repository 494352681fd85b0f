"""Upkeep of a database while no daemon runs: another schema, or projections written anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from actors.errors import StoreError, UsageError
from actors.store import database
from actors.store.database import (
    BY_SEQ,
    MIGRATIONS,
    SCHEMA_VERSION,
    DamagedDatabase,
    Migration,
    database_path,
    open_database,
)
from actors.store.export import open_for_reading
from actors.store.folder import StateLock
from actors.store.layout import tape_folder
from actors.store.restore import whole_seq
from actors.store.tape_reader import TapeReader
from actors.store.tape_repair import cut_torn_end


class Migrated(NamedTuple):
    """Schema versions, and the database as it was; None when nothing was to be done."""

    before: int
    after: int
    kept: Path | None


class Rebuilt(NamedTuple):
    """What the projections hold now."""

    applied_seq: int
    seam_seq: int
    """Rows up to here are older than the tape."""
    rows: dict[str, int]
    aside: Path | None
    """A database that could not be read."""


def migrate(
    state: Path, *, version: int = SCHEMA_VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> Migrated:
    """Bring the database to a schema; what it was is kept beside it.

    Raises:
        StateLocked: A daemon runs.
        StoreError: There is no database, or a newer tickerd has written it.
    """
    path = database_path(state)
    with closing(open_for_reading(state)) as connection, database.errors_named(path):
        before = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if before == version:
            return Migrated(before, version, None)
    with StateLock(state):
        kept = None
        if before < version:
            kept = path.with_name(f"{path.name}.schema-{before}")
            with (
                closing(open_for_reading(state)) as connection,
                closing(sqlite3.connect(kept)) as copy,
                database.errors_named(path),
            ):
                connection.backup(copy)
        open_database(path, version=version, migrations=migrations).close()
    return Migrated(before, version, kept)


def rebuild_projections(state: Path) -> Rebuilt:
    """Write all rows anew that the tape still tells; a database that cannot be read is kept aside.

    Raises:
        StateLocked: A daemon runs.
        BadFrame: The tape is damaged; restore it first.
        UsageError: There is no tape.
    """
    if not tape_folder(state).is_dir():
        raise UsageError(f"{state} has no tape to rebuild from; give the state folder of a run with --state")
    path, aside = database_path(state), None
    with StateLock(state):
        cut_torn_end(tape_folder(state))
        reader = TapeReader(tape_folder(state))
        try:
            connection = _whole(path)
        except DamagedDatabase:
            aside = database.set_aside(path)
            connection = open_database(path)
        with closing(connection), database.errors_named(path):
            newest = max(database.checkpoint_seqs(connection), default=0)
            last = whole_seq(reader)
            # A checkpoint of the very last input vouches for its step.
            database.rebuild(connection, reader, newest if newest == last + 1 else last)
            rows = {
                table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in ("orders", *BY_SEQ)
            }
            seam = int(database.read_meta(connection, "seam_seq", "0"))
            return Rebuilt(database.applied_seq(connection), seam, rows, aside)


def _whole(path: Path) -> sqlite3.Connection:
    """The database, if all of its pages are."""
    connection = open_database(path)
    try:
        with database.errors_named(path):
            problems = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problems != "ok":
            raise DamagedDatabase(f"{path} is damaged ({problems})")
    except StoreError:
        connection.close()
        raise
    return connection
