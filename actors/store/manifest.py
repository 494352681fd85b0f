"""What a backup consists of.

manifest.json                            the newest generation's, written last
generations/20261120T104331Z/            one backup: its manifest, database and segments not yet sealed
tape/part-000001/000001.<digest>.sealed  sealed segments, which all later generations share

A generation can be deleted when nobody wants to restore it any more; sealed segments when their part is older
than every generation that is kept.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path, PurePosixPath

import msgspec

from actors.errors import StoreError
from actors.store.places import Place

MANIFEST = "manifest.json"
FORMAT = 1
CHECKPOINT_FILE = "checkpoint"
"""Stands for no file of the state folder: a checkpoint newer than the database beside it."""
DATABASE_FILE = "tickerd.db"
_BLOCK = 1 << 20


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the state folder and where its copy is."""

    path: str
    """In the state folder."""
    name: str
    """In the place."""
    size_bytes: int
    """Of the copy."""
    digest: str
    """Of the copy."""
    sealed_digest: str = ""
    """What a sealed segment says of itself: so it is known again without being read."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One generation: everything a state folder needs."""

    format: int = FORMAT
    generation: str
    made_at: int
    """Nanoseconds UTC."""
    store_id: str
    lineage: tuple[str, ...]
    last_seq: int
    """Newest input on the copied tape."""
    applied_seq: int
    """Of the copied database."""
    checkpoint_seq: int
    files: list[Stored]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class StoredCheckpoint(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint as a file: the row of the database."""

    seq: int
    chain: bytes
    created: int
    packed: bytes
    digest: bytes


def digest_of(path: Path) -> str:
    """Of a file's bytes."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def manifest_name(generation: str) -> str:
    """Where a generation's own manifest stands."""
    return f"generations/{generation}/{MANIFEST}"


def write_manifest(place: Place, manifest: Manifest, name: str) -> None:
    """Keep a manifest under a name, for people to read, too."""
    place.write(name, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def read_manifest(place: Place, generation: str | None = None) -> Manifest | None:
    """A generation's manifest, or the newest; None when there is none.

    Raises:
        StoreError: It is damaged, or was written by a newer tickerd.
    """
    data = place.read(manifest_name(generation) if generation else MANIFEST)
    if data is None:
        return None
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the manifest in {place} is damaged ({error}); name an older generation with --generation"
        ) from error
    if manifest.format != FORMAT:
        raise StoreError(
            f"the backup in {place} has format {manifest.format}, this tickerd reads {FORMAT}: "
            "restore it with the one that made it"
        )
    for file in manifest.files:
        for name in (file.path, file.name):
            parts = PurePosixPath(name).parts
            if not parts or parts[0] == "/" or ".." in parts:
                raise StoreError(f"the manifest in {place} names a file outside of it: {name}")
    return manifest
