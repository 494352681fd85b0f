"""The state folder: made once with a random store id, and held by one process at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

import msgspec

from actors.core.effects import effect
from actors.errors import StateLocked, StoreError
from actors.model.ids import base36
from actors.store.layout import sync_folder, write_durably

LOCK = "lock"
IDENTITY = "store.json"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose orders these are: the id that client order ids carry, and former ones."""

    store_id: str
    lineage: tuple[str, ...] = ()


def _make(state: Path) -> None:
    """The folder, its own name durable: books in a folder that a power loss unmakes are no books."""
    missing = [folder for folder in (state, *state.parents) if not folder.exists()]
    effect("state.make")
    state.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


class StateLock:
    """Holds the state folder until released, or until the process dies."""

    def __init__(self, state: Path) -> None:
        """Take the lock.

        Raises:
            StateLocked: Another process holds it.
            StoreError: The folder cannot be written.
        """
        self.path = state / LOCK
        try:
            _make(state)
            effect("lock.make")
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot use the state folder {state} ({error.strerror}); check its owner and permissions"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StateLocked(
                f"the state folder {state} is held by process {holder}; stop that one or give another --state"
            ) from None
        effect("lock.truncate")
        os.ftruncate(self._fd, 0)
        effect("lock.write")
        os.pwrite(self._fd, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let another process have the folder."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> StateLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def read_identity(state: Path) -> Identity | None:
    """Who the folder is; None before its first start.

    Raises:
        StoreError: The file is damaged.
    """
    path = state / IDENTITY
    try:
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}); restore it from a backup") from error


def new_store_id() -> str:
    """A random id: two stores share one with a chance of 1 in 1.7 million."""
    return base36(secrets.randbelow(36**4), 4)


def identify(state: Path) -> Identity:
    """Who the folder is, drawn and written durably at its first start."""
    found = read_identity(state)
    if found is None:
        found = Identity(store_id=new_store_id())
        write_durably(state / IDENTITY, msgspec.json.encode(found))
    return found


def renew_identity(state: Path) -> Identity:
    """Draw a new store id for a folder restored from a backup: ids of the old one may be in use."""
    before = identify(state)
    fresh = new_store_id()
    while fresh == before.store_id or fresh in before.lineage:
        fresh = new_store_id()
    renewed = Identity(store_id=fresh, lineage=(*before.lineage, before.store_id))
    write_durably(state / IDENTITY, msgspec.json.encode(renewed))
    return renewed
