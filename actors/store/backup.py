"""Backup: a copy of a state folder, made beside a running daemon and proven by restoring it.

The database is copied first, then the tape, which is ahead of it always; so the copy is a state in which the
process could have died. A tape ends behind a step: an input whose step was not copied yet is left out, for a
recovery would take the step's commands for never sent.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from actors.core.frames import INPUT, STEP, TornFrame, read_frames
from actors.errors import StoreError, TapeError, UsageError
from actors.store import database
from actors.store.check import Checked
from actors.store.export import open_for_reading
from actors.store.folder import IDENTITY, Identity, read_identity
from actors.store.layout import HEADER_BYTES, Segment, header_fault, tape_folder
from actors.store.manifest import (
    CHECKPOINT_FILE,
    DATABASE_FILE,
    MANIFEST,
    Manifest,
    Stored,
    StoredCheckpoint,
    digest_of,
    manifest_name,
    read_manifest,
    write_manifest,
)
from actors.store.places import Place
from actors.store.restore import fetch
from actors.store.tape_reader import TapeReader
from actors.store.tape_repair import durable_mark

DATABASE_NS = 3_600 * 1_000_000_000
"""So old may the copied database get while only checkpoints and the tape are added to it."""
ATTEMPTS = 5
"""Segments are sealed and parts pruned under our hands; then the tape is listed anew."""

Check = Callable[[Path], Checked]


class _Whole(NamedTuple):
    """How much of a segment to copy."""

    end: int
    last_seq: int
    """0 without inputs."""


def whole_end(data: bytes, known_seq: int) -> _Whole:
    """Where the last frame ends that belongs to a whole step.

    Args:
        known_seq: Inputs up to here are known to be whole, because something later vouches for them.
    """
    end = before = HEADER_BYTES
    last = before_last = 0
    kind = None
    try:
        for frame in read_frames(data, HEADER_BYTES):
            kind = frame.kind
            if kind == INPUT:
                before, before_last = frame.offset, last
            if kind in (INPUT, STEP):
                last = frame.seq
            end = frame.end
    except TornFrame:
        pass  # a write under way, reserved space, or what a crash has left
    return _Whole(before, before_last) if kind == INPUT and last > known_seq else _Whole(end, last)


class _Scratch(NamedTuple):
    folder: Path
    generation: str


class Backup:
    """Ships a state folder to a place, generation by generation."""

    def __init__(
        self, state: Path, place: Place, *, check: Check, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._state, self._place, self._check, self._now_ns = state, place, check, now_ns
        self._database: tuple[int, Stored, int] | None = None
        """When a database was shipped, its copy, and its applied seq."""
        self._shipped = ("", -1)

    def ship_changes(self) -> Manifest | None:
        """Ship again what has changed since the last time; None when nothing has.

        Only the newest checkpoint is sent while the last database is young, and such a generation is
        not restored for a proof.
        """
        if self._signature() == self._shipped:
            return None
        return self.ship(reuses_database=True)

    def _signature(self) -> tuple[str, int]:
        """Changes with every write to the tape."""
        reader = TapeReader(tape_folder(self._state))
        if not reader.parts or not reader.parts[-1].segments:
            return "", 0
        newest = reader.parts[-1].segments[-1].path
        return str(newest), newest.stat().st_mtime_ns if newest.exists() else 0

    def ship(self, *, reuses_database: bool = False) -> Manifest:
        """Ship a generation: proven by restoring it into a temporary folder, unless it reuses a database.

        Raises:
            StoreError: The folder cannot be read, the place not written, or the copy is not whole.
            UsageError: The place holds the backup of another store.
        """
        signature = self._signature()
        identity, previous = self._identity(), read_manifest(self._place)
        if previous is not None and previous.store_id not in (identity.store_id, *identity.lineage):
            raise UsageError(
                f"{self._place} holds the backup of store {previous.store_id}, this folder is "
                f"{identity.store_id}: give each store a place of its own"
            )
        with TemporaryDirectory(prefix="tickerd-backup-") as folder:
            scratch = _Scratch(Path(folder), self._generation(previous))
            manifest = self._collect(identity, previous, scratch, reuses_database=reuses_database)
            write_manifest(self._place, manifest, manifest_name(manifest.generation))
            if all(file.path != CHECKPOINT_FILE for file in manifest.files):
                self._verify(manifest, scratch.folder / "verified")
        write_manifest(self._place, manifest, MANIFEST)
        self._shipped = signature
        return manifest

    def _identity(self) -> Identity:
        identity = read_identity(self._state)
        if identity is None:
            raise StoreError(f"{self._state} has never been started: there is nothing to back up")
        return identity

    def _generation(self, previous: Manifest | None) -> str:
        """A name that sorts behind all former ones."""
        name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now_ns() / 1e9))
        if previous is None or name > previous.generation:
            return name
        return previous.generation + "a"

    def _collect(
        self, identity: Identity, previous: Manifest | None, scratch: _Scratch, *, reuses_database: bool
    ) -> Manifest:
        base, applied, checkpoint = self._ship_database(scratch, reuses_database=reuses_database)
        known = max(applied, checkpoint)
        path = scratch.folder / IDENTITY
        path.write_bytes(msgspec.json.encode(identity))
        files = [self._ship(path, IDENTITY, scratch), *base]
        for attempt in range(ATTEMPTS):
            try:
                segments, last_seq = self._ship_tape(previous, scratch, known)
                break
            except (FileNotFoundError, TapeError):
                if attempt == ATTEMPTS - 1:
                    raise
        return Manifest(
            generation=scratch.generation,
            made_at=self._now_ns(),
            store_id=identity.store_id,
            lineage=identity.lineage,
            last_seq=last_seq,
            applied_seq=applied,
            checkpoint_seq=checkpoint,
            files=[*files, *segments],
        )

    def _ship(self, source: Path, path: str, scratch: _Scratch, sealed_digest: str = "") -> Stored:
        digest = digest_of(source)
        if sealed_digest:
            part = Path(path)
            name = f"{part.parent.as_posix()}/{part.stem}.{digest[:16]}{part.suffix}"
        else:
            name = f"generations/{scratch.generation}/{path}"
        self._place.put(name, source)
        size = source.stat().st_size
        return Stored(path=path, name=name, size_bytes=size, digest=digest, sealed_digest=sealed_digest)

    # database

    def _ship_database(self, scratch: _Scratch, *, reuses_database: bool) -> tuple[list[Stored], int, int]:
        """Copies, the seq the copied projections reach, and that of the newest checkpoint."""
        with closing(open_for_reading(self._state)) as source, database.errors_named(self._state):
            newest = max(database.checkpoint_seqs(source), default=0)
            if reuses_database and self._database is not None and self._is_young(self._database):
                _, stored, applied = self._database
                return [stored, *self._ship_checkpoint(source, newest, scratch)], applied, newest
            copy_path = scratch.folder / DATABASE_FILE
            with closing(sqlite3.connect(copy_path)) as copy:
                source.backup(copy)
                # A file of its own, without a log beside it, until somebody opens it to write.
                copy.execute("PRAGMA journal_mode = DELETE")
                newest = max(database.checkpoint_seqs(copy), default=0)
                applied = database.applied_seq(copy)
        stored = self._ship(copy_path, DATABASE_FILE, scratch)
        self._database = (self._now_ns(), stored, applied)
        return [stored], applied, newest

    def _is_young(self, shipped: tuple[int, Stored, int]) -> bool:
        """Whether the tape can still bring that copy up to date."""
        made_at, _, applied = shipped
        parts = TapeReader(tape_folder(self._state)).parts
        reaches_back = bool(parts) and parts[0].head.previous_seq <= applied
        return reaches_back and self._now_ns() - made_at < DATABASE_NS

    def _ship_checkpoint(self, source: sqlite3.Connection, seq: int, scratch: _Scratch) -> list[Stored]:
        if not seq:
            return []
        row = source.execute("SELECT * FROM checkpoints WHERE seq = ?", (seq,)).fetchone()
        path = scratch.folder / CHECKPOINT_FILE
        path.write_bytes(msgspec.msgpack.encode(StoredCheckpoint(*row)))
        return [self._ship(path, CHECKPOINT_FILE, scratch)]

    # tape

    def _ship_tape(
        self, previous: Manifest | None, scratch: _Scratch, known_seq: int
    ) -> tuple[list[Stored], int]:
        """Copies of all segments, and the newest seq in them."""
        known = {
            (file.path, file.sealed_digest): file
            for file in (previous.files if previous is not None else ())
            if file.sealed_digest
        }
        reader, found, last_seq = TapeReader(tape_folder(self._state)), list[Stored](), 0
        for part in reader.parts:
            for segment in part.segments:
                path = f"tape/{segment.path.parent.name}/{segment.path.name}"
                index = segment.index()
                if index is None:
                    stored, seq = self._ship_open(reader, segment, path, scratch, known_seq)
                else:
                    sealed, seq = index.digest.hex(), index.last_seq
                    stored = known.get((path, sealed)) or self._ship(segment.path, path, scratch, sealed)
                last_seq = seq or last_seq
                if stored is not None:
                    found.append(stored)
        return found, last_seq

    def _ship_open(
        self, reader: TapeReader, segment: Segment, path: str, scratch: _Scratch, known_seq: int
    ) -> tuple[Stored | None, int]:
        """A segment that is not sealed; the newest only as far as its steps are whole, and durable here."""
        with segment.path.open("rb") as file:
            data = file.read()
            os.fsync(file.fileno())
        if header_fault(data, segment.number):
            if reader.is_newest(segment) and not any(data):
                return None, 0  # just begun
            raise TapeError(f"segment {segment.name} does not begin as one; run `tickerd db check`")
        is_newest = reader.is_newest(segment)
        end, last_seq = whole_end(data, known_seq if is_newest else 1 << 63)
        if durable_mark(data) > end if is_newest else end != len(data):
            raise TapeError(f"segment {segment.name} is damaged at offset {end}; run `tickerd db check`")
        copy = scratch.folder / segment.path.name
        copy.write_bytes(data[:end])
        return self._ship(copy, path, scratch), last_seq

    # proof

    def _verify(self, manifest: Manifest, folder: Path) -> None:
        fetch(self._place, manifest, folder)
        found = self._check(folder)
        if found.faults:
            raise StoreError(
                f"the backup {manifest.generation} in {self._place} is not whole: {found.faults[0]}; "
                "run `tickerd db check` on the state folder"
            )
