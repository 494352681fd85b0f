"""The tape's end after a crash, its beginning when it grows too long: what is cut off, what never is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from actors.core.effects import effect
from actors.core.frames import MARK, MARK_BYTES, scan_frames
from actors.errors import BadFrame
from actors.store.layout import (
    HEADER_BYTES,
    TAPE,
    TORN,
    Part,
    Segment,
    header_fault,
    list_parts,
    list_segments,
    sync_folder,
    write_durably,
)

DAY_NS = 86_400 * 1_000_000_000
PRUNED = "pruned-"
"""Name of a part that is being deleted: nothing reads it."""
_MARK = re.compile(
    re.escape(MARK_BYTES.to_bytes(4, "little"))
    + rb"(?P<crc>.{4})(?P<body>%c.{16}(?P<offset>.{8}).{%d})" % (MARK, MARK_BYTES - 8),
    re.DOTALL,
)
_ZEROS = bytes(1 << 16)
_U32, _U64 = Struct("<I"), Struct("<Q")


@dataclass
class TapeEnd:
    """Where the tape ends once it is whole."""

    last_seq: int = 0
    last_ts: int = 0
    cut_bytes: int = 0
    torn: list[Path] = field(default_factory=list)
    """What was cut off, kept aside."""


class _Scan(NamedTuple):
    """One unsealed segment, read up to its first bad frame."""

    data: bytes
    end: int
    last_seq: int | None
    last_ts: int
    fault: str | None


def durable_mark(data: bytes, start: int = 0) -> int:
    """Highest offset that any undamaged mark behind `start` names, wherever frames begin; 0 without marks."""
    highest = 0
    written = _written_end(data) + MARK_BYTES  # behind it is reserved space, which takes long to search
    for found in _MARK.finditer(data, start, written):
        if crc32(found["body"]) == _U32.unpack(found["crc"])[0]:
            highest = max(highest, _U64.unpack(found["offset"])[0])
    return highest


def _scan(segment: Segment) -> _Scan:
    data = segment.read()
    fault = header_fault(data, segment.number)
    if fault:
        return _Scan(data, 0, None, 0, fault)
    return _Scan(data, *scan_frames(data, HEADER_BYTES))


def _written_end(data: bytes) -> int:
    """Where the zeros begin that a segment ends in; by blocks, since most of it may be reserved space."""
    end, block = len(data), len(_ZEROS)
    while end >= block and data[end - block : end] == _ZEROS:
        end -= block
    begin = max(0, end - block)
    return begin + len(data[begin:end].rstrip(b"\0"))


def cut_torn_end(tape: Path) -> TapeEnd:
    """Cut what a crash has left half written in the newest part, and say where the tape ends.

    Raises:
        BadFrame: A frame that was known durable is damaged; nothing is cut, the operator must decide.
    """
    end = TapeEnd()
    while parts := list_parts(tape):
        part = parts[-1]
        for file in part.path.glob("*.tmp"):
            effect("repair.unlink half a file")
            file.unlink()
        if part.segments and _cut_part(part, end):
            _make_durable(part)
            return end
        _set_aside(part, end)
    return end


def _make_durable(part: Part) -> None:
    """What was read back may still be in the system's memory only; from now on it counts as durable."""
    for segment in list_segments(part.path):
        with segment.path.open("rb") as file:
            effect("repair.sync what was read")
            os.fsync(file.fileno())
    sync_folder(part.path)


def _cut_part(part: Part, end: TapeEnd) -> bool:
    """Whether anything of the part is left.

    A part without a whole input has let nothing leave: its first write is made again, the late step
    of the part before included.
    """
    for place, segment in enumerate(part.segments):
        index = segment.index()
        if index is not None:
            if index.last_seq:
                end.last_seq, end.last_ts = index.last_seq, index.last_ts
            continue
        scan = _scan(segment)
        if scan.last_seq is not None:
            end.last_seq, end.last_ts = scan.last_seq, scan.last_ts
        if scan.fault is not None:
            _check_not_durable(part, place, scan, end)
            _cut(segment, scan, end)
            for later in part.segments[place + 1 :]:
                _keep_aside(later.path, later.read(), end)
                effect("repair.unlink later segment")
                later.path.unlink()
            sync_folder(part.path)
            break
    first = part.segments[0]
    frame = first.head_frame() if first.path.exists() else None
    if frame is None or end.last_seq <= frame.seq:
        return False
    end.last_ts = max(end.last_ts, frame.ts_init)
    return True


def _check_not_durable(part: Part, place: int, scan: _Scan, end: TapeEnd) -> None:
    """Raise when a mark says that the bad frame was durable once."""
    later = any(durable_mark(segment.read()) > 0 for segment in part.segments[place + 1 :])
    if later or durable_mark(scan.data) > scan.end:
        assert scan.fault is not None
        raise BadFrame(
            part.segments[place].name,
            scan.end,
            end.last_seq or None,
            f"{scan.fault}; it was durable once, so the disk has lost it: restore the segment from a backup",
        )


def _cut(segment: Segment, scan: _Scan, end: TapeEnd) -> None:
    written = _written_end(scan.data)
    if written > scan.end:  # else it is only reserved space
        _keep_aside(segment.path, scan.data[scan.end : written], end)
    if scan.end < HEADER_BYTES:
        effect("repair.unlink segment")
        segment.path.unlink()
        return
    with segment.path.open("r+b") as file:
        effect("repair.truncate")
        file.truncate(scan.end)
        effect("repair.sync")
        os.fsync(file.fileno())


def _keep_aside(path: Path, data: bytes, end: TapeEnd) -> None:
    data = data.rstrip(b"\0")
    aside = path.with_suffix(TORN)
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_suffix(f".{number}{TORN}")
    write_durably(aside, data)
    end.torn.append(aside)
    end.cut_bytes += len(data)


def _set_aside(part: Part, end: TapeEnd) -> None:
    """A part whose first write never became whole is no part."""
    aside = part.path.with_name(f"torn-{part.path.name}")
    number = 1
    while aside.exists():
        number += 1
        aside = part.path.with_name(f"torn-{part.path.name}-{number}")
    effect("repair.set part aside")
    part.path.rename(aside)
    sync_folder(part.path.parent)
    end.torn = [aside / path.name if path.parent == part.path else path for path in end.torn]
    end.torn.append(aside)


def prunable(
    tape: Path, *, now_ns: int, needed_after_seq: int, keep_days: float | None, keep_gb: float | None
) -> list[Part]:
    """Oldest parts that may go: too old, or too much; never the newest, nor one with inputs still needed.

    Args:
        needed_after_seq: Seq of the last but one checkpoint.
    """
    parts = list_parts(tape)
    total = sum(part.size_bytes for part in parts) if keep_gb is not None else 0
    found = []
    for part, following in pairwise(parts):
        if following.head.previous_seq > needed_after_seq:
            break
        is_old = keep_days is not None and now_ns - following.head_frame.ts_init > keep_days * DAY_NS
        if not is_old and not (keep_gb is not None and total > keep_gb * 1e9):
            break
        found.append(part)
        total -= part.size_bytes if keep_gb is not None else 0
    return found


def prune(tape: Path, parts: list[Part]) -> None:
    """Delete these parts, and what a crash has left of others; one is whole, or none any more."""
    for part in parts:
        effect("prune.rename")
        part.path.rename(part.path.with_name(PRUNED + part.path.name))
        sync_folder(tape)
    for folder in sorted(tape.glob(f"{PRUNED}*")):
        for file in sorted(folder.iterdir()):
            effect("prune.unlink")
            file.unlink()
        effect("prune.remove folder")
        folder.rmdir()


assert TAPE != TORN
