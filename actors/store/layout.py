"""Layout: where parts and segments of the tape lie, and how one is read, sealed or not.

tape/part-000001/000001.tape      magic | version u32 | segment u32 | frames; zeros at the end are reserved
tape/part-000001/000001.sealed    the same bytes, sealed
tape/part-000001/000003.torn      what was cut off after a crash; nothing reads it
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from struct import Struct

import msgspec

from actors.core.effects import effect
from actors.core.frames import HEAD, PAYLOAD_BYTES_MAX, Frame, Head, TornFrame, read_frames
from actors.core.frames import HEADER_BYTES as FRAME_HEADER_BYTES
from actors.errors import BadFrame, TapeError
from actors.store.sealing import Index, index_bytes, read_index, seal_bytes, sealed_head, unseal

TAPE, SEALED, TORN = ".tape", ".sealed", ".torn"
MAGIC = b"TICKTAPE"
VERSION = 1
_HEADER = Struct("<8sII")
HEADER_BYTES = _HEADER.size


def segment_header(number: int) -> bytes:
    """What a segment begins with."""
    return _HEADER.pack(MAGIC, VERSION, number)


def header_fault(data: bytes, number: int) -> str | None:
    """Why these are not the first bytes of segment `number`; None when they are."""
    if len(data) < HEADER_BYTES:
        return f"{len(data)} bytes are no segment header"
    magic, version, found = _HEADER.unpack_from(data)
    if magic != MAGIC:
        return "does not begin as a tape segment"
    if version != VERSION:
        return f"written in tape format {version}, this tickerd reads {VERSION}"
    return None if found == number else f"says it is segment {found}"


@dataclass(frozen=True)
class Segment:
    """One file of a part."""

    path: Path
    number: int

    @property
    def is_sealed(self) -> bool:
        return self.path.suffix == SEALED

    @property
    def name(self) -> str:
        """As errors name it: part and file."""
        return f"{self.path.parent.name}/{self.path.name}"

    def read(self) -> bytes:
        """The segment's bytes as they were written, header included.

        Raises:
            BadFrame: A sealed segment is damaged.
            TapeError: The file cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            sealed = self.path.with_suffix(SEALED)  # sealed since it was listed
            if self.is_sealed or not sealed.exists():
                raise TapeError(f"tape segment {self.name} is gone; restore it from a backup") from None
            return Segment(sealed, self.number).read()
        except OSError as error:
            raise TapeError(f"cannot read tape segment {self.name}: {error.strerror}") from error
        if not self.is_sealed:
            return data
        try:
            return unseal(data)
        except ValueError as error:
            raise BadFrame(self.name, 0, None, str(error)) from error

    def index(self) -> Index | None:
        """What a sealed segment holds, without reading its body; None while it is not sealed."""
        if not self.is_sealed:
            return None
        return self._index()[0]

    def _index(self) -> tuple[Index, bytes]:
        try:
            with self.path.open("rb") as file:
                start = file.read(64 * 1024)
                size = index_bytes(start)
                start += file.read(max(0, size - len(start)))
                index = read_index(start)
                start += file.read(max(0, size + index.head_bytes - len(start)))
            return index, start
        except ValueError as error:
            raise BadFrame(self.name, 0, None, str(error)) from error

    def _start(self) -> bytes:
        """As much of an unsealed segment as its first frame takes."""
        with self.path.open("rb") as file:
            start = file.read(HEADER_BYTES + FRAME_HEADER_BYTES)
            if len(start) < HEADER_BYTES + FRAME_HEADER_BYTES:
                return start
            length = int.from_bytes(start[HEADER_BYTES : HEADER_BYTES + 4], "little")
            return start + file.read(min(length, PAYLOAD_BYTES_MAX))

    def head_frame(self) -> Frame | None:
        """The frame a part's first segment begins with; None when there is none, or it is damaged."""
        if self.is_sealed:
            index, start = self._index()
            data, offset = sealed_head(start, index) if index.head_bytes else b"", 0
        else:
            data, offset = self._start(), HEADER_BYTES
            if header_fault(data, self.number):
                return None
        try:
            frame = next(read_frames(data, offset), None)
        except TornFrame:
            return None
        return frame if frame is not None and frame.kind == HEAD else None


@dataclass(frozen=True)
class Part:
    """One part: its folder and segments as they were when listed."""

    path: Path
    number: int
    segments: tuple[Segment, ...]

    @cached_property
    def head_frame(self) -> Frame:
        """The HEAD frame.

        Raises:
            BadFrame: There is none.
        """
        frame = self.segments[0].head_frame() if self.segments else None
        if frame is None:
            raise BadFrame(f"{self.path.name}", 0, None, "the part does not begin with an undamaged head")
        return frame

    @cached_property
    def head(self) -> Head:
        """What the part starts from."""
        return decode_head(self.head_frame.payload)

    @property
    def size_bytes(self) -> int:
        """On disk, what was cut off included."""
        return sum(file.stat().st_size for file in self.path.iterdir() if file.is_file())


def decode_head(payload: bytes) -> Head:
    """The head in a HEAD frame.

    Raises:
        TapeError: Written by another version.
    """
    try:
        return msgspec.msgpack.decode(payload, type=Head)
    except msgspec.DecodeError as error:
        raise TapeError(
            f"this tape's head was written by another tickerd ({error}); replay it with that one"
        ) from error


def tape_folder(state: Path) -> Path:
    """Where a state folder keeps its tape."""
    return state / "tape"


def part_folder(tape: Path, number: int) -> Path:
    """Folder of one part."""
    return tape / f"part-{number:06d}"


def segment_path(part: Path, number: int) -> Path:
    """File of one segment while it is not sealed."""
    return part / f"{number:06d}{TAPE}"


def list_segments(part: Path) -> tuple[Segment, ...]:
    """Segments of a part in order; one found both sealed and not counts as sealed."""
    found: dict[int, Segment] = {}
    for file in sorted(part.iterdir()):
        if file.suffix in (TAPE, SEALED) and file.stem.isdecimal():
            number = int(file.stem)
            if number not in found or file.suffix == SEALED:
                found[number] = Segment(file, number)
    return tuple(found[number] for number in sorted(found))


def list_parts(tape: Path) -> list[Part]:
    """Parts in order; heads are read when asked for."""
    if not tape.is_dir():
        return []
    parts = []
    for folder in sorted(tape.iterdir()):
        prefix, _, number = folder.name.partition("-")
        if prefix == "part" and number.isdecimal() and folder.is_dir():
            parts.append(Part(folder, int(number), list_segments(folder)))
    return parts


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        effect("folder.sync")
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes) -> None:
    """A whole file that is there after this returns, or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    effect("file.make")
    with temporary.open("wb") as file:
        effect("file.write")
        file.write(data)
        effect("file.flush")
        file.flush()
        effect("file.sync")
        os.fsync(file.fileno())
    effect("file.rename")
    temporary.replace(path)
    sync_folder(path.parent)


def seal(path: Path) -> Path:
    """Replace a finished segment by its sealed form, once that is proven to give its bytes back.

    Meant for another process or thread: it takes about a second for 16 MB. Does nothing to a sealed segment.

    Raises:
        BadFrame: The segment is damaged and stays as it is.
    """
    if path.suffix == SEALED:
        return path
    data = path.read_bytes()
    number = int(path.stem)
    segment = Segment(path, number)
    fault = header_fault(data, number)
    if fault:
        raise BadFrame(segment.name, 0, None, fault)
    try:
        sealed = seal_bytes(data, HEADER_BYTES)
    except TornFrame as torn:
        raise BadFrame(segment.name, torn.offset, None, torn.why) from torn
    target = path.with_suffix(SEALED)
    write_durably(target, sealed)
    if Segment(target, number).read() != data:
        effect("sealed.drop")
        target.unlink()
        raise TapeError(f"sealing {segment.name} did not give its bytes back; it is kept unsealed")
    effect("sealed.unlink original")
    path.unlink()
    sync_folder(path.parent)
    return target


def unsealed(tape: Path) -> list[Path]:
    """Segments that are finished and not sealed: all but the newest, which may still be written."""
    segments = [segment for part in list_parts(tape) for segment in part.segments]
    return [segment.path for segment in segments[:-1] if not segment.is_sealed]
