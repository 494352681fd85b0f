"""A recorded session runs again bit for bit, or the first place that differs is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from actors.core.frames import HEADER_BYTES, INPUT, STEP, Frame, Head, read_frames
from actors.core.sequencer import ActorFailed, Sequencer
from actors.errors import BadFrame, UsageError
from actors.messages.base import Message
from actors.messages.control import StepFailed
from actors.messages.market import Quote
from actors.store import layout
from actors.store.layout import list_parts, seal, tape_folder, unsealed
from actors.store.replay import replay, run_segments, sessions
from actors.store.rerun import Rerun
from actors.store.tape_reader import TapeReader
from tests.store.trading import Life, Trader, a_quote, a_sequencer, two_parts


def plain(head: Head) -> Sequencer:
    return a_sequencer()


def rewrite(state: Path, change: Callable[[Frame], bytes | None], *, part: int = 0) -> Frame:
    """Replace the payload of the first frame for which `change` gives one, checksum put right."""
    for segment in list_parts(tape_folder(state))[part].segments:
        data = bytearray(segment.path.read_bytes())
        for frame in read_frames(bytes(data).rstrip(b"\0"), layout.HEADER_BYTES):
            payload = change(frame)
            if payload is None:
                continue
            assert len(payload) == len(frame.payload)
            data[frame.offset + HEADER_BYTES : frame.end] = payload
            body = bytes(data[frame.offset + 8 : frame.end])
            data[frame.offset + 4 : frame.offset + 8] = crc32(body).to_bytes(4, "little")
            segment.path.write_bytes(bytes(data))
            return frame
    raise AssertionError("no frame was changed")


def test_a_session_over_two_parts_is_identical(tmp_path: Path) -> None:
    two_parts(tmp_path)
    result = replay(tmp_path, build=plain)
    assert result.identical
    assert result.difference is None
    assert result.parts == (1, 2)
    frames = list(TapeReader(tape_folder(tmp_path)).frames())
    assert result.inputs == sum(frame.kind == INPUT for frame in frames)
    assert result.inputs == max(frame.seq for frame in frames)
    assert result.orders > 100


def test_a_sealed_session_is_identical(tmp_path: Path) -> None:
    two_parts(tmp_path)
    before = replay(tmp_path, build=plain)
    paths = unsealed(tape_folder(tmp_path))
    assert len(paths) >= 3
    for path in paths:
        seal(path)
    assert replay(tmp_path, build=plain) == before


def test_one_part_alone_replays_from_its_head(tmp_path: Path) -> None:
    two_parts(tmp_path)
    whole = replay(tmp_path, build=plain)
    second = replay(tmp_path, build=plain, parts=[2])
    assert second.identical
    assert second.chain == whole.chain
    assert second.inputs < whole.inputs


def test_a_perturbed_handler_is_named_with_both_messages(tmp_path: Path) -> None:
    class Perturbed(Trader):
        def submit(self, price: str) -> None:
            super().submit("61000" if self.quotes == 60 else price)

    two_parts(tmp_path)
    result = replay(tmp_path, build=lambda head: a_sequencer(Perturbed()))
    assert not result.identical
    assert result.difference is not None
    assert result.difference.kind == "messages"
    assert "OrderIntent" in result.difference.expected
    assert "61000" in result.difference.got
    assert "61000" not in result.difference.expected
    assert "Quote" in result.difference.input
    assert str(result.difference.seq) in str(result.difference)


def test_a_message_too_few_and_one_too_many_are_differences(tmp_path: Path) -> None:
    two_parts(tmp_path)
    silent = replay(tmp_path, build=lambda head: a_sequencer(Trader(every=11)))
    assert silent.difference is not None
    assert silent.difference.got == "nothing"
    eager = replay(tmp_path, build=lambda head: a_sequencer(Trader(every=9)))
    assert eager.difference is not None
    assert eager.difference.expected == "nothing"


def test_a_changed_input_that_changes_a_step_is_named_at_its_seq(tmp_path: Path) -> None:
    two_parts(tmp_path)
    encode = msgspec.msgpack.encode

    def change(frame: Frame) -> bytes | None:
        # The tenth quote makes the first order at its bid.
        old = encode(a_quote(10))
        return encode(a_quote(10, bid=59_000.0)) if frame.payload == old else None

    frame = rewrite(tmp_path, change)
    difference = replay(tmp_path, build=plain).difference
    assert difference is not None
    assert (difference.kind, difference.seq) == ("messages", frame.seq)
    assert "59000" in difference.input


def test_a_changed_input_that_changes_nothing_is_bracketed_by_the_chain(tmp_path: Path) -> None:
    two_parts(tmp_path)

    def change(frame: Frame) -> bytes | None:
        if frame.kind != INPUT or frame.seq < 300 or not frame.payload.startswith(b"\x97\xa5Quote"):
            return None
        quote = msgspec.msgpack.decode(frame.payload, type=Quote)
        return msgspec.msgpack.encode(msgspec.structs.replace(quote, bid_size=7.5))

    frame = rewrite(tmp_path, change)
    difference = replay(tmp_path, build=plain).difference
    assert difference is not None
    assert difference.kind == "chain"
    assert difference.after_seq < frame.seq <= difference.seq
    assert difference.seq - difference.after_seq < 64
    assert "was changed on the tape" in str(difference)


@pytest.mark.slow
def test_any_changed_byte_of_any_input_or_step_is_found_and_placed(tmp_path: Path) -> None:
    """Checksums put right each time: what finds it is the comparison and the chain."""
    Life(tmp_path, is_preallocated=False).begin().trade(range(1, 13), sync_every=4).stop(13)
    path = list_parts(tape_folder(tmp_path))[0].segments[0].path
    good = path.read_bytes()
    frames = [frame for frame in read_frames(good, layout.HEADER_BYTES) if frame.kind in (INPUT, STEP)]
    assert any(frame.kind == STEP for frame in frames)
    for frame in frames:
        for place in range(frame.offset + 8, frame.end):
            data = bytearray(good)
            data[place] ^= 1 << place % 8
            body = bytes(data[frame.offset + 8 : frame.end])
            data[frame.offset + 4 : frame.offset + 8] = crc32(body).to_bytes(4, "little")
            path.write_bytes(bytes(data))
            difference = replay(tmp_path, build=plain).difference
            assert difference is not None, (frame, place)
            assert difference.after_seq < frame.seq <= max(difference.seq, difference.after_seq + 1)
            assert str(difference)


def test_a_changed_step_is_named(tmp_path: Path) -> None:
    two_parts(tmp_path)

    def change(frame: Frame) -> bytes | None:
        if frame.kind != STEP or b"OrderFilled" not in frame.payload:
            return None
        return frame.payload.replace(b"0.00001", b"0.00002")

    frame = rewrite(tmp_path, change, part=1)
    difference = replay(tmp_path, build=plain).difference
    assert difference is not None
    assert (difference.kind, difference.seq) == ("messages", frame.seq)
    assert "0.00002" in difference.expected


def test_a_state_that_is_not_in_any_message_is_found_at_the_next_head(tmp_path: Path) -> None:
    class Forgetful(Trader):
        def on_quote(self, quote: Quote) -> None:
            super().on_quote(quote)
            if self.quotes == 395:
                self.accepted.pop()

    two_parts(tmp_path)
    difference = replay(tmp_path, build=lambda head: a_sequencer(Forgetful())).difference
    assert difference is not None
    assert difference.kind == "snapshot"
    assert "trader" in difference.got
    assert difference.seq == list_parts(tape_folder(tmp_path))[1].head.previous_seq


def test_a_damaged_frame_is_an_error_and_no_difference(tmp_path: Path) -> None:
    two_parts(tmp_path)
    path = list_parts(tape_folder(tmp_path))[0].segments[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BadFrame, match=r"000001\.tape"):
        replay(tmp_path, build=plain)


def test_an_input_that_an_actor_failed_on_is_skipped_as_it_was(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 50))
    bad: Message = a_quote(50, bid=-1.0)
    with pytest.raises(ActorFailed):
        life.sequencer.run(bad, bad.ts_event)
    seq = life.sequencer.seq
    failed = StepFailed(ts_event=bad.ts_event, actor="trader", error="ArithmeticError")
    life.tape.append(seq, bad.ts_event, bad, [failed])
    life.tape.flush()
    # What the process does next is recovery: everything on the tape, without the failed input.
    life.sequencer = a_sequencer()
    rerun_to(tmp_path, life.sequencer)
    assert life.sequencer.seq == seq
    life.trade(range(51, 80))
    life.stop(80)
    result = replay(tmp_path, build=plain)
    assert result.identical
    assert result.difference is None


def rerun_to(state: Path, sequencer: Sequencer) -> None:
    """Run everything on the tape."""
    head = list_parts(tape_folder(state))[0].head
    rerun = Rerun(sequencer, head.previous_chain)
    run_segments(TapeReader(tape_folder(state)), rerun)
    assert rerun.finish() is None


def test_a_part_with_another_core_is_run_on_by_that_core_from_its_head(tmp_path: Path) -> None:
    def build(head: Head) -> Sequencer:
        return a_sequencer(Trader(every=head.config["every"]))

    life = Life(tmp_path).begin().trade(range(1, 100))
    chain, now = life.tape.chain, life.sequencer.now
    snapshot = life.sequencer.snapshot()
    life.sequencer = a_sequencer(Trader(every=7))
    life.sequencer.restore(snapshot)
    head = life.head(part=2, epoch=1, session="first", chain=chain)
    life.tape.begin_part(msgspec.structs.replace(head, config={"every": 7}), now)
    life.trade(range(100, 200))
    life.tape.close()
    assert replay(tmp_path, build=build).identical
    assert not replay(tmp_path, build=plain).identical


def test_sessions_are_listed_and_chosen_by_label(tmp_path: Path) -> None:
    two_parts(tmp_path)
    life = Life(tmp_path)
    rerun_to(tmp_path, life.sequencer)
    chain = bytes.fromhex(replay(tmp_path, build=plain).chain)
    life.begin(part=3, epoch=2, session="second", chain=chain).trade(range(900, 950))
    life.tape.close()
    found = sessions(tmp_path)
    assert [(s.label, s.parts, s.is_stopped_cleanly) for s in found] == [
        ("first", (1, 2), True),
        ("second", (3,), False),
    ]
    assert replay(tmp_path, build=plain).parts == (3,)
    assert replay(tmp_path, build=plain, session="first").parts == (1, 2)
    assert replay(tmp_path, build=plain, parts=[1, 2, 3]).identical
    with pytest.raises(UsageError, match="there is first, second"):
        replay(tmp_path, build=plain, session="third")
    with pytest.raises(UsageError, match="not consecutive"):
        replay(tmp_path, build=plain, parts=[1, 3])


def test_an_empty_state_folder_says_so(tmp_path: Path) -> None:
    assert sessions(tmp_path) == []
    with pytest.raises(UsageError, match="no tape"):
        replay(tmp_path, build=plain)
