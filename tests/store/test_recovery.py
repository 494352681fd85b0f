"""However a process life ended, the next one starts from what is on disk, or says why it does not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from actors.core.frames import INPUT, read_frames
from actors.core.sequencer import Sequencer
from actors.errors import ReplayDiffers, StateLocked, StoreError, TapeError
from actors.messages.control import StepFailed
from actors.store import database
from actors.store.database import Checkpoint, checkpoint_values, database_path, open_database
from actors.store.folder import StateLock, identify, read_identity, renew_identity
from actors.store.layout import HEADER_BYTES, list_parts, tape_folder
from actors.store.recovery import CaughtUp, Recovered, catch_up, load
from actors.store.replay import replay
from actors.store.rerun import LastInputFailed, encode_snapshot
from tests.store.trading import Life, Trader, a_quote, a_sequencer


def recovered(state: Path, trader: Trader | None = None) -> tuple[Recovered, Sequencer, CaughtUp]:
    found = load(state)
    try:
        sequencer = a_sequencer(trader)
        return found, sequencer, catch_up(found, sequencer)
    finally:
        found.lock.release()


def save_checkpoint(life: Life) -> int:
    """Store the present state, as the writer would once the tape is durable."""
    life.tape.flush()
    life.tape.sync()
    state = Checkpoint(life.sequencer.seq, life.tape.chain, encode_snapshot(life.sequencer))
    with closing(open_database(database_path(life.state))) as connection:
        connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(state, 0))
    return state.seq


def test_a_fresh_folder_starts_from_nothing_with_a_random_store_id(tmp_path: Path) -> None:
    found, sequencer, caught_up = recovered(tmp_path / "new" / "state")
    assert (found.snapshot, found.last_seq, found.next_part, found.last_epoch) == (None, 0, 1, 0)
    assert (caught_up.seq, caught_up.late_step, sequencer.seq) == (0, None, 0)
    assert len(found.identity.store_id) == 4
    again, *_ = recovered(tmp_path / "new" / "state")
    assert again.identity == found.identity


def test_a_restored_folder_gets_a_new_store_id_and_remembers_the_old(tmp_path: Path) -> None:
    before = identify(tmp_path)
    after = renew_identity(tmp_path)
    assert after.store_id != before.store_id
    assert after.lineage == (before.store_id,)
    assert read_identity(tmp_path) == after


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom actors.store.folder import StateLock\n"
        f"lock = StateLock(Path({str(tmp_path)!r}))\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateLocked, match=rf"process {holder.pid}\b"):
            load(tmp_path)
    finally:
        holder.communicate()
    with StateLock(tmp_path), pytest.raises(StateLocked):
        StateLock(tmp_path)
    StateLock(tmp_path).release()


def test_the_state_after_a_crash_is_the_state_before_it(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 200))
    save_checkpoint(life)
    life.trade(range(200, 300))
    expected, chain = encode_snapshot(life.sequencer), life.tape.chain
    life.tape.abandon()
    found, sequencer, caught_up = recovered(tmp_path)
    assert found.source.startswith("the checkpoint")
    assert encode_snapshot(sequencer) == expected
    assert (caught_up.chain, caught_up.seq) == (chain, life.sequencer.seq)
    assert caught_up.inputs == life.sequencer.seq - found.seq
    assert found.session == "first"
    assert found.notes == []


@pytest.mark.slow
def test_killed_after_any_input_the_next_life_goes_on_as_if_it_had_not_died(tmp_path: Path) -> None:
    whole = a_sequencer()
    straight = Life(tmp_path / "straight", whole).begin().trade(range(1, 60))
    straight.tape.close()
    expected = encode_snapshot(whole)
    for k in range(1, 60, 3):
        state = tmp_path / str(k)
        first = Life(state).begin().trade(range(1, k))
        if k % 2:
            save_checkpoint(first)
        first.tape.abandon()
        found, sequencer, caught_up = recovered(state)
        second = Life(state, sequencer)
        head = second.head(part=found.next_part, epoch=1, session="first", chain=caught_up.chain)
        second.tape.begin_part(head, sequencer.now)
        second.trade(range(k, 60))
        second.tape.close()
        assert encode_snapshot(sequencer) == expected
        assert replay(state, build=lambda head: a_sequencer()).identical


WRITER = """
import sys
from pathlib import Path
from tests.store.trading import Life, a_quote
life = Life(Path(sys.argv[1]), segment_bytes=1 << 14).begin()
number = 0
while True:
    number += 1
    life.take(a_quote(number))
    life.tape.flush()
    if number % 7 == 0:
        life.tape.sync()
    print(life.sequencer.seq, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [1, 40, 333])
def test_killed_at_any_instruction_nothing_that_was_written_is_lost(
    tmp_path: Path, repo_root: Path, inputs: int
) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(state)], stdout=subprocess.PIPE, text=True, cwd=repo_root
    )
    assert process.stdout is not None
    for _ in range(inputs):
        assert process.stdout.readline()
    process.kill()
    *_, last = process.stdout.read().splitlines(keepends=True) or ["0"]
    process.wait()
    process.stdout.close()
    told = int(last) if last.endswith("\n") else 0
    found, sequencer, caught_up = recovered(state)
    assert found.last_seq >= max(told, inputs)
    assert caught_up.seq == sequencer.seq == found.last_seq
    assert replay(state, build=lambda head: a_sequencer()).identical


def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 100))
    first = save_checkpoint(life)
    life.trade(range(100, 150))
    second = save_checkpoint(life)
    life.trade(range(150, 180))
    expected = encode_snapshot(life.sequencer)
    life.tape.abandon()
    for damage in (
        "UPDATE checkpoints SET snapshot = substr(snapshot, 1, 100) WHERE seq = ?",
        "UPDATE checkpoints SET chain = zeroblob(16) WHERE seq = ?",
    ):
        with closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
            connection.execute(damage, (second,))
        found, sequencer, _ = recovered(tmp_path)
        assert found.seq == first
        assert f"the checkpoint of seq {second} cannot be used" in found.notes[0]
        assert encode_snapshot(sequencer) == expected
    with closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
        connection.execute("UPDATE checkpoints SET digest = zeroblob(16)")
    found, sequencer, _ = recovered(tmp_path)
    assert found.source == "the head of part 1"
    assert len(found.notes) == 2
    assert encode_snapshot(sequencer) == expected


def test_a_damaged_database_is_kept_aside_and_the_tape_tells_all(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 100))
    save_checkpoint(life)
    expected = encode_snapshot(life.sequencer)
    life.tape.abandon()
    path = database_path(tmp_path)
    path.write_bytes(b"no database at all" * 400)
    found, sequencer, _ = recovered(tmp_path)
    assert "kept as tickerd.db.damaged-1" in found.notes[0]
    assert (tmp_path / "tickerd.db.damaged-1").exists()
    assert encode_snapshot(sequencer) == expected


def test_a_deleted_database_is_no_loss_and_a_deleted_tape_is_an_error(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 100))
    save_checkpoint(life)
    expected = encode_snapshot(life.sequencer)
    life.tape.close()
    database_path(tmp_path).unlink()
    _, sequencer, _ = recovered(tmp_path)
    assert encode_snapshot(sequencer) == expected
    life.state = tmp_path
    with closing(open_database(database_path(tmp_path))) as connection:
        state = Checkpoint(life.sequencer.seq, life.tape.chain, expected)
        connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(state, 0))
    tape_folder(tmp_path).rename(tmp_path / "elsewhere")
    with pytest.raises(TapeError, match="the tape is gone"):
        load(tmp_path)
    StateLock(tmp_path).release()


def test_a_database_ahead_of_the_tape_is_rebuilt_from_it(tmp_path: Path) -> None:
    life = Life(tmp_path, is_preallocated=False).begin().trade(range(1, 100))
    life.tape.abandon()
    with closing(open_database(database_path(tmp_path))) as connection:
        state = Checkpoint(10**6, bytes(16), b"")
        connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(state, 0))
        connection.execute(database.META, ("applied_seq", str(10**6)))
    found, _, _ = recovered(tmp_path)
    assert "ahead of the tape" in found.notes[0]
    with closing(open_database(database_path(tmp_path))) as connection:
        assert database.applied_seq(connection) == found.last_seq - 1
        assert database.checkpoint_seqs(connection) == []
        assert connection.execute("SELECT count(*) FROM fills").fetchone()[0] > 5


def test_a_rebuilt_database_has_not_passed_an_input_whose_step_is_still_to_be_written(tmp_path: Path) -> None:
    torn_before_the_last_step(tmp_path)
    with closing(open_database(database_path(tmp_path))) as connection:
        connection.execute(database.META, ("applied_seq", str(10**6)))
    found, _, caught_up = recovered(tmp_path)
    assert caught_up.late_step is not None
    assert caught_up.late_step.seq == found.last_seq
    with closing(open_database(database_path(tmp_path))) as connection:
        assert database.applied_seq(connection) < caught_up.late_step.seq


def torn_before_the_last_step(state: Path, *, bad: bool = False) -> None:
    """A tape whose last input has no step, though it sent something, or an actor failed on it."""
    life = Life(state, is_preallocated=False).begin().trade(range(1, 40))
    assert life.sequencer.actors[0].name == "trader"
    for number in range(40, 51):
        life.take(a_quote(number)) if number < 50 else None
    if bad:
        life.tape.append(life.sequencer.seq + 1, life.sequencer.now, a_quote(60, bid=-1.0), [])
    else:
        assert life.take(a_quote(50)), "the last quote makes an order"
    life.tape.flush()
    life.tape.abandon()
    path = list_parts(tape_folder(state))[0].segments[0].path
    data = path.read_bytes()
    last = [frame for frame in read_frames(data, HEADER_BYTES) if frame.kind == INPUT][-1]
    path.write_bytes(data[: last.end])


def test_a_last_input_without_its_step_gives_what_was_never_sent(tmp_path: Path) -> None:
    torn_before_the_last_step(tmp_path)
    found, sequencer, caught_up = recovered(tmp_path)
    assert caught_up.late_step is not None
    assert caught_up.late_step.seq == found.last_seq == caught_up.seq
    assert [type(message).__name__ for message in caught_up.late_messages] == [
        "OrderIntent",
        "ApprovedOrder",
        "SubmitOrder",
    ]
    # The next life writes it with its own head, in one write, and the whole tape replays.
    second = Life(tmp_path, sequencer)
    head = second.head(part=2, epoch=1, session="first", chain=caught_up.chain)
    second.tape.begin_part(head, sequencer.now, caught_up.late_step)
    second.trade(range(61, 90))
    second.tape.close()
    result = replay(tmp_path, build=lambda head: a_sequencer())
    assert result.identical
    assert result.note is None
    assert replay(tmp_path, build=lambda head: a_sequencer(), parts=[2]).identical
    _, again, _ = recovered(tmp_path)
    assert encode_snapshot(again) == encode_snapshot(sequencer)
    with closing(open_database(database_path(tmp_path))) as connection:
        database.catch_up(connection, found.reader.__class__(tape_folder(tmp_path)), sequencer.seq)
        order = caught_up.late_messages[0]
        rows = connection.execute("SELECT seq_created FROM orders WHERE seq_created = ?", (found.last_seq,))
        assert len(rows.fetchall()) == 1, f"{order} is in the projections"


def test_a_tape_torn_before_a_step_replays_with_a_note(tmp_path: Path) -> None:
    torn_before_the_last_step(tmp_path)
    result = replay(tmp_path, build=lambda head: a_sequencer())
    assert result.identical
    assert result.note is not None


def test_a_last_input_that_an_actor_fails_on_is_skipped_from_then_on(tmp_path: Path) -> None:
    torn_before_the_last_step(tmp_path, bad=True)
    found = load(tmp_path)
    with pytest.raises(LastInputFailed, match="ArithmeticError") as caught:
        catch_up(found, a_sequencer())
    sequencer = a_sequencer()
    caught_up = catch_up(found, sequencer, late=caught.value.late)
    assert isinstance(caught_up.late_messages[0], StepFailed)
    assert sequencer.seq == found.last_seq
    second = Life(tmp_path, sequencer)
    head = second.head(part=2, epoch=1, session="first", chain=caught_up.chain)
    second.tape.begin_part(head, sequencer.now, caught_up.late_step)
    second.trade(range(61, 90))
    second.tape.close()
    found.lock.release()
    assert replay(tmp_path, build=lambda head: a_sequencer()).identical


def test_a_core_that_decides_otherwise_is_named_with_the_first_message(tmp_path: Path) -> None:
    Life(tmp_path).begin().trade(range(1, 60)).tape.abandon()
    with pytest.raises(ReplayDiffers, match=r"seq \d+, .*OrderIntent.*0\.01.*0\.02"):
        recovered(tmp_path, Trader(quantity="0.02"))


def test_a_session_that_was_stopped_cleanly_is_over(tmp_path: Path) -> None:
    Life(tmp_path).begin().trade(range(1, 60)).stop(60)
    found, *_ = recovered(tmp_path)
    assert found.session is None
    assert found.next_part == 2
    assert found.last_epoch == 1


def test_a_torn_end_is_said(tmp_path: Path) -> None:
    life = Life(tmp_path, is_preallocated=False).begin().trade(range(1, 20))
    life.tape.abandon()
    path = list_parts(tape_folder(tmp_path))[0].segments[0].path
    path.write_bytes(path.read_bytes() + b"half a frame")
    found, *_ = recovered(tmp_path)
    assert found.notes == ["the tape's torn end of 12 bytes was cut and kept as 000001.torn"]


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    open_database(database_path(tmp_path)).close()
    with closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        load(tmp_path)
    StateLock(tmp_path).release()


def test_a_locked_database_is_done_without(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 100))
    save_checkpoint(life)
    expected = encode_snapshot(life.sequencer)
    life.tape.abandon()
    with closing(sqlite3.connect(database_path(tmp_path), isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE meta SET value = value")
        found, sequencer, _ = recovered(tmp_path)
        holder.execute("ROLLBACK")
    assert "locked" in found.notes[0]
    assert "from the tape alone" in found.notes[0]
    assert found.source == "the head of part 1"
    assert encode_snapshot(sequencer) == expected


def test_a_database_damaged_inside_is_kept_aside(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 100))
    save_checkpoint(life)
    expected = encode_snapshot(life.sequencer)
    life.tape.abandon()
    path = database_path(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)  # the first page still says that it is a database
    path.write_bytes(data)
    found, sequencer, _ = recovered(tmp_path)
    assert "kept as tickerd.db.damaged-1" in found.notes[0]
    assert encode_snapshot(sequencer) == expected
