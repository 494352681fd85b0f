"""Sealing: a finished segment as columns, a tenth of its size, and its exact bytes back. Pure.

    sealed = magic | length of index u32 | index | first frame, if it is a HEAD | body

Quotes, trades and bars are stored column by column per instrument; every other frame keeps its payload.
Checksums are not stored but computed again: `unseal` gives the very bytes that `seal_bytes` took, which it
proves by trying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate, pairwise, repeat
from operator import attrgetter, sub
from struct import Struct
from typing import Any
from zlib import crc32

import msgspec

from actors.core.frames import HEAD, HEADER_BYTES, INPUT, Frame, encode_frame, read_frames
from actors.messages.market import Bar, MarketData, Quote, Trade
from actors.store.columns import (
    Floats,
    Numbers,
    compress,
    decompress,
    pack_floats,
    pack_ints,
    unpack_floats,
    unpack_ints,
)

MAGIC = b"TICKSEA1"
_LENGTH = Struct("<I")
_FRONT = Struct("<II")
_BODY = Struct("<BQq")
_BIG = 2**62
GROUPS_MAX = 65_000

_FLOATS: dict[str, tuple[str, ...]] = {
    "Quote": ("bid_price", "bid_size", "ask_price", "ask_size"),
    "Trade": ("price", "size"),
    "Bar": ("open", "high", "low", "close", "volume"),
}
_GET: dict[type[MarketData], Callable[[Any], tuple[float, ...]]] = {
    Quote: attrgetter(*_FLOATS["Quote"]),
    Trade: attrgetter(*_FLOATS["Trade"]),
    Bar: attrgetter(*_FLOATS["Bar"]),
}


class Index(msgspec.Struct, frozen=True):
    """What a sealed segment holds, readable without its body."""

    segment_header: bytes
    first_seq: int
    """First input; 0 when the segment holds none."""
    last_seq: int
    first_ts: int
    last_ts: int
    frames: int
    raw_bytes: int
    digest: bytes
    """Of the raw bytes."""
    head_bytes: int
    """Length of the compressed HEAD frame behind the index; 0 when there is none."""
    is_plain: bool
    """Whether the body is merely compressed, because columns would not have given it back exactly."""


class _Columns(msgspec.Struct, array_like=True, frozen=True):
    """Inputs of one market-data type and instrument."""

    tag: str
    instrument: str
    lag: Numbers
    """ts_init − ts_event."""
    floats: list[Floats]
    words: list[bytes]
    """Compressed msgpack lists: of texts, or of a first number and its differences."""


class _Payloads(msgspec.Struct, array_like=True, frozen=True):
    """Frames of one kind that stay as they are."""

    kind: int
    lengths: Numbers
    data: bytes


class _Body(msgspec.Struct, array_like=True, frozen=True):
    groups: Numbers
    """Per frame; first the columns, then the payloads."""
    seqs: Numbers
    times: Numbers
    columns: list[_Columns]
    payloads: list[_Payloads]


def _words(values: Sequence[Any]) -> bytes:
    """Texts or whole numbers; trade ids that count up become differences."""
    if values and all(isinstance(value, str) and value.isascii() and value.isdecimal() for value in values):
        numbers = [int(value) for value in values]
        if all(value < _BIG for value in numbers) and list(map(str, numbers)) == values:
            steps = [numbers[0], *(b - a for a, b in pairwise(numbers))]
            return compress(msgspec.msgpack.encode(("counted", steps)))
    return compress(msgspec.msgpack.encode(("as is", values)))


def _unwords(packed: bytes) -> list[Any]:
    how, values = msgspec.msgpack.decode(decompress(packed))
    return [str(value) for value in accumulate(values)] if how == "counted" else values


class _Sorter:
    """Puts each frame into the group that keeps it."""

    def __init__(self) -> None:
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Quote | Trade | Bar)
        self._decode, self._encode = decoder.decode, msgspec.msgpack.Encoder().encode
        self.messages: dict[tuple[type[MarketData], str], tuple[int, list[Any], list[int]]] = {}
        self.payloads: dict[int, tuple[int, list[bytes]]] = {}
        self._count = 0

    def group_of(self, frame: Frame) -> int:
        """Number of the group that has taken the frame."""
        if frame.kind == INPUT:
            try:
                message = self._decode(frame.payload)
            except msgspec.DecodeError:
                message = None
            if (
                message is not None
                and abs(message.ts_event) < _BIG
                and self._encode(message) == frame.payload
            ):
                key = (message.__class__, message.instrument)
                if key not in self.messages:
                    self.messages[key] = (self._next(), [], [])
                number, messages, times = self.messages[key]
                messages.append(message)
                times.append(frame.ts_init)
                return number
        if frame.kind not in self.payloads:
            self.payloads[frame.kind] = (self._next(), [])
        number, payloads = self.payloads[frame.kind]
        payloads.append(frame.payload)
        return number

    def _next(self) -> int:
        self._count += 1
        return self._count - 1

    def numbers(self) -> dict[int, int]:
        """Group number as given while sorting → as stored: columns first, then payloads."""
        order = [entry[0] for entry in self.messages.values()]
        order += [entry[0] for entry in self.payloads.values()]
        return {given: stored for stored, given in enumerate(order)}


def _pack_columns(kind: type[MarketData], instrument: str, messages: list[Any], times: list[int]) -> _Columns:
    words: list[bytes] = []
    if kind is Trade:
        words = [_words([m.trade_id for m in messages]), _words([m.aggressor for m in messages])]
    elif kind is Bar:
        words = [_words([m.interval_ns for m in messages])]
    return _Columns(
        tag=kind.__name__,
        instrument=instrument,
        lag=pack_ints(list(map(sub, times, [m.ts_event for m in messages]))),
        floats=[pack_floats(column) for column in zip(*map(_GET[kind], messages), strict=True)],
        words=words,
    )


def _pack_body(frames: Iterable[Frame]) -> bytes:
    sorter = _Sorter()
    groups, seqs, times = [], [], []
    for frame in frames:
        groups.append(sorter.group_of(frame))
        seqs.append(frame.seq)
        times.append(frame.ts_init)
    stored = sorter.numbers()
    body = _Body(
        groups=pack_ints([stored[group] for group in groups]),
        seqs=pack_ints(seqs),
        times=pack_ints(times),
        columns=[
            _pack_columns(kind, instrument, messages, inits)
            for (kind, instrument), (_, messages, inits) in sorter.messages.items()
        ],
        payloads=[
            _Payloads(kind, pack_ints([len(p) for p in payloads]), compress(b"".join(payloads)))
            for kind, (_, payloads) in sorter.payloads.items()
        ],
    )
    return msgspec.msgpack.encode(body)


def _rows(columns: _Columns, times: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The messages as the arrays that msgpack makes of them."""
    events = map(sub, times, unpack_ints(columns.lag))
    floats = [unpack_floats(column) for column in columns.floats]
    front = (repeat(columns.tag), events, repeat(columns.instrument))
    words = [_unwords(packed) for packed in columns.words]
    if columns.tag == "Quote":
        return zip(*front, *floats, strict=False)
    if columns.tag == "Trade":
        return zip(*front, words[0], *floats, words[1], strict=False)
    return zip(*front, words[0], *floats, strict=False)


def _cut(payloads: _Payloads) -> Iterator[bytes]:
    data, offset = decompress(payloads.data), 0
    for length in unpack_ints(payloads.lengths):
        yield data[offset : offset + length]
        offset += length


def _unpack_body(packed: bytes) -> list[bytes]:
    body = msgspec.msgpack.decode(packed, type=_Body)
    groups, seqs, times = unpack_ints(body.groups), unpack_ints(body.seqs), unpack_ints(body.times)
    inits: list[list[int]] = [[] for _ in range(len(body.columns) + len(body.payloads))]
    for group, init in zip(groups, times, strict=True):
        inits[group].append(init)
    encode = msgspec.msgpack.Encoder().encode
    sources: list[Iterator[bytes]] = [
        *(map(encode, _rows(columns, inits[i])) for i, columns in enumerate(body.columns)),
        *(_cut(payloads) for payloads in body.payloads),
    ]
    kinds = [INPUT] * len(body.columns) + [payloads.kind for payloads in body.payloads]
    out: list[bytes] = []
    front, back = _FRONT.pack, _BODY.pack
    overhead = _BODY.size
    for group, seq, init in zip(groups, seqs, times, strict=True):
        frame = back(kinds[group], seq, init) + next(sources[group])
        out.append(front(len(frame) - overhead, crc32(frame)))
        out.append(frame)
    return out


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def seal_bytes(data: bytes, header_bytes: int) -> bytes:
    """A whole segment, sealed.

    Raises:
        TornFrame: The segment is damaged; it must not be sealed.
    """
    frames = list(read_frames(data, header_bytes))
    head = encode_frame(*frames[0][:4]) if frames and frames[0].kind == HEAD else b""
    packed_head = compress(head) if head else b""
    rest = frames[1:] if head else frames
    inputs = [frame for frame in rest if frame.kind == INPUT]
    is_plain = False
    try:
        body = _pack_body(rest)
        is_plain = b"".join(_unpack_body(body)) != data[header_bytes + len(head) :]
    except (OverflowError, ValueError, StopIteration):
        is_plain = True  # numbers that no column holds
    if is_plain:
        body = compress(data[header_bytes + len(head) :])
    index = Index(
        segment_header=data[:header_bytes],
        first_seq=inputs[0].seq if inputs else 0,
        last_seq=inputs[-1].seq if inputs else 0,
        first_ts=frames[0].ts_init if frames else 0,
        last_ts=frames[-1].ts_init if frames else 0,
        frames=len(frames),
        raw_bytes=len(data),
        digest=_digest(data),
        head_bytes=len(packed_head),
        is_plain=is_plain,
    )
    packed = msgspec.msgpack.encode(index)
    return MAGIC + _LENGTH.pack(len(packed)) + packed + packed_head + body


def index_bytes(start: bytes) -> int:
    """How many bytes from the beginning hold magic, index and the compressed head's length.

    Raises:
        ValueError: Not a sealed segment.
    """
    if len(start) < len(MAGIC) + _LENGTH.size or not start.startswith(MAGIC):
        raise ValueError("not a sealed segment")
    return len(MAGIC) + _LENGTH.size + int(_LENGTH.unpack_from(start, len(MAGIC))[0])


def read_index(data: bytes) -> Index:
    """The index of a sealed segment.

    Raises:
        ValueError: Not a sealed segment, or damaged.
    """
    end = index_bytes(data)
    try:
        return msgspec.msgpack.decode(data[len(MAGIC) + _LENGTH.size : end], type=Index)
    except msgspec.DecodeError as error:
        raise ValueError(f"the index of a sealed segment is damaged: {error}") from error


def sealed_head(data: bytes, index: Index) -> bytes:
    """The HEAD frame of a sealed segment whose index has one; `data` reaches at least to its end."""
    start = index_bytes(data)
    return decompress(data[start : start + index.head_bytes])


def unseal(data: bytes) -> bytes:
    """The exact bytes of the segment.

    Raises:
        ValueError: Damaged.
    """
    index = read_index(data)
    start = index_bytes(data)
    head = sealed_head(data, index) if index.head_bytes else b""
    body = data[start + index.head_bytes :]
    try:
        parts = [decompress(body)] if index.is_plain else _unpack_body(body)
    except (msgspec.DecodeError, StopIteration, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"the body of a sealed segment is damaged: {error}") from error
    raw = b"".join((index.segment_header, head, *parts))
    if _digest(raw) != index.digest:
        raise ValueError("the digest of a sealed segment differs")
    return raw


assert _FRONT.size + _BODY.size == HEADER_BYTES
