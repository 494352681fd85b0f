"""Killed inside the first write of a process life: that life never began, and its write is made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.core.frames import HEAD, INPUT, STEP, read_frames
from actors.store.layout import HEADER_BYTES, list_parts, tape_folder
from actors.store.rerun import encode_snapshot
from tests.store.test_recovery import recovered, torn_before_the_last_step
from tests.store.trading import Life


@pytest.mark.parametrize(("torn_in", "missing"), [(HEAD, 1), (HEAD, 0), (STEP, 1), (STEP, 0), (INPUT, 1)])
def test_a_late_step_survives_a_torn_first_write_of_the_next_life(
    tmp_path: Path, torn_in: int, missing: int
) -> None:
    torn_before_the_last_step(tmp_path)
    _, sequencer, caught_up = recovered(tmp_path)
    state = encode_snapshot(sequencer)
    second = Life(tmp_path, sequencer, is_preallocated=False)
    head = second.head(part=2, epoch=1, session="first", chain=caught_up.chain)
    second.tape.begin_part(head, sequencer.now, caught_up.late_step)
    second.trade(range(61, 63))
    second.tape.flush()
    second.tape.abandon()
    path = list_parts(tape_folder(tmp_path))[1].segments[0].path
    data = path.read_bytes()
    frame = next(frame for frame in read_frames(data, HEADER_BYTES) if frame.kind == torn_in)
    path.write_bytes(data[: frame.end - missing])

    found, again, caught_again = recovered(tmp_path)
    assert encode_snapshot(again) == state
    assert caught_again.late_messages == caught_up.late_messages
    assert caught_again.late_messages, "the commands of that step are told that they never left"
    assert found.next_part == 2
