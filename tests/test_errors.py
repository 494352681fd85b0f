"""Errors cross processes whole: what a helper process raises is what its caller reads."""

from __future__ import annotations

import pickle

from actors.errors import BadFrame


def test_a_bad_frame_keeps_its_place_on_the_way_from_another_process() -> None:
    error = BadFrame("part-000001/1.tape", 42, 7, "checksum differs")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert (copy.segment, copy.offset, copy.seq, copy.why) == (
        "part-000001/1.tape",
        42,
        7,
        "checksum differs",
    )
