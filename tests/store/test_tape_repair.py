"""A crash may tear the tape's end, and only its end; damage to what was durable is never cut away."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from actors.core.frames import read_frames
from actors.errors import BadFrame
from actors.store import database
from actors.store.database import Checkpoint, checkpoint_values, database_path, open_database
from actors.store.layout import HEADER_BYTES, list_parts, seal, tape_folder, unsealed
from actors.store.maintenance import needed_after_seq, tidy
from actors.store.tape_reader import TapeReader
from actors.store.tape_repair import DAY_NS, cut_torn_end, durable_mark, prunable, prune
from tests.store.trading import T0, Life, a_quote, a_sequencer


def crashed(state: Path, *, numbers: range = range(1, 30), sync_every: int = 10) -> Path:
    """A tape left by a killed process; returns its only segment, reserved space already gone."""
    life = Life(state, segment_bytes=1 << 20, is_preallocated=False).begin()
    life.trade(numbers, sync_every=sync_every)
    life.tape.abandon()
    return list_parts(tape_folder(state))[0].segments[0].path


@pytest.mark.slow
def test_a_tape_torn_at_every_byte_of_its_last_frames_is_cut_to_whole_frames(tmp_path: Path) -> None:
    path = crashed(tmp_path / "a")
    data = path.read_bytes()
    frames = list(read_frames(data, HEADER_BYTES))
    durable = durable_mark(data)
    assert durable > 0
    begin = max(durable, frames[-6].offset)
    for size in range(begin, len(data)):
        path.write_bytes(data[:size])
        end = cut_torn_end(tape_folder(tmp_path / "a"))
        whole = max(frame.end for frame in frames if frame.end <= size)
        assert path.read_bytes() == data[:whole]
        assert end.cut_bytes == len(data[whole:size].rstrip(b"\0"))
        assert end.last_seq == max(f.seq for f in frames if f.end <= size)
        for torn in end.torn:
            assert data[whole:size].startswith(torn.read_bytes())
            torn.unlink()


@pytest.mark.slow
def test_every_damaged_byte_behind_the_durable_mark_is_named_and_nothing_is_cut(tmp_path: Path) -> None:
    path = crashed(tmp_path, numbers=range(1, 12), sync_every=5)
    data = path.read_bytes()
    frames = list(read_frames(data, HEADER_BYTES))
    durable = durable_mark(data)
    assert durable > len(data) // 4
    for place in range(durable):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        path.write_bytes(bytes(damaged))
        with pytest.raises(BadFrame) as caught:
            cut_torn_end(tape_folder(tmp_path))
        frame = next((f for f in frames if f.offset <= place < f.end), None)
        assert caught.value.segment == "part-000001/000001.tape"
        assert caught.value.offset == (frame.offset if frame else 0)
        assert path.read_bytes() == bytes(damaged)


def test_damage_after_the_mark_is_a_torn_end(tmp_path: Path) -> None:
    path = crashed(tmp_path, sync_every=10_000)
    data = bytearray(path.read_bytes())
    assert durable_mark(bytes(data)) == 0
    frames = list(read_frames(bytes(data), HEADER_BYTES))
    data[frames[10].offset + 30] ^= 1
    path.write_bytes(bytes(data))
    end = cut_torn_end(tape_folder(tmp_path))
    assert end.last_seq == frames[9].seq
    assert end.torn[0].read_bytes() == bytes(data[frames[10].offset :])


def test_reserved_space_is_cut_without_a_trace(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 30))
    seq, offset = life.sequencer.seq, life.tape.waiting_bytes
    assert offset == 0
    life.tape.abandon()
    end = cut_torn_end(tape_folder(tmp_path))
    assert (end.last_seq, end.cut_bytes, end.torn) == (seq, 0, [])
    assert [step.seq for step in TapeReader(tape_folder(tmp_path)).steps()][-1] == seq
    assert cut_torn_end(tape_folder(tmp_path)) == end


def test_a_later_segment_goes_with_the_torn_end_before_it(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=4096, is_preallocated=False).begin()
    life.trade(range(1, 60), sync_every=10_000)
    life.tape.abandon()
    segments = list_parts(tape_folder(tmp_path))[0].segments
    assert len(segments) > 3
    data = bytearray(segments[1].path.read_bytes())
    frames = list(read_frames(bytes(data), HEADER_BYTES))
    data[frames[5].offset + 12] ^= 1
    segments[1].path.write_bytes(bytes(data))
    end = cut_torn_end(tape_folder(tmp_path))
    left = list_parts(tape_folder(tmp_path))[0].segments
    assert [segment.number for segment in left] == [1, 2]
    assert len(end.torn) == len(segments) - 1
    assert max(step.seq for step in TapeReader(tape_folder(tmp_path)).steps()) == end.last_seq


def test_a_mark_in_a_later_segment_vouches_for_all_before_it(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=4096, is_preallocated=False).begin()
    life.trade(range(1, 60), sync_every=45)
    life.tape.abandon()
    segments = list_parts(tape_folder(tmp_path))[0].segments
    data = bytearray(segments[0].path.read_bytes())
    data[-3] ^= 1
    segments[0].path.write_bytes(bytes(data))
    with pytest.raises(BadFrame, match="durable once"):
        cut_torn_end(tape_folder(tmp_path))


def test_a_part_whose_head_is_torn_is_set_aside_whole(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 40))
    life.tape.close()
    seq, chain = life.sequencer.seq, life.tape.chain
    second = Life(tmp_path, is_preallocated=False)
    second.sequencer = life.sequencer
    second.begin(part=2, epoch=2, chain=chain).tape.flush()
    second.tape.abandon()
    path = list_parts(tape_folder(tmp_path))[1].segments[0].path
    for size in (0, 3, HEADER_BYTES, HEADER_BYTES + 40):
        data = path.read_bytes()
        path.write_bytes(data[:size])
        end = cut_torn_end(tape_folder(tmp_path))
        assert end.last_seq == seq
        assert [part.number for part in list_parts(tape_folder(tmp_path))] == [1]
        aside = end.torn[-1]
        assert aside.name.startswith("torn-part-000002")
        shutil.rmtree(aside)
        path.parent.mkdir()
        path.write_bytes(data)


def test_an_empty_or_missing_tape_ends_at_zero(tmp_path: Path) -> None:
    assert cut_torn_end(tape_folder(tmp_path)).last_seq == 0
    tape_folder(tmp_path).mkdir()
    assert cut_torn_end(tape_folder(tmp_path)).last_seq == 0


def test_sealed_segments_before_a_torn_end_are_kept(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=4096, is_preallocated=False).begin()
    life.trade(range(1, 60))
    life.tape.abandon()
    for path in unsealed(tape_folder(tmp_path)):
        seal(path)
    last = list_parts(tape_folder(tmp_path))[0].segments[-1].path
    last.write_bytes(last.read_bytes() + b"torn")
    end = cut_torn_end(tape_folder(tmp_path))
    assert (end.last_seq, end.cut_bytes) == (life.sequencer.seq, 4)


def several_parts(state: Path) -> list[int]:
    """Five parts, a day apart by their heads; returns the seqs they begin after."""
    life = Life(state, a_sequencer())
    begins = []
    for part in range(1, 6):
        begins.append(life.sequencer.seq)
        head = life.head(part=part, epoch=1, session="s", chain=life.tape.chain)
        life.tape.begin_part(head, T0 + part * DAY_NS)
        for number in range(20):
            life.take(a_quote(part * 20 + number))
    life.tape.close()
    return begins


def test_tidying_seals_what_is_finished_and_prunes_before_the_last_but_one_checkpoint(tmp_path: Path) -> None:
    begins = several_parts(tmp_path)
    seqs = [begins[1] + 5, begins[3] + 1, begins[4] + 1]
    with closing(open_database(database_path(tmp_path))) as connection:
        for seq in seqs:
            values = checkpoint_values(Checkpoint(seq, bytes(16), b"state"), 0)
            connection.execute(database.SAVE_CHECKPOINT, values)
    assert needed_after_seq(tmp_path) == seqs[1]
    damaged = unsealed(tape_folder(tmp_path))[3]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    done = tidy(tmp_path, T0 + 9 * DAY_NS, 0.0, None)
    assert len(done.sealed) == 3
    assert done.pruned == (1, 2, 3)
    assert len(done.faults) == 1
    assert "part-000004/000001.tape was not sealed" in done.faults[0]
    assert tidy(tmp_path, T0 + 9 * DAY_NS, None, None).sealed == ()


def test_without_checkpoints_nothing_is_pruned(tmp_path: Path) -> None:
    several_parts(tmp_path)
    assert tidy(tmp_path, T0 + 99 * DAY_NS, 0.0, 0.0).pruned == ()
    open_database(database_path(tmp_path)).close()
    assert tidy(tmp_path, T0 + 99 * DAY_NS, 0.0, 0.0).pruned == ()


def test_old_parts_go_but_none_that_a_checkpoint_needs(tmp_path: Path) -> None:
    begins = several_parts(tmp_path)
    tape = tape_folder(tmp_path)
    now = T0 + 6 * DAY_NS

    def old(needed_after_seq: int, days: float | None, gb: float | None = None) -> list[int]:
        parts = prunable(tape, now_ns=now, needed_after_seq=needed_after_seq, keep_days=days, keep_gb=gb)
        return [part.number for part in parts]

    assert old(10_000, None) == []
    assert old(10_000, 2.5) == [1, 2]
    assert old(10_000, 0) == [1, 2, 3, 4]
    assert old(begins[2], 0) == [1, 2]
    assert old(begins[2] - 1, 0) == [1]
    assert old(0, 0) == []
    sizes = [part.size_bytes for part in list_parts(tape)]
    assert old(10_000, None, sum(sizes) / 1e9) == []
    assert old(10_000, None, (sum(sizes) - 1) / 1e9) == [1]
    assert old(10_000, None, 0) == [1, 2, 3, 4]
    prune(tape, prunable(tape, now_ns=now, needed_after_seq=begins[2], keep_days=0, keep_gb=None))
    assert [part.number for part in list_parts(tape)] == [3, 4, 5]
    assert next(TapeReader(tape).steps(begins[2])).seq == begins[2] + 1


def test_a_part_half_deleted_by_a_crash_is_no_part_and_goes_the_next_time(tmp_path: Path) -> None:
    begins = several_parts(tmp_path)
    tape = tape_folder(tmp_path)
    half = tape / "pruned-part-000001"
    list_parts(tape)[0].path.rename(half)
    sorted(half.iterdir())[0].unlink()
    assert [part.number for part in list_parts(tape)] == [2, 3, 4, 5]
    assert next(TapeReader(tape).steps(begins[1])).seq == begins[1] + 1
    prune(tape, [])
    assert not half.exists()
