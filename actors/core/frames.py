"""Frames: how inputs, and what their steps sent, stand on the tape. Pure: bytes in, bytes out.

    frame   = length u32 | crc u32 | kind u8 | seq u64 | ts_init i64 | payload       (little endian)
    length  = bytes of the payload; crc = CRC-32 of everything behind it
    INPUT   = one message, msgpack
    STEP    = chain (16 bytes) | msgpack list of the messages its input's step sent, market data left out
    MARK    = offset u64 in this segment known to be durable when the write that holds the mark began
              | chain (16 bytes) after the last input before the mark; the frame's seq is that input's
    HEAD    = what a part starts from, msgpack of `Head`

chain_n = H(chain_n-1, input bytes, messages) runs over every input, also over those whose step sent nothing;
so one chain value vouches for everything before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from struct import Struct
from types import GenericAlias
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from actors.messages import any_message
from actors.messages.base import Message

HEAD, INPUT, STEP, MARK = 1, 2, 3, 4
CHAIN_BYTES = 16
CHAIN_START = bytes(CHAIN_BYTES)
PAYLOAD_BYTES_MAX = 256 * 1024 * 1024

_FRONT = Struct("<II")
_BODY = Struct("<BQq")
HEADER_BYTES = _FRONT.size + _BODY.size
MARK_BYTES = 8 + CHAIN_BYTES


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of the tape starts from: everything a replay needs besides the inputs."""

    store_id: str
    epoch: int
    session: str
    part: int
    config: dict[str, Any]
    strategy_hash: str
    versions: dict[str, str]
    seed: int
    schema: str
    """Fingerprint of all message and snapshot structs."""
    strategies: dict[str, str] = {}
    """Strategy → fingerprint of its code and of what it was made with."""
    recorded_from: int = 0
    """First input before this part whose step could not be repeated and stands as recorded; 0 for none."""
    previous_seq: int
    previous_chain: bytes
    snapshot: bytes
    """msgpack of `CoreSnapshot`."""


class Frame(NamedTuple):
    """One frame as read; `offset` is where it begins, `end` where the next one does."""

    kind: int
    seq: int
    ts_init: int
    payload: bytes
    offset: int
    end: int


class TornFrame(Exception):
    """The bytes at `offset` are not a whole, undamaged frame."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset, self.why = offset, why


def encode_frame(kind: int, seq: int, ts_init: int, payload: bytes) -> bytes:
    """One frame."""
    body = _BODY.pack(kind, seq, ts_init) + payload
    return _FRONT.pack(len(payload), crc32(body)) + body


def read_frames(data: bytes | memoryview, start: int = 0) -> Iterator[Frame]:
    """All frames from `start` on.

    Raises:
        TornFrame: At the first frame that is cut off or damaged; the frames before it were yielded.
    """
    size, offset = len(data), start
    while offset < size:
        if size - offset < HEADER_BYTES:
            raise TornFrame(offset, f"{size - offset} bytes are no frame header")
        length, crc = _FRONT.unpack_from(data, offset)
        end = offset + HEADER_BYTES + length
        if length > PAYLOAD_BYTES_MAX or end > size:
            raise TornFrame(offset, f"a payload of {length} bytes does not fit into the {size - offset} left")
        body = bytes(data[offset + _FRONT.size : end])
        if crc32(body) != crc:
            raise TornFrame(offset, "checksum differs")
        kind, seq, ts_init = _BODY.unpack_from(body)
        yield Frame(kind, seq, ts_init, body[_BODY.size :], offset, end)
        offset = end


class WholeFrames(NamedTuple):
    """How far the frames of some bytes are whole."""

    end: int
    last_seq: int | None
    """Newest input, or step, among them."""
    last_ts: int
    fault: str | None
    """What is wrong with the next one; None when the bytes end there."""


def scan_frames(data: bytes, start: int) -> WholeFrames:
    """What `read_frames` would find, without making the frames: a start reads a whole segment this way."""
    size, offset, front, body = len(data), start, _FRONT.unpack_from, _BODY.unpack_from
    last_seq, last_ts = None, 0
    while offset < size:
        if size - offset < HEADER_BYTES:
            return WholeFrames(offset, last_seq, last_ts, f"{size - offset} bytes are no frame header")
        length, crc = front(data, offset)
        end = offset + HEADER_BYTES + length
        if length > PAYLOAD_BYTES_MAX or end > size:
            why = f"a payload of {length} bytes does not fit into the {size - offset} left"
            return WholeFrames(offset, last_seq, last_ts, why)
        if crc32(data[offset + _FRONT.size : end]) != crc:
            return WholeFrames(offset, last_seq, last_ts, "checksum differs")
        kind, seq, ts_init = body(data, offset + _FRONT.size)
        if kind in (INPUT, STEP):
            last_seq, last_ts = seq, ts_init
        offset = end
    return WholeFrames(offset, last_seq, last_ts, None)


class FrameWriter:
    """Turns steps into frames in `buffer` and carries the chain on; the caller writes and clears it."""

    __slots__ = ("_encode", "buffer", "chain")

    def __init__(self, chain: bytes = CHAIN_START) -> None:
        self.chain = chain
        self.buffer = bytearray()
        self._encode = msgspec.msgpack.Encoder().encode

    def record(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Append the input's frame, and its step's frame when the step sent anything."""
        body = _BODY.pack(INPUT, seq, ts_init) + self._encode(message)
        buffer = self.buffer
        buffer += _FRONT.pack(len(body) - _BODY.size, crc32(body))
        buffer += body
        if not sent:
            self.chain = blake2b(self.chain + body, digest_size=CHAIN_BYTES).digest()
            return
        messages = self._encode(sent)
        chain = self.chain = blake2b(self.chain + body + messages, digest_size=CHAIN_BYTES).digest()
        buffer += encode_frame(STEP, seq, ts_init, chain + messages)

    def mark(self, durable_offset: int, seq: int, ts_init: int) -> None:
        """Append a frame that names the offset known durable, and the chain so far."""
        self.buffer += encode_frame(MARK, seq, ts_init, durable_offset.to_bytes(8, "little") + self.chain)


class Step(NamedTuple):
    """One input of the tape with what its step sent; `chain` and `sent` are None where it sent nothing."""

    seq: int
    ts_init: int
    message: Message
    input_body: bytes
    chain: bytes | None
    sent: bytes | None
    """msgpack list of messages."""


class StepReader:
    """Pairs the frames of a tape into steps and decodes their inputs."""

    def __init__(self) -> None:
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(any_message())
        many: Any = GenericAlias(list, (any_message(),))
        self._list_decoder: msgspec.msgpack.Decoder[list[Any]] = msgspec.msgpack.Decoder(many)

    def steps(self, frames: Iterator[Frame]) -> Iterator[Step]:
        """Steps in order; a last input whose step frame is missing comes with `chain` None."""
        waiting: Frame | None = None
        for frame in frames:
            if frame.kind == INPUT:
                if waiting is not None:
                    yield self._step(waiting, None)
                waiting = frame
            elif frame.kind == STEP:
                if waiting is None or waiting.seq != frame.seq:
                    raise TornFrame(frame.offset, f"a step of seq {frame.seq} without its input")
                yield self._step(waiting, frame)
                waiting = None
        if waiting is not None:
            yield self._step(waiting, None)

    def _step(self, given: Frame, step: Frame | None) -> Step:
        body = _BODY.pack(INPUT, given.seq, given.ts_init) + given.payload
        message = self._decoder.decode(given.payload)
        if step is None:
            return Step(given.seq, given.ts_init, message, body, None, None)
        return Step(
            given.seq, given.ts_init, message, body, step.payload[:CHAIN_BYTES], step.payload[CHAIN_BYTES:]
        )

    def messages(self, sent: bytes) -> list[Message]:
        """The messages of a step."""
        return self._list_decoder.decode(sent)


def next_chain(chain: bytes, input_body: bytes, sent: bytes = b"") -> bytes:
    """chain_n from chain_n-1."""
    return blake2b(chain + input_body + sent, digest_size=CHAIN_BYTES).digest()
