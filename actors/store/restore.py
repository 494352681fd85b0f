"""Restore: a state folder out of a backup, checked before it counts, under a new store id."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from actors.core.frames import INPUT, STEP
from actors.errors import StoreError, UsageError
from actors.store import database
from actors.store.check import Checked
from actors.store.database import SAVE_CHECKPOINT, database_path, open_database, transaction
from actors.store.folder import IDENTITY, LOCK, Identity, StateLock, renew_identity
from actors.store.layout import sync_folder, tape_folder
from actors.store.manifest import (
    CHECKPOINT_FILE,
    Manifest,
    StoredCheckpoint,
    digest_of,
    manifest_name,
    read_manifest,
)
from actors.store.places import Place
from actors.store.tape_reader import TapeReader

UNFINISHED = "restoring"
"""Folder inside the state folder that a restore fills; it is moved into place when all of it is there."""


class Restored(NamedTuple):
    """A state folder that the next start may begin from."""

    manifest: Manifest
    identity: Identity
    checked: Checked


def restore(
    place: Place, state: Path, *, check: Callable[[Path], Checked], generation: str | None = None
) -> Restored:
    """Fill an empty state folder from a backup.

    Raises:
        UsageError: The folder is not empty, or there is no such backup.
        StateLocked: A process holds the folder.
        StoreError: The copy is not whole; nothing is in place then.
    """
    manifest = read_manifest(place, generation)
    if manifest is None:
        what = f"generation {generation}" if generation else "backup"
        raise UsageError(f"there is no {what} in {place}: see its folder generations/")
    with StateLock(state):
        strange = sorted(path.name for path in state.iterdir() if path.name not in (LOCK, UNFINISHED))
        if strange:
            raise UsageError(
                f"{state} is not empty ({', '.join(strange[:3])}): restore into a new folder, "
                "and keep the old one until the new one trades"
            )
        folder = state / UNFINISHED
        shutil.rmtree(folder, ignore_errors=True)
        fetch(place, manifest, folder)
        checked = check(folder)
        if checked.faults:
            raise StoreError(
                f"the backup {manifest.generation} in {place} is not whole: {checked.faults[0]}; restore "
                f"another generation ({manifest_name('…')}) with --generation"
            )
        identity = renew_identity(folder)
        _move_into_place(folder, state)
    return Restored(manifest, identity, checked)


def fetch(place: Place, manifest: Manifest, folder: Path) -> None:
    """Write all files of a generation, each proven to be what was shipped, and bring the database up.

    Raises:
        StoreError: A file is missing or is another one.
    """
    folder.mkdir(parents=True)
    for file in manifest.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        place.get(file.name, target)
        if target.stat().st_size != file.size_bytes or digest_of(target) != file.digest:
            raise StoreError(
                f"{file.name} in {place} is not what was shipped: name another generation with --generation"
            )
        target.chmod(0o600)
    _bring_up(folder, manifest)


def _bring_up(folder: Path, manifest: Manifest) -> None:
    """Add the newer checkpoint, and what the tape has beyond the copied projections."""
    path = folder / CHECKPOINT_FILE
    with closing(open_database(database_path(folder))) as connection, database.errors_named(folder):
        if path.exists():
            stored = msgspec.msgpack.decode(path.read_bytes(), type=StoredCheckpoint)
            with transaction(connection):
                connection.execute(SAVE_CHECKPOINT, msgspec.structs.astuple(stored))
            path.unlink()
        reader = TapeReader(tape_folder(folder))
        seq = max(whole_seq(reader), manifest.checkpoint_seq)
        if reader.parts and database.applied_seq(connection) < reader.parts[0].head.previous_seq:
            database.rebuild(connection, reader, seq)
        else:
            database.catch_up(connection, reader, seq)


def whole_seq(reader: TapeReader) -> int:
    """The newest input whose step is sure to be on the tape; rows of a later one may still be to come."""
    last = 0
    after = reader.parts[-1].head.previous_seq if reader.parts else 0
    kind = None
    for frame in reader.frames(after, max(len(reader.parts) - 1, 0)):
        if frame.kind in (INPUT, STEP):
            last, kind = frame.seq, frame.kind
    if not last:
        return after
    return last - 1 if kind == INPUT else last


def _move_into_place(folder: Path, state: Path) -> None:
    """The identity last: a folder without one would be given another, and is nobody's in the meantime."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == IDENTITY):
        path.rename(state / path.name)
    folder.rmdir()
    sync_folder(state)
