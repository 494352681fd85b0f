"""The tape as written: steps go into a buffer, a `flush` makes them survive the process, a `sync` the power.

`flush` and everything before it belong to one thread, the loop's; `sync` may run in another at the same time.
A mark names an offset as durable only when every segment before is durable too, so one mark vouches for all
that is behind it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from actors.core.effects import effect
from actors.core.frames import CHAIN_BYTES, CHAIN_START, HEAD, STEP, FrameWriter, Head, encode_frame
from actors.errors import TapeError
from actors.messages.base import Message
from actors.store.layout import part_folder, segment_header, segment_path, sync_folder

SEGMENT_BYTES = 16 * 1024 * 1024
CHAIN_EVERY = 256
"""Inputs between two frames that state the chain: so closely a changed input can be located."""


class LateStep(NamedTuple):
    """What the step of the last part's last input sent, when only the input had reached the tape."""

    seq: int
    ts_init: int
    chain: bytes
    """After that step."""
    sent: bytes
    """msgpack list."""


class _Place(NamedTuple):
    """How far the tape is written, or durable."""

    segment: int
    fd: int
    offset: int
    seq: int


class TapeWriter:
    """Writes one part at a time. After any `TapeError` nothing may be written or sent: the end is unknown."""

    def __init__(
        self, tape: Path, *, segment_bytes: int = SEGMENT_BYTES, is_preallocated: bool = True
    ) -> None:
        self._tape = tape
        self._segment_bytes, self._is_preallocated = segment_bytes, is_preallocated
        self._frames = FrameWriter()
        self._record = self._frames.record
        self._part: Path | None = None
        self._written = _Place(0, -1, 0, 0)
        self._durable = self._written
        self._marked = 0
        self._retired: list[tuple[int, int]] = []
        self._has_new_name = False
        self._sync_lock = threading.Lock()
        self._fault: str | None = None
        self.last_seq = 0
        self._last_ts = 0

    @property
    def chain(self) -> bytes:
        """Chain after the last appended input."""
        return self._frames.chain

    @property
    def waiting_bytes(self) -> int:
        """Appended and not yet written."""
        return len(self._frames.buffer)

    @property
    def written_seq(self) -> int:
        """Newest input that survives the process."""
        return self._written.seq

    @property
    def durable_seq(self) -> int:
        """Newest input that survives the power."""
        return self._durable.seq

    @property
    def is_behind(self) -> bool:
        """Whether `sync` has anything to do."""
        return self._durable is not self._written

    # parts and segments

    def begin_part(self, head: Head, ts_init: int, late_step: LateStep | None = None) -> None:
        """Start a part; the next `flush` writes its head and all appended since at once.

        Everything up to `head.previous_seq` is durable by now: recovery has seen to it, or the part before.

        Raises:
            TapeError: The part exists, or cannot be made.
        """
        if self._part is not None:
            self._finish()
        number = head.part
        self._part = part_folder(self._tape, number)
        try:
            effect("part.make")
            self._part.mkdir(parents=True)
            sync_folder(self._tape)
        except OSError as error:
            raise self._broken(f"cannot make part {number} of the tape", error) from error
        self._written = self._durable = _Place(0, -1, 0, head.previous_seq)
        self._frames.chain = head.previous_chain
        self.last_seq, self._last_ts = head.previous_seq, ts_init
        self._open_segment(1)
        buffer = self._frames.buffer
        buffer += encode_frame(HEAD, head.previous_seq, ts_init, msgspec.msgpack.encode(head))
        if late_step is not None:
            payload = late_step.chain + late_step.sent
            buffer += encode_frame(STEP, late_step.seq, late_step.ts_init, payload)

    def _open_segment(self, number: int) -> None:
        assert self._part is not None
        path = segment_path(self._part, number)
        try:
            effect("segment.make")
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if self._is_preallocated:
                effect("segment.reserve")
                os.posix_fallocate(fd, 0, self._segment_bytes)
        except OSError as error:
            raise self._broken(f"cannot make segment {number} of {self._part.name}", error) from error
        self._has_new_name = True
        self._marked = 0
        self._frames.buffer[:0] = segment_header(number)
        self._written = _Place(number, fd, 0, self._written.seq)

    def _retire(self) -> None:
        """Give the current segment its real length; `sync` makes it durable and closes it."""
        written = self._written
        try:
            if self._is_preallocated:
                effect("segment.finish")
                os.ftruncate(written.fd, written.offset)
        except OSError as error:
            raise self._broken("cannot finish a tape segment", error) from error
        self._retired.append((written.segment, written.fd))

    # writing

    def append(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Put one input and what its step sent, market data left out, behind what waits to be written."""
        assert seq == self.last_seq + 1, f"input {seq} does not follow {self.last_seq}"
        self._record(seq, ts_init, message, sent)
        self.last_seq = seq
        self._last_ts = ts_init
        if not seq % CHAIN_EVERY:
            self._mark()

    def _mark(self) -> None:
        durable = self._durable
        self._marked = durable.offset if durable.segment == self._written.segment else 0
        self._frames.mark(self._marked, self.last_seq, self._last_ts)

    def flush(self) -> None:
        """Write all that waits; when this returns it survives the death of the process.

        Raises:
            TapeError: The tape cannot be written; send nothing more.
        """
        if self._fault is not None:
            raise TapeError(self._fault)
        buffer = self._frames.buffer
        if not buffer:
            return
        durable, written = self._durable, self._written
        if durable.segment == written.segment and durable.offset != self._marked:
            self._mark()
        size = len(buffer)
        try:
            effect("tape.write")
            done = os.write(written.fd, buffer)
            while done < size:
                effect("tape.write the rest")
                done += os.write(written.fd, memoryview(buffer)[done:])
        except OSError as error:
            raise self._broken("cannot write the tape", error) from error
        buffer.clear()
        offset = written.offset + size
        self._written = _Place(written.segment, written.fd, offset, self.last_seq)
        if offset >= self._segment_bytes:
            self._retire()
            self._open_segment(written.segment + 1)

    def sync(self) -> int:
        """Make all that was written when this was called survive a power cut; returns its last seq.

        Raises:
            TapeError: It cannot be made durable; send nothing more.
        """
        with self._sync_lock:
            if self._fault is not None:
                raise TapeError(self._fault)
            # This order: what is retired before `written` was taken is in the list by now.
            written = self._written
            if written is self._durable or written.fd < 0:
                return written.seq
            has_new_name, self._has_new_name = self._has_new_name, False
            try:
                while self._retired:
                    _, fd = self._retired[0]
                    effect("segment.sync finished")
                    os.fdatasync(fd)
                    if fd == written.fd:
                        break  # rotated just now; closed by the next sync
                    self._retired.pop(0)
                    os.close(fd)
                if not self._retired or self._retired[0][1] != written.fd:
                    effect("tape.sync")
                    os.fdatasync(written.fd)
                if has_new_name and self._part is not None:
                    sync_folder(self._part)
            except OSError as error:
                raise self._broken("cannot make the tape durable", error) from error
            self._durable = written
            return written.seq

    def _finish(self) -> None:
        """End the current part so that all of it is durable and vouched for."""
        self.flush()
        self.sync()
        self._mark()
        self.flush()
        self._retire()
        self.sync_retired()

    def sync_retired(self) -> None:
        """Make finished segments durable and close them."""
        with self._sync_lock:
            try:
                for _, fd in self._retired:
                    effect("part.sync")
                    os.fdatasync(fd)
                    os.close(fd)
                if self._part is not None:
                    sync_folder(self._part)
            except OSError as error:
                raise self._broken("cannot make the tape durable", error) from error
            self._retired.clear()
            self._durable = self._written = _Place(0, -1, 0, self._written.seq)

    def close(self) -> None:
        """Write, sync and close; the part ends with a mark that vouches for all of it."""
        if self._part is None:
            return
        try:
            self._finish()
        finally:
            self._part = None

    def abandon(self) -> None:
        """Give the files up without writing what waits, as a killed process would."""
        for fd in {self._written.fd, *(fd for _, fd in self._retired)} - {-1}:
            os.close(fd)
        self._retired.clear()
        self._written = self._durable = _Place(0, -1, 0, self._written.seq)
        self._part = None
        self._fault = "the tape was given up"

    def _broken(self, what: str, error: OSError) -> TapeError:
        self._fault = f"{what}: {error.strerror}; make room or repair the disk, then start again"
        return TapeError(self._fault)


assert len(CHAIN_START) == CHAIN_BYTES
