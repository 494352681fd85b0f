"""Frames and fields of the TWS protocol."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.exchange.ib.requests import parse
from daemon.exchange.ib.wire import BadFrame, Fields, FrameReader, frame, split

HELLO = b"API\0" + frame(["v157..176"])


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1)), st.data()
)
def test_messages_come_out_whole_however_the_stream_was_cut(
    messages: list[list[str]], data: st.DataObject
) -> None:
    stream = HELLO + b"".join(frame(message) for message in messages)
    reader, payloads = FrameReader(), []
    while stream:
        piece = data.draw(st.integers(1, 7))
        payloads += reader.feed(stream[:piece])
        stream = stream[piece:]
    assert [split(payload) for payload in payloads[1:]] == messages


def test_a_client_that_does_not_greet_is_no_client() -> None:
    with pytest.raises(BadFrame, match="API"):
        FrameReader().feed(b"GET / HTTP/1.1\r\n")


def test_absent_numbers_are_none_and_leftovers_an_error() -> None:
    fields = Fields(["", "1.7976931348623157E308", "2147483647", "0.5", "left"])
    assert (fields.integer(), fields.decimal(), fields.integer()) == (None, None, None)
    assert fields.decimal() == Decimal("0.5")
    with pytest.raises(BadFrame, match="1 fields are left over"):
        fields.end()


def test_a_request_with_a_field_too_many_is_refused() -> None:
    with pytest.raises(BadFrame, match="left over"):
        parse(["61", "1", "surplus"])
    with pytest.raises(BadFrame, match="missing"):
        parse(["4", "1"])
    with pytest.raises(BadFrame, match="not understood"):
        parse(["4711"])
