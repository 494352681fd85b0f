"""What is appended is read back; what cannot be written stops everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.core.frames import HEAD, INPUT, MARK
from actors.errors import TapeError
from actors.store.layout import list_parts, tape_folder
from actors.store.tape_reader import TapeReader
from tests.store.trading import Life, a_quote, two_parts


def test_steps_are_read_back_from_any_seq_on_in_order(tmp_path: Path) -> None:
    two_parts(tmp_path, count=150)
    reader = TapeReader(tape_folder(tmp_path))
    steps = list(reader.steps())
    seqs = [step.seq for step in steps]
    assert seqs == list(range(1, len(steps) + 1))
    assert any(step.sent for step in steps)
    for after in (0, 1, 17, 200, seqs[-1] - 1, seqs[-1]):
        assert list(reader.steps(after)) == steps[after:]


def test_a_part_begins_with_its_head_and_segments_rotate_by_size(tmp_path: Path) -> None:
    two_parts(tmp_path)
    parts = list_parts(tape_folder(tmp_path))
    assert [part.head.part for part in parts] == [1, 2]
    assert len(parts[0].segments) > 1
    frames = list(TapeReader(tape_folder(tmp_path)).frames())
    assert frames[0].kind == HEAD
    assert sum(frame.kind == HEAD for frame in frames) == 2
    assert parts[1].head.previous_chain != bytes(16)


def test_nothing_is_in_the_file_before_the_flush_and_all_after(tmp_path: Path) -> None:
    life = Life(tmp_path).begin()
    assert list_parts(tape_folder(tmp_path))[0].segments[0].head_frame() is None
    life.tape.flush()
    life.take(a_quote(1))
    assert [step.seq for step in TapeReader(tape_folder(tmp_path)).steps()] == [1]
    life.tape.flush()
    assert (life.tape.written_seq, life.tape.waiting_bytes) == (2, 0)
    assert [step.seq for step in TapeReader(tape_folder(tmp_path)).steps()] == [1, 2]
    life.tape.close()


def test_only_a_sync_makes_a_seq_durable_and_the_next_write_names_it(tmp_path: Path) -> None:
    life = Life(tmp_path, is_preallocated=False).begin()
    life.tape.flush()
    assert life.tape.durable_seq == 0
    path = list_parts(tape_folder(tmp_path))[0].segments[0].path
    size = path.stat().st_size
    assert life.tape.is_behind
    assert life.tape.sync() == 1
    assert (life.tape.durable_seq, life.tape.is_behind) == (1, False)
    life.take(a_quote(1))
    life.tape.flush()
    marks = [frame for frame in TapeReader(tape_folder(tmp_path)).frames() if frame.kind == MARK]
    assert [int.from_bytes(mark.payload[:8], "little") for mark in marks] == [size]
    assert marks[0].payload[8:] == life.tape.chain
    life.tape.close()


def test_a_sync_in_another_thread_never_vouches_for_more_than_is_written(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=1 << 13).begin()
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def sync() -> None:
        while not done.is_set():
            seen.append((life.tape.sync(), life.tape.written_seq))

    thread = threading.Thread(target=sync)
    thread.start()
    try:
        life.trade(range(1, 800), sync_every=10_000)
    finally:
        done.set()
        thread.join()
    last = life.sequencer.seq
    life.tape.close()
    assert all(durable <= written for durable, written in seen)
    assert [s.seq for s in TapeReader(tape_folder(tmp_path)).steps()] == list(range(1, last + 1))
    for part in list_parts(tape_folder(tmp_path)):
        assert len(part.segments) > 5
        for segment in part.segments:
            assert segment.read().rstrip(b"\0") == segment.read(), "reserved space is given back"


def test_reserved_space_behind_the_written_is_no_part_of_the_tape(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 20))
    path = list_parts(tape_folder(tmp_path))[0].segments[0].path
    assert path.stat().st_size == 1 << 16
    seqs = [step.seq for step in TapeReader(tape_folder(tmp_path)).steps()]
    assert seqs[-1] == life.sequencer.seq
    life.tape.abandon()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_fails_ends_all_writing(tmp_path: Path) -> None:
    life = Life(tmp_path, is_preallocated=False).begin()
    life.tape.flush()
    with file_size_limit(4096), pytest.raises(TapeError, match="cannot write the tape"):
        life.trade(range(1, 100))
    with pytest.raises(TapeError, match="cannot write the tape"):
        life.tape.flush()
    with pytest.raises(TapeError):
        life.tape.sync()
    life.tape.abandon()
    steps = list(TapeReader(tape_folder(tmp_path)).steps())
    assert 1 < len(steps) < 100


def test_a_part_that_exists_is_never_written_over(tmp_path: Path) -> None:
    Life(tmp_path).begin().tape.close()
    with pytest.raises(TapeError, match="cannot make part 1"):
        Life(tmp_path).begin()


def test_inputs_are_written_without_gaps(tmp_path: Path) -> None:
    life = Life(tmp_path).begin()
    with pytest.raises(AssertionError, match="does not follow"):
        life.tape.append(7, 1, a_quote(1), [])
    life.tape.close()


def test_every_256_inputs_the_chain_is_on_the_tape(tmp_path: Path) -> None:
    life = Life(tmp_path, segment_bytes=1 << 20).begin()
    life.trade(range(1, 900), sync_every=100_000)
    life.tape.close()
    places, last = [], 0
    for frame in TapeReader(tape_folder(tmp_path)).frames():
        if frame.kind == INPUT:
            last = frame.seq
        elif frame.kind == MARK:
            places.append(last)
    assert places[:3] == [256, 512, 768]
