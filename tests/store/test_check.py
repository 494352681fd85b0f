"""A check finds what was changed, names the place, and changes nothing itself."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.core.frames import INPUT, MARK, STEP, Frame, encode_frame, read_frames
from actors.errors import StoreError
from actors.store import database
from actors.store.check import Checked, check
from actors.store.database import (
    Checkpoint,
    checkpoint_values,
    database_path,
    newest_checkpoint,
    open_database,
)
from actors.store.layout import HEADER_BYTES, list_parts, seal, tape_folder, unsealed
from actors.store.projections import audit_hash
from actors.store.rerun import encode_snapshot
from actors.store.tape_reader import TapeReader
from tests.store.trading import Life, a_quote, two_parts

pytestmark = pytest.mark.slow


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Two parts, stopped cleanly, and a database that is brought up to the end."""
    two_parts(tmp_path, count=80)
    bring_up(tmp_path, 10**9)
    return tmp_path


def bring_up(state: Path, seq: int) -> None:
    reader = TapeReader(tape_folder(state))
    seq = min(seq, max(frame.seq for frame in reader.frames()))
    with closing(open_database(database_path(state))) as connection:
        database.catch_up(connection, reader, seq)


def change(state: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(database_path(state), isolation_level=None)) as connection:
        assert connection.execute(statement, values).rowcount > 0


def places(found: Checked) -> list[tuple[str, str]]:
    return [(fault.area, fault.place) for fault in found.faults]


def first_segment(state: Path) -> Path:
    return list_parts(tape_folder(state))[0].segments[0].path


def frames(path: Path) -> list[Frame]:
    return list(read_frames(path.read_bytes(), HEADER_BYTES))


def rewrite(path: Path, old: Frame, new: bytes) -> None:
    """Another frame in the place of one, with a checksum that fits."""
    data = path.read_bytes()
    path.write_bytes(data[: old.offset] + new + data[old.end :])


def test_a_whole_folder_has_no_fault_and_says_what_was_checked(state: Path) -> None:
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    found = check(state)
    assert (found.faults, found.notes) == ([], [])
    assert {area: found.state_of(area) for area in ("database", "tape", "projections", "audit", "books")} == {
        "database": "ok", "tape": "ok", "projections": "ok", "audit": "ok", "books": "not checked",
    }  # fmt: skip
    assert (found.tape.parts, found.tape.first_seq) == (2, 1)
    assert found.tape.last_seq == found.tape.inputs == found.applied_seq
    assert {path: data for path, data in before.items() if path.read_bytes() != data} == {}


def test_sealed_segments_and_a_pruned_beginning_are_no_fault(state: Path) -> None:
    for path in unsealed(tape_folder(state)):
        seal(path)
    assert check(state).faults == []
    parts = list_parts(tape_folder(state))
    shutil.rmtree(parts[0].path)
    found = check(state)
    assert found.faults == []
    assert found.tape.first_seq == parts[1].head.previous_seq + 1


@pytest.mark.parametrize("kind", [INPUT, STEP])
def test_a_changed_frame_breaks_the_chain_where_it_stands(state: Path, kind: int) -> None:
    path = first_segment(state)
    steps = [frame for frame in frames(path) if frame.kind == STEP]
    changed = next(f for f in frames(path) if f.kind == kind and f.seq == steps[3].seq)
    place = -9 if kind == STEP else -1  # in the messages; a price
    payload = bytearray(changed.payload)
    payload[place] ^= 1
    rewrite(path, changed, encode_frame(changed.kind, changed.seq, changed.ts_init, bytes(payload)))
    found = check(state)
    assert found.is_damaged
    assert places(found) == [("tape", "part-000001/000001.tape")]
    assert f"after seq {steps[3].seq}" in str(found.faults[0])
    assert "chain" in str(found.faults[0])
    assert found.state_of("projections") == "not checked"


def test_a_flipped_byte_is_named_by_segment_and_offset(state: Path) -> None:
    path = first_segment(state)
    broken = frames(path)[20]
    data = bytearray(path.read_bytes())
    data[broken.offset + 30] ^= 1
    path.write_bytes(data)
    found = check(state)
    assert found.is_damaged
    assert f"part-000001/000001.tape, offset {broken.offset}" in str(found.faults[0])


def test_inputs_that_were_taken_out_are_missed(state: Path) -> None:
    path = first_segment(state)
    quiet = [f.seq for f in frames(path) if f.kind == INPUT]
    stepped = {f.seq for f in frames(path) if f.kind == STEP}
    gone = next(f for f in frames(path) if f.kind == INPUT and f.seq not in stepped and f.seq > quiet[5])
    rewrite(path, gone, b"")
    found = check(state)
    assert f"seq {gone.seq + 1} stands where {gone.seq} is due" in str(found.faults[0])


def test_a_missing_part_in_the_middle_is_missed(state: Path) -> None:
    parts = list_parts(tape_folder(state))
    life = Life(state)
    life.sequencer.seq = parts[1].head.previous_seq + 7
    life.begin(part=3).tape.close()
    found = check(state)
    assert places(found) == [("tape", "part-000003/000001.tape")]
    assert "the one before ends with" in found.faults[0].what


def test_a_torn_end_is_remarkable_and_no_fault(state: Path) -> None:
    path = list_parts(tape_folder(state))[-1].segments[-1].path
    last = frames(path)[-1]
    assert last.kind == MARK
    path.write_bytes(path.read_bytes()[: last.offset + 5])
    found = check(state)
    assert found.faults == []
    assert "ends in 5 bytes" in found.notes[0]


@pytest.mark.parametrize(
    ("statement", "place", "what"),
    [
        ("UPDATE fills SET price = '1' WHERE trade_id = '20'", "fills account paper", "price is '1'"),
        ("DELETE FROM fills WHERE trade_id = '20'", "fills account paper", "the tape has this row"),
        (
            "UPDATE orders SET status = 'cancelled' WHERE rowid_of = 1",
            "orders client_order_id T",
            "status is 'cancelled' by the database and 'filled' by the tape",
        ),
    ],
)
def test_a_row_that_the_tape_does_not_tell_is_named(
    state: Path, statement: str, place: str, what: str
) -> None:
    first = "client_order_id = (SELECT min(client_order_id) FROM orders)"
    change(state, statement.replace("rowid_of = 1", first))
    found = check(state)
    assert not found.is_damaged
    assert [fault.area for fault in found.faults] == ["projections"]
    assert place in found.faults[0].place
    assert what in found.faults[0].what
    assert "db rebuild" in found.faults[0].what


def test_an_audit_row_that_was_changed_is_found_by_its_hash_and_by_the_tape(state: Path) -> None:
    change(state, "UPDATE audit SET by = 'nobody'")
    assert [fault.area for fault in check(state).faults] == ["projections", "audit"]
    with closing(sqlite3.connect(database_path(state), isolation_level=None)) as connection:
        rows = connection.execute("SELECT * FROM audit ORDER BY seq, n").fetchall()
        previous = b""
        for *values, _ in rows:  # with hashes that fit, only the tape knows better
            previous = audit_hash(previous, values)
            connection.execute("UPDATE audit SET hash = ? WHERE seq = ? AND n = ?", (previous, *values[:2]))
    assert [fault.area for fault in check(state).faults] == ["projections"]


def test_a_database_ahead_of_the_tape_is_said(state: Path) -> None:
    change(state, "UPDATE meta SET value = '999999' WHERE key = 'applied_seq'")
    found = check(state)
    assert ("database", "applied_seq") in places(found)
    assert not found.is_damaged


def test_checkpoints_are_read_and_belong_to_the_tapes_chain(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 60))
    with closing(open_database(database_path(tmp_path))) as connection:
        for _ in range(2):
            life.take(a_quote(100))
            life.tape.flush()
            whole = Checkpoint(life.sequencer.seq, life.tape.chain, encode_snapshot(life.sequencer))
            connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(whole, 0))
        other = whole._replace(chain=bytes(16))
        life.tape.close()
        assert len(check(tmp_path).checkpoints) == 2
        assert check(tmp_path).faults == []
        connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(other, 0))
    assert places(check(tmp_path)) == [("database", f"checkpoint of seq {whole.seq}")]
    change(tmp_path, "UPDATE checkpoints SET snapshot = x'00' WHERE seq = ?", whole.seq)
    assert "damaged" in check(tmp_path).faults[0].what


def test_a_damaged_database_is_damage_and_the_tape_is_checked_all_the_same(state: Path) -> None:
    path = database_path(state)
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    found = check(state)
    assert found.is_damaged
    assert found.state_of("database") == "broken"
    assert found.state_of("tape") == "ok"


def test_a_tape_whose_parts_cannot_be_told_apart_is_damage_and_the_database_is_checked_all_the_same(
    state: Path,
) -> None:
    first_segment(state).unlink()
    found = check(state)
    assert [(fault.area, fault.is_damage) for fault in found.faults] == [("tape", True)]
    assert (found.state_of("database"), found.state_of("audit")) == ("ok", "ok")


@pytest.mark.parametrize(
    ("content", "is_damage", "what"),
    [
        (None, False, "it is gone, the tape is store"),
        (b'{"store_id":"ZZZZ"}', False, "it names store ZZZZ"),
        (b"{", True, "cannot be read"),
    ],
)
def test_a_folder_that_has_forgotten_whose_orders_these_are_is_broken(
    state: Path, content: bytes | None, is_damage: bool, what: str
) -> None:
    path = state / "store.json"
    path.unlink() if content is None else path.write_bytes(content)
    (fault,) = check(state).faults
    assert (fault.area, fault.place, fault.is_damage) == ("tape", "store.json", is_damage)
    assert what in fault.what


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and nothing else"])
def test_a_database_that_cannot_be_read_has_no_newest_checkpoint(state: Path, content: bytes) -> None:
    database_path(state).write_bytes(content)
    assert newest_checkpoint(state, after_seq=0) is None


def test_a_folder_without_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no tape and no database"):
        check(tmp_path)


def test_a_tape_without_a_database_and_the_other_way_round_are_damage(state: Path) -> None:
    path = database_path(state)
    kept = path.rename(path.with_name("kept"))
    assert places(check(state)) == [("database", "tickerd.db")]
    kept.rename(path)
    tape_folder(state).rename(state / "elsewhere")
    assert ("tape", "tape") in places(check(state))
