"""What a disk may hold after the power is cut: all that was synced, and any part of what was not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from random import Random
from struct import Struct
from typing import NamedTuple

HEAD = Struct("<BiqqI")
SECTOR = 512


class Kind(IntEnum):
    """As in `recorder.c`."""

    OPEN = 1
    CLOSE = 2
    WRITE = 3
    SYNC_BEGIN = 4
    SYNC_END = 5
    TRUNCATE = 6
    ALLOCATE = 7
    RENAME = 8
    UNLINK = 9
    MKDIR = 10
    RMDIR = 11
    SEND = 12


class Event(NamedTuple):
    """One thing the process did."""

    kind: Kind
    fd: int
    a: int
    b: int
    data: bytes

    @property
    def names(self) -> list[str]:
        return [part.decode() for part in self.data.split(b"\0")[:-1]]


def read_record(path: Path) -> Iterator[Event]:
    """Everything in order."""
    data, offset = path.read_bytes(), 0
    while offset + HEAD.size <= len(data):
        kind, fd, a, b, size = HEAD.unpack_from(data, offset)
        offset += HEAD.size
        yield Event(Kind(kind), fd, a, b, data[offset : offset + size])
        offset += size


class _Change(NamedTuple):
    """A write at an offset; a length, if there is no data."""

    offset: int
    data: bytes | None


@dataclass
class _File:
    """Bytes that are safe, and what has been done to the file since."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[_Change] = field(default_factory=list)

    def settle(self, count: int) -> None:
        """The first changes are safe now."""
        for change in self.pending[:count]:
            _apply(self.safe, change)
        del self.pending[:count]


def _apply(content: bytearray, change: _Change) -> None:
    if change.data is None:
        if change.offset < len(content):
            del content[change.offset :]
        else:
            content.extend(bytes(change.offset - len(content)))
        return
    end = change.offset + len(change.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[change.offset : end] = change.data


_Entry = _File | None
"""What a name stands for; None for a folder."""
_GONE = "gone"


class Disk:
    """Files and names below a folder, as the record tells them."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self._now: dict[str, _Entry] = {self._root: None}
        self._safe: dict[str, _Entry] = {self._root: None}
        """Names that survive; of what, the file itself knows."""
        self._open: dict[int, tuple[str, _Entry]] = {}
        self._syncs: dict[int, tuple[_File, list[_Change]] | dict[str, _Entry]] = {}

    def take(self, event: Event) -> None:
        """Follow one event."""
        match event.kind:
            case Kind.OPEN:
                self._take_open(event)
            case Kind.CLOSE:
                self._open.pop(event.fd, None)
            case Kind.WRITE:
                self._change(event.fd, _Change(event.a, event.data))
            case Kind.TRUNCATE:
                self._change(event.fd, _Change(event.a, None))
            case Kind.ALLOCATE:
                self._take_allocation(event)
            case Kind.RENAME:
                self._now[event.names[1]] = self._now.pop(event.names[0])
            case Kind.UNLINK | Kind.RMDIR:
                self._now.pop(event.names[0], None)
            case Kind.MKDIR:
                self._now[event.names[0]] = None
            case Kind.SYNC_BEGIN:
                self._begin_sync(event)
            case Kind.SYNC_END:
                self._end_sync(event)
            case Kind.SEND:
                pass

    def _take_open(self, event: Event) -> None:
        (path,) = event.names
        if path not in self._now and event.a & os.O_CREAT:
            self._now[path] = _File()
        entry = self._now.get(path)
        if isinstance(entry, _File) and event.a & os.O_TRUNC:
            entry.pending.append(_Change(0, None))
        self._open[event.fd] = (path, entry)

    def _change(self, fd: int, change: _Change) -> None:
        entry = self._open[fd][1]
        assert isinstance(entry, _File)
        entry.pending.append(change)

    def _take_allocation(self, event: Event) -> None:
        entry = self._open[event.fd][1]
        assert isinstance(entry, _File)
        size = len(entry.safe)
        for change in entry.pending:
            size = change.offset if change.data is None else max(size, change.offset + len(change.data))
        entry.pending.append(_Change(max(size, event.a + event.b), None))

    def _begin_sync(self, event: Event) -> None:
        path, entry = self._open[event.fd]
        if isinstance(entry, _File):
            self._syncs[event.a] = (entry, list(entry.pending))
        else:
            self._syncs[event.a] = self._names_in(self._now, path)

    def _end_sync(self, event: Event) -> None:
        covered = self._syncs.pop(event.a)
        if isinstance(covered, tuple):
            file, changes = covered
            file.settle(sum(any(change is done for done in changes) for change in file.pending))
            return
        path = self._open[event.fd][0]
        for name in self._names_in(self._safe, path):
            self._safe.pop(name)
        self._safe.update(covered)

    @staticmethod
    def _names_in(names: dict[str, _Entry], folder: str) -> dict[str, _Entry]:
        return {name: entry for name, entry in names.items() if name.rpartition("/")[0] == folder}

    def build(self, folder: Path, chance: Random | None) -> None:
        """Write a state that a power cut now may leave; without chance, only what is safe."""
        names = dict(self._safe)
        for name in sorted(self._now.keys() | self._safe.keys()):
            is_same = self._now.get(name, _GONE) is self._safe.get(name, _GONE)
            if chance is not None and not is_same and chance.random() < 0.5:
                if name in self._now:
                    names[name] = self._now[name]
                else:
                    names.pop(name, None)
        for name in sorted(names):
            target = folder / name.removeprefix(self._root).lstrip("/")
            entry = names[name]
            if name != self._root and name.rpartition("/")[0] not in names:
                continue  # the folder it was in is gone
            if entry is None:
                target.mkdir(parents=True, exist_ok=True)
            elif not name.endswith("-shm"):  # made anew from the log whenever nobody has the database open
                target.write_bytes(self._content(entry, chance))

    @staticmethod
    def _content(file: _File, chance: Random | None) -> bytes:
        content = bytearray(file.safe)
        if chance is None:
            return bytes(content)
        share = chance.choice((0.0, 0.5, 0.9, 1.0))
        for change in file.pending:
            if change.data is None:
                if chance.random() < share:
                    _apply(content, change)
                continue
            for piece in _sectors(change.offset, change.data):
                if chance.random() < share:
                    _apply(content, piece)
        return bytes(content)


def _sectors(offset: int, data: bytes) -> Iterator[_Change]:
    """A write in the pieces that a disk writes whole."""
    start = 0
    while start < len(data):
        end = min(len(data), start + SECTOR - (offset + start) % SECTOR)
        yield _Change(offset + start, data[start:end])
        start = end
