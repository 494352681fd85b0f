"""The tape walked from end to end: every frame whole, one seq after another, one chain through all parts."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from actors.core.frames import (
    CHAIN_BYTES,
    CHAIN_START,
    HEAD,
    INPUT,
    MARK,
    STEP,
    Frame,
    TornFrame,
    next_chain,
    read_frames,
)
from actors.errors import BadFrame
from actors.store.layout import HEADER_BYTES, decode_head
from actors.store.tape_reader import TapeReader

_CRC_END = 8
_MARK_CHAIN = 8


@dataclass
class TapeChecked:
    """What a walk has seen."""

    parts: int = 0
    segments: int = 0
    inputs: int = 0
    first_seq: int = 0
    """0 without inputs."""
    last_seq: int = 0
    last_ts: int = 0
    chains: dict[int, bytes] = field(default_factory=dict)
    """Chain after each of the inputs asked about."""
    torn: str | None = None
    """What a crash, or a write under way, has left at the end."""


class _Walk:
    """Frames in order; a head waits for the late step of the part before, which stands behind it."""

    def __init__(self, wanted: Container[int]) -> None:
        self.found = TapeChecked()
        self._wanted = wanted
        self._chain: bytes | None = None
        self._held: tuple[Frame, bytes] | None = None
        self._head: tuple[str, Frame] | None = None

    def take(self, segment: str, frame: Frame, body: bytes) -> None:
        """Check one frame; `body` is what its checksum covers."""
        if frame.kind == HEAD:
            self._check_head()
            self._head = (segment, frame)
            return
        is_step = frame.kind == STEP
        if is_step and (self._held is None or self._held[0].seq != frame.seq):
            raise self._bad(segment, frame, f"the step of seq {frame.seq} stands without its input")
        self._settle(segment, frame if is_step else None)
        self._check_head()
        if frame.kind == INPUT:
            if frame.seq != self.found.last_seq + 1:
                raise self._bad(
                    segment, frame, f"seq {frame.seq} stands where {self.found.last_seq + 1} is due"
                )
            self._held = (frame, body)
            self.found.inputs += 1
            self.found.first_seq = self.found.first_seq or frame.seq
            self.found.last_seq, self.found.last_ts = frame.seq, frame.ts_init
        elif frame.kind == MARK and (
            frame.seq != self.found.last_seq or frame.payload[_MARK_CHAIN:] != self._chain
        ):
            raise self._bad(segment, frame, "the chain is another one: what stands before was changed")

    def _settle(self, segment: str, step: Frame | None) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        given, body = held
        assert self._chain is not None
        sent = step.payload[CHAIN_BYTES:] if step is not None else b""
        self._chain = next_chain(self._chain, body, sent)
        if step is not None and step.payload[:CHAIN_BYTES] != self._chain:
            why = "the chain is another one: this input, its step or what stands before was changed"
            raise self._bad(segment, step, why)
        if given.seq in self._wanted:
            self.found.chains[given.seq] = self._chain

    def _check_head(self) -> None:
        waiting, self._head = self._head, None
        if waiting is None:
            return
        segment, frame = waiting
        self._settle(segment, None)
        head = decode_head(frame.payload)
        if (
            self._chain is None
        ):  # the oldest part that is kept; nothing on the tape vouches for what was before
            self.found.last_seq, self._chain = head.previous_seq, head.previous_chain
            if not head.previous_seq and head.previous_chain != CHAIN_START:
                raise self._bad(segment, frame, "the first part does not begin with the empty chain")
        if head.previous_seq != self.found.last_seq:
            why = f"the part follows seq {head.previous_seq}, the one before ends with {self.found.last_seq}"
            raise self._bad(segment, frame, why)
        if head.previous_chain != self._chain:
            raise self._bad(segment, frame, "the part follows another chain: the part before was changed")
        if head.previous_seq in self._wanted:
            self.found.chains[head.previous_seq] = self._chain
        self.found.parts += 1

    def end(self, segment: str) -> TapeChecked:
        """No frame follows."""
        self._check_head()
        self._settle(segment, None)
        return self.found

    def _bad(self, segment: str, frame: Frame, why: str) -> BadFrame:
        return BadFrame(segment, frame.offset, self.found.last_seq or None, why)


def check_tape(reader: TapeReader, wanted: Container[int] = ()) -> TapeChecked:
    """Walk all parts; the chain after each seq of `wanted` is kept.

    Raises:
        BadFrame: The first place where the tape is not what was written.
        TapeError: A segment cannot be read, or was written by another version.
    """
    walk, name = _Walk(wanted), "tape"
    for _, segment in reader.segments(first=0):
        name = segment.name
        walk.found.segments += 1
        data = reader.data(segment)
        try:
            for frame in read_frames(data, HEADER_BYTES) if data else ():
                walk.take(name, frame, data[frame.offset + _CRC_END : frame.end])
        except TornFrame as torn:
            walk.found.torn = reader.torn_end(segment, data, torn, walk.found.last_seq or None)
    return walk.end(name)
