"""A sealed segment gives back the exact bytes, whatever is in it, and is small where that matters."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.core.frames import MARK, FrameWriter, encode_frame
from actors.errors import BadFrame
from actors.messages.base import Message
from actors.messages.control import TimeReached
from actors.messages.market import Bar, BookDelta, Quote, Trade
from actors.store.columns import pack_floats, pack_ints, unpack_floats, unpack_ints
from actors.store.layout import HEADER_BYTES, list_parts, seal, segment_header, tape_folder, unsealed
from actors.store.sealing import MAGIC, read_index, seal_bytes, unseal
from actors.store.tape_reader import TapeReader
from tests.store.trading import INSTRUMENT, T0, Life, a_fill, a_quote, a_trade, two_parts

INT62 = st.integers(min_value=-(2**62) + 1, max_value=2**62 - 1)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
PRICE = st.decimals(min_value=0, max_value=100_000, places=2).map(float)


@given(st.lists(INT62, max_size=80))
def test_columns_of_whole_numbers_come_back(values: list[int]) -> None:
    assert list(unpack_ints(pack_ints(values))) == values


@given(st.lists(st.one_of(ANY_FLOAT, PRICE), max_size=80) | st.lists(PRICE, max_size=80))
def test_columns_of_floats_come_back_bit_for_bit(values: list[float]) -> None:
    def bits(v: Any) -> list[str]:
        return [value.hex() if not math.isnan(value) else "nan" for value in v]

    assert bits(unpack_floats(pack_floats(values))) == bits(values)


def segment(messages: list[tuple[int, Message]]) -> bytes:
    writer = FrameWriter()
    writer.buffer += segment_header(1)
    for seq, (ts_init, message) in enumerate(messages, 1):
        writer.record(seq, ts_init, message, [message] if seq % 7 == 0 else [])
        if seq % 5 == 0:
            writer.mark(len(writer.buffer), seq, ts_init)
    return bytes(writer.buffer)


NANOS = st.integers(min_value=0, max_value=2**63 - 1)
MESSAGES = st.one_of(
    st.builds(
        Quote, ts_event=NANOS, instrument=st.sampled_from(["A@x", "B@x"]), bid_price=ANY_FLOAT,
        bid_size=PRICE, ask_price=PRICE, ask_size=PRICE,
    ),
    st.builds(
        Trade, ts_event=NANOS, instrument=st.just("A@x"), price=PRICE, size=PRICE,
        trade_id=st.one_of(st.integers(0, 2**70).map(str), st.text(max_size=5), st.just("007")),
        aggressor=st.sampled_from(["buy", "sell", "unknown"]),
    ),
    st.builds(
        Bar, ts_event=NANOS, instrument=st.just("A@x"), interval_ns=NANOS, open=PRICE, high=PRICE,
        low=PRICE, close=ANY_FLOAT, volume=PRICE,
    ),
    st.builds(TimeReached, ts_event=NANOS),
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(st.tuples(NANOS, MESSAGES), max_size=40))
def test_any_messages_come_back_as_the_same_bytes(messages: list[tuple[int, Message]]) -> None:
    data = segment(messages)
    sealed = seal_bytes(data, HEADER_BYTES)
    assert unseal(sealed) == data
    index = read_index(sealed)
    assert index.last_seq == len(messages)
    assert index.raw_bytes == len(data)


def test_frames_that_no_column_can_hold_are_kept_as_they_are() -> None:
    other_encoding = b"\x97\xa5Quote" + msgspec.msgpack.encode(a_quote(1))[7:]
    float_as_int = msgspec.msgpack.encode(["Quote", 5, INSTRUMENT, 1, 2, 3, 4])
    unknown = msgspec.msgpack.encode(["Never", 5])
    data = segment_header(1) + b"".join(
        encode_frame(kind, seq, T0, payload)
        for kind, seq, payload in [
            (2, 1, other_encoding),
            (2, 2, float_as_int),
            (2, 3, unknown),
            (2, 4, b""),
            (9, 5, b"some later kind"),
            (MARK, 2**64 - 1, b""),
            (2, 6, msgspec.msgpack.encode(a_quote(3))),
        ]
    )
    sealed = seal_bytes(data, HEADER_BYTES)
    assert unseal(sealed) == data
    assert read_index(sealed).is_plain, "a seq beyond 63 bits fits into no column"


def test_a_whole_tape_reads_the_same_sealed_mixed_and_unsealed(tmp_path: Path) -> None:
    two_parts(tmp_path)
    tape = tape_folder(tmp_path)
    steps = list(TapeReader(tape).steps())
    heads = [part.head for part in list_parts(tape)]
    paths = unsealed(tape)
    for path in paths:
        target = seal(path)
        assert not path.exists()
        assert target.read_bytes().startswith(MAGIC)
        assert seal(target) == target
        assert list(TapeReader(tape).steps()) == steps
        assert list(TapeReader(tape).steps(500)) == steps[500:]
        assert [part.head for part in list_parts(tape)] == heads
    assert unsealed(tape) == []
    assert list_parts(tape)[-1].segments[-1].path.suffix == ".tape"


def test_a_segment_listed_before_it_was_sealed_is_still_read(tmp_path: Path) -> None:
    two_parts(tmp_path)
    reader = TapeReader(tape_folder(tmp_path))
    steps = list(reader.steps())
    for path in unsealed(tape_folder(tmp_path)):
        seal(path)
    assert list(reader.steps()) == steps


def test_a_damaged_segment_is_not_sealed_and_a_damaged_sealed_one_is_named(tmp_path: Path) -> None:
    two_parts(tmp_path)
    tape = tape_folder(tmp_path)
    first, second, *_ = unsealed(tape)
    data = bytearray(first.read_bytes())
    data[5000] ^= 1
    first.write_bytes(bytes(data))
    with pytest.raises(BadFrame, match=r"000001\.tape"):
        seal(first)
    assert first.read_bytes() == bytes(data)
    sealed = seal(second)
    good = sealed.read_bytes()
    for place in range(0, len(good), 97):
        sealed.write_bytes(good[:place] + bytes([good[place] ^ 0x20]) + good[place + 1 :])
        with pytest.raises(BadFrame, match=r"000002\.sealed"):
            list_parts(tape)[0].segments[1].read()
    sealed.write_bytes(good[: len(good) // 2])
    with pytest.raises(BadFrame, match=r"000002\.sealed"):
        list_parts(tape)[0].segments[1].read()


def test_steps_reports_and_book_deltas_are_kept_exactly(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=1 << 14).begin().trade(range(1, 40))
    life.take(a_fill("T" + "0" * 15, 41))
    life.take(a_trade(42))
    life.take(
        BookDelta(
            ts_event=T0 + 10**12, instrument=INSTRUMENT, first_update_id=1, last_update_id=2,
            bids=((60_000.1, 0.5), (59_999.0, 0.0)), asks=(),
        )
    )  # fmt: skip
    life.tape.close()
    path = list_parts(tape_folder(tmp_path))[0].segments[-1].path
    data = path.read_bytes()
    assert unseal(seal_bytes(data, HEADER_BYTES)) == data


@pytest.mark.slow
def test_recorded_quotes_take_at_most_12_bytes_each_on_sealed_tape(shared_data: Path) -> None:
    source = shared_data / "raw_ws" / "binance_spot" / "btcusdt_20240808.gz"
    latency = random.Random(1)
    messages: list[tuple[int, Message]] = []
    with gzip.open(source, "rt") as lines:
        for line in lines:
            stamp, _, body = line.partition(" ")
            if '@bookTicker"' not in body:
                continue
            data = json.loads(body)["data"]
            quote = Quote(
                ts_event=int(stamp), instrument=INSTRUMENT, bid_price=float(data["b"]),
                bid_size=float(data["B"]), ask_price=float(data["a"]), ask_size=float(data["A"]),
            )  # fmt: skip
            messages.append((quote.ts_event + latency.randrange(20_000, 200_000), quote))
    writer = FrameWriter()
    writer.buffer += segment_header(1)
    for seq, (ts_init, message) in enumerate(messages, 1):
        writer.record(seq, ts_init, message, [])
    raw = bytes(writer.buffer)
    sealed = seal_bytes(raw, HEADER_BYTES)
    assert unseal(sealed) == raw
    assert len(messages) > 10_000
    assert len(sealed) / len(messages) <= 12
