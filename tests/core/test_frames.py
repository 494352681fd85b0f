"""Frames come back as they were written, and the chain vouches for every byte of every input and step."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.core.frames import (
    CHAIN_START,
    HEADER_BYTES,
    INPUT,
    MARK,
    STEP,
    Frame,
    FrameWriter,
    StepReader,
    TornFrame,
    encode_frame,
    next_chain,
    read_frames,
)
from actors.messages.base import Message
from actors.messages.control import Started, TimeReached
from actors.messages.market import Quote
from actors.messages.orders import OrderRequest, OrderTerms, Signal

T0 = 1_767_225_600_000_000_000


def a_quote(bid: float = 100.0) -> Quote:
    return Quote(
        ts_event=T0, instrument="BTCUSDT@binance", bid_price=bid, bid_size=1.0, ask_price=101.0, ask_size=2.0
    )


def a_signal() -> Signal:
    return Signal(ts_event=T0, strategy="s", instrument="BTCUSDT@binance", direction="long")


def a_request() -> OrderRequest:
    terms = OrderTerms(
        client_order_id="T0", account="a", strategy="s", instrument="i", side="buy", order_type="market",
        quantity=Decimal("0.10"),
    )  # fmt: skip
    return OrderRequest(ts_event=T0, terms=terms)


def read_until_torn(data: bytes) -> tuple[list[Frame], int | None]:
    """The whole frames, and where the first bad one begins."""
    frames = []
    try:
        for frame in read_frames(data):
            frames.append(frame)
    except TornFrame as torn:
        return frames, torn.offset
    return frames, None


def written(steps: Sequence[tuple[Message, Sequence[Message]]]) -> FrameWriter:
    writer = FrameWriter()
    for seq, (message, sent) in enumerate(steps, 1):
        writer.record(seq, T0 + seq, message, sent)
    return writer


STEPS: list[tuple[Message, Sequence[Message]]] = [
    (Started(ts_event=T0, epoch=1), []),
    (a_quote(), [a_signal(), a_request()]),
    (a_quote(99.5), []),
    (TimeReached(ts_event=T0), [a_signal()]),
]


@given(
    kind=st.integers(0, 255), seq=st.integers(0, 2**64 - 1), ts=st.integers(-(2**63), 2**63 - 1),
    payload=st.binary(max_size=300),
)  # fmt: skip
def test_a_frame_comes_back_as_written(kind: int, seq: int, ts: int, payload: bytes) -> None:
    data = b"before" + encode_frame(kind, seq, ts, payload)
    (frame,) = read_frames(data, 6)
    assert frame == (kind, seq, ts, payload, 6, len(data))
    assert len(data) == 6 + HEADER_BYTES + len(payload)


def test_steps_come_back_with_what_they_sent_exact_decimals_included() -> None:
    writer = written(STEPS)
    reader = StepReader()
    steps = list(reader.steps(read_frames(bytes(writer.buffer))))
    assert [step.seq for step in steps] == [1, 2, 3, 4]
    assert [step.ts_init for step in steps] == [T0 + 1, T0 + 2, T0 + 3, T0 + 4]
    assert [step.message for step in steps] == [message for message, _ in STEPS]
    found = [reader.messages(step.sent) if step.sent else [] for step in steps]
    assert found == [sent for _, sent in STEPS]
    request = found[1][1]
    assert isinstance(request, OrderRequest)
    assert str(request.terms.quantity) == "0.10"
    assert steps[3].chain == writer.chain


def test_an_input_whose_step_sent_nothing_takes_one_frame() -> None:
    kinds = [frame.kind for frame in read_frames(bytes(written(STEPS).buffer))]
    assert kinds == [INPUT, INPUT, STEP, INPUT, INPUT, STEP]


def test_a_last_input_without_its_step_frame_is_still_a_step() -> None:
    data = bytes(written(STEPS).buffer)
    *rest, last = read_frames(data)
    steps = list(StepReader().steps(read_frames(data[: last.offset])))
    assert (steps[-1].seq, steps[-1].sent) == (4, None)
    assert rest[-1].kind == INPUT


def test_a_step_without_its_input_is_no_tape() -> None:
    data = bytes(written(STEPS).buffer)
    step = next(frame for frame in read_frames(data) if frame.kind == STEP)
    with pytest.raises(TornFrame, match="without its input"):
        list(StepReader().steps(read_frames(data[step.offset :])))


def test_the_chain_is_what_each_step_makes_of_the_one_before() -> None:
    chain = CHAIN_START
    for step in StepReader().steps(read_frames(bytes(written(STEPS).buffer))):
        chain = next_chain(chain, step.input_body, step.sent or b"")
        assert step.chain in (None, chain)
    assert chain == written(STEPS).chain


def test_the_chain_changes_with_any_input_any_message_and_their_order() -> None:
    chains = {
        written(steps).chain
        for steps in (
            STEPS,
            [*STEPS[:2], (a_quote(99.0), []), STEPS[3]],
            [STEPS[0], (a_quote(), [a_request(), a_signal()]), *STEPS[2:]],
            [STEPS[0], (a_quote(), [a_signal()]), *STEPS[2:]],
            [STEPS[0], STEPS[2], STEPS[1], STEPS[3]],
            STEPS[:3],
            [],
        )
    }
    assert len(chains) == 7


def test_a_mark_names_the_durable_offset_and_the_chain_and_leaves_the_chain_alone() -> None:
    writer = written(STEPS)
    chain, size = writer.chain, len(writer.buffer)
    writer.mark(1234, 4, T0)
    (mark,) = read_frames(bytes(writer.buffer), size)
    assert (mark.kind, mark.seq) == (MARK, 4)
    assert int.from_bytes(mark.payload[:8], "little") == 1234
    assert mark.payload[8:] == chain == writer.chain


def test_every_single_damaged_bit_is_found_at_its_frame() -> None:
    data = bytes(written(STEPS[:3]).buffer)
    frames = list(read_frames(data))
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        good, torn = read_until_torn(bytes(damaged))
        hit = next(frame for frame in frames if frame.offset <= place < frame.end)
        assert torn == hit.offset
        assert good == frames[: frames.index(hit)]


def test_a_cut_anywhere_leaves_the_whole_frames_before_it() -> None:
    data = bytes(written(STEPS).buffer)
    ends = [0, *(frame.end for frame in read_frames(data))]
    for size in range(len(data)):
        good, torn = read_until_torn(data[:size])
        assert torn == (None if size in ends else max(end for end in ends if end <= size))
        assert len(good) == sum(end <= size for end in ends[1:])
