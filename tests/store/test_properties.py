"""The tape under any truncation and any flipped bit: a prefix of what was written, or an error naming it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.core.frames import HEAD, INPUT, STEP, read_frames
from actors.errors import BadFrame
from actors.store.layout import HEADER_BYTES, list_parts, tape_folder
from actors.store.tape_repair import cut_torn_end, durable_mark
from tests.store.trading import Life

PLACES = st.integers(0, 10**9)


class Written(NamedTuple):
    """One segment of a process that was killed."""

    data: bytes
    ends: tuple[int, ...]
    """Where each frame ends, oldest first; the head's is the first."""
    last_seqs: tuple[int, ...]
    """Newest input or step up to and with each frame."""
    durable: int


@pytest.fixture(scope="module")
def written() -> Written:
    with TemporaryDirectory() as folder:
        life = Life(Path(folder), segment_bytes=1 << 20, is_preallocated=False).begin()
        life.trade(range(1, 60), flush_every=3, sync_every=13)
        life.tape.abandon()
        data = list_parts(tape_folder(Path(folder)))[0].segments[0].path.read_bytes()
    frames = list(read_frames(data, HEADER_BYTES))
    seqs, last = [], 0
    for frame in frames:
        last = frame.seq if frame.kind in (INPUT, STEP) else last
        seqs.append(last)
    assert frames[0].kind == HEAD
    return Written(data, tuple(frame.end for frame in frames), tuple(seqs), durable_mark(data))


def repaired(data: bytes) -> tuple[bytes, int]:
    """What recovery leaves of a segment's bytes, and the newest input it found."""
    with TemporaryDirectory() as folder:
        tape = tape_folder(Path(folder))
        part = tape / "part-000001"
        part.mkdir(parents=True)
        path = part / "000001.tape"
        path.write_bytes(data)
        end = cut_torn_end(tape)
        return (path.read_bytes() if path.exists() else b""), end.last_seq


@pytest.mark.slow
@given(place=PLACES)
@example(place=0)
def test_a_truncated_tape_is_its_longest_prefix_of_whole_frames(written: Written, place: int) -> None:
    size = place % (len(written.data) + 1)
    whole = [index for index, end in enumerate(written.ends) if end <= size]
    left, last_seq = repaired(written.data[:size])
    if whole and written.last_seqs[whole[-1]]:
        assert left == written.data[: written.ends[whole[-1]]]
        assert last_seq == written.last_seqs[whole[-1]]
    else:  # not even its first input was written: this life never began
        assert (left, last_seq) == (b"", 0)


@pytest.mark.slow
@settings(max_examples=150)
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_is_named_where_it_was_durable_and_cut_where_it_was_not(
    written: Written, place: int, bit: int
) -> None:
    place %= len(written.data)
    damaged = bytearray(written.data)
    damaged[place] ^= 1 << bit
    before = [index for index, end in enumerate(written.ends) if end <= place]
    begin = written.ends[before[-1]] if before else (HEADER_BYTES if place >= HEADER_BYTES else 0)
    if begin < written.durable:
        with pytest.raises(BadFrame) as caught:
            repaired(bytes(damaged))
        assert caught.value.offset == begin
        return
    left, last_seq = repaired(bytes(damaged))
    assert left == written.data[:begin]
    assert last_seq == written.last_seqs[before[-1]]


@pytest.mark.slow
@given(place=PLACES, noise=st.binary(min_size=1, max_size=64))
def test_noise_behind_a_torn_end_is_never_taken_for_a_frame(
    written: Written, place: int, noise: bytes
) -> None:
    size = max(place % (len(written.data) + 1), written.durable, written.ends[2])
    left, _ = repaired(written.data[:size] + noise)
    assert left in [written.data[:end] for end in written.ends]
    assert len(left) <= size + len(noise)
