"""The tape as it is read: segments, frames and steps across parts, sealed or not, from any seq on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actors.core.frames import INPUT, STEP, Frame, Step, StepReader, TornFrame, read_frames
from actors.errors import BadFrame, TapeError
from actors.store.layout import HEADER_BYTES, Part, Segment, header_fault, list_parts
from actors.store.tape_repair import durable_mark


class TapeReader:
    """Reads what was on the tape when it was made; one still being written ends where it is whole."""

    def __init__(self, tape: Path) -> None:
        self.parts = list_parts(tape)
        self._last = self.parts[-1].segments[-1].path if self.parts and self.parts[-1].segments else None

    def part_before(self, seq: int) -> int:
        """Place in `parts` of the newest part that begins with all inputs up to `seq` behind it, or before.

        Raises:
            TapeError: The tape no longer reaches back so far.
        """
        for place in range(len(self.parts) - 1, -1, -1):
            if self.parts[place].head.previous_seq <= seq:
                return place
        oldest = self.parts[0].head.previous_seq if self.parts else 0
        raise TapeError(f"the tape does not reach back to seq {seq}; its oldest part begins after {oldest}")

    def segments(self, after_seq: int = 0, first: int | None = None) -> Iterator[tuple[Part, Segment]]:
        """Segments that may hold inputs after `after_seq`, in order; `first` is a place in `parts`."""
        if not self.parts:
            return
        for part in self.parts[self.part_before(after_seq) if first is None else first :]:
            for segment in part.segments:
                index = segment.index()
                is_head = segment.number == 1
                if index is None or is_head or index.last_seq == 0 or index.last_seq > after_seq:
                    yield part, segment

    def data(self, segment: Segment) -> bytes:
        """A segment's bytes without reserved space; only the newest segment may end in it.

        Raises:
            BadFrame: The segment does not begin as one.
        """
        data = segment.read()
        fault = header_fault(data, segment.number)
        if fault is None:
            return data
        if self.is_newest(segment) and not any(data):
            return b""
        raise BadFrame(segment.name, 0, None, fault)

    def torn_end(self, segment: Segment, data: bytes, torn: TornFrame, last_seq: int | None) -> str | None:
        """What to say of a segment that ends in half a frame, as a crash or a write under way leaves it.

        Raises:
            BadFrame: It was whole there once.
        """
        if not self.is_newest(segment) or durable_mark(data) > torn.offset:
            raise BadFrame(segment.name, torn.offset, last_seq, torn.why) from torn
        left = len(data[torn.offset :].rstrip(b"\0"))
        if not left:
            return None  # reserved space
        return f"{segment.name} ends in {left} bytes at offset {torn.offset} that are no whole frame"

    def is_newest(self, segment: Segment) -> bool:
        """Whether the segment may still be written."""
        return segment.path == self._last

    def frames(self, after_seq: int = 0, first: int | None = None) -> Iterator[Frame]:
        """Frames of inputs after `after_seq` and of their steps, with the marks and heads between them.

        Raises:
            BadFrame: A damaged frame before the newest segment's end.
        """
        last_seq: int | None = None
        for _, segment in self.segments(after_seq, first):
            data = self.data(segment)
            try:
                for frame in read_frames(data, HEADER_BYTES):
                    if frame.kind in (INPUT, STEP):
                        last_seq = frame.seq
                        if last_seq <= after_seq:
                            continue
                    yield frame
            except TornFrame as torn:
                self.torn_end(segment, data, torn, last_seq)
                return

    def steps(self, after_seq: int = 0, first: int | None = None) -> Iterator[Step]:
        """Steps of inputs after `after_seq`.

        Raises:
            BadFrame: A damaged frame, or a step without its input.
        """
        try:
            yield from StepReader().steps(self.frames(after_seq, first))
        except TornFrame as torn:
            raise BadFrame("tape", torn.offset, None, torn.why) from torn
