"""A backup made beside a running process restores to a state in which that process could have died."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from actors.core.frames import INPUT, STEP, Frame, read_frames
from actors.errors import StateLocked, StoreError, TradingError, UsageError
from actors.messages.control import Started
from actors.store import database
from actors.store.backup import DATABASE_NS, Backup, whole_end
from actors.store.check import check
from actors.store.database import Checkpoint, checkpoint_values, database_path, open_database
from actors.store.folder import StateLock, read_identity
from actors.store.layout import HEADER_BYTES, list_parts, seal, tape_folder, unsealed
from actors.store.places import FolderPlace, Place, RemotePlace, place_of
from actors.store.recovery import catch_up, load
from actors.store.rerun import encode_snapshot
from actors.store.restore import restore
from actors.store.tape_reader import TapeReader
from tests.store.rows import rows
from tests.store.trading import T0, Life, a_quote, a_sequencer

pytestmark = pytest.mark.slow


class Trading(Life):
    """A life whose database follows, as the store's writer makes it."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, segment_bytes=1 << 14)
        self.now = T0
        self.begin()

    def go_on(self, numbers: range, *, checkpoints: bool = True) -> Trading:
        self.trade(numbers)
        self.tape.sync()
        with closing(open_database(database_path(self.state))) as connection:
            database.catch_up(connection, TapeReader(tape_folder(self.state)), self.tape.durable_seq)
            if checkpoints:
                sequencer = self.sequencer
                whole = Checkpoint(sequencer.seq, self.tape.chain, encode_snapshot(sequencer))
                connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(whole, self.now))
        return self

    def backup(self, place: Place) -> Backup:
        return Backup(self.state, place, check=check, now_ns=lambda: self.now)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Trading]:
    life = Trading(tmp_path / "state").go_on(range(1, 80))
    yield life
    life.tape.abandon()


@pytest.fixture(params=["folder", "url"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A plain folder, and an object store that fsspec keeps in memory."""
    if request.param == "folder":
        yield place_of(str(tmp_path / "backups"))
    else:
        yield place_of("memory://backups/store")
        MemoryFileSystem.store.clear()
        MemoryFileSystem.pseudo_dirs[:] = [""]


def recovered(state: Path) -> bytes:
    """The whole state that a start finds."""
    found = load(state)
    with found.lock:
        sequencer = a_sequencer()
        catch_up(found, sequencer)
        return encode_snapshot(sequencer)


def generations(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "generations").iterdir())


def test_a_backup_beside_a_writer_restores_to_its_state(life: Trading, place: Place, tmp_path: Path) -> None:
    manifest = life.backup(place).ship()
    then = encode_snapshot(life.sequencer)
    life.go_on(range(80, 160))
    restored = restore(place, tmp_path / "new", check=check)
    assert restored.manifest == manifest
    assert restored.checked.faults == []
    assert manifest.last_seq == restored.checked.tape.last_seq == restored.checked.applied_seq
    assert recovered(tmp_path / "new") == then


def test_a_restored_folder_is_another_store_of_the_same_lineage(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    before = read_identity(life.state)
    assert before is not None
    first, second = (restore(place, tmp_path / name, check=check).identity for name in "ab")
    assert first.lineage == second.lineage == (before.store_id,)
    assert len({before.store_id, first.store_id, second.store_id}) == 3
    assert read_identity(tmp_path / "a") == first
    assert read_identity(life.state) == before


def test_the_rows_of_a_restored_folder_are_those_of_the_backup(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    restore(place, tmp_path / "new", check=check)
    with (
        closing(open_database(database_path(life.state))) as ours,
        closing(open_database(database_path(tmp_path / "new"))) as theirs,
    ):
        assert rows(theirs) == rows(ours)


def cut_at_every_byte(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Cut, and what of it is to be kept up to which seq."""
    for size in range(HEADER_BYTES, len(data), 7):
        yield size, *whole_end(data[:size], 0)


def test_a_tape_read_in_the_middle_of_a_write_never_ends_with_an_input_whose_step_may_follow(
    life: Trading,
) -> None:
    data = list_parts(tape_folder(life.state))[0].segments[0].read()
    following = {
        a.seq: b.kind for a, b in zip(read_frames(data, 16), list(read_frames(data, 16))[1:], strict=False)
        if a.kind == INPUT
    }  # fmt: skip
    ends_with_input = 0
    for size, end, last_seq in cut_at_every_byte(data):
        assert end <= size
        kept = list(read_frames(data[:end], HEADER_BYTES))
        assert last_seq == max((frame.seq for frame in kept if frame.kind in (INPUT, STEP)), default=0)
        if kept and kept[-1].kind == INPUT:
            ends_with_input += 1
            assert following[kept[-1].seq] != STEP
    assert ends_with_input


def test_an_input_that_a_checkpoint_vouches_for_is_kept(life: Trading) -> None:
    data = list_parts(tape_folder(life.state))[-1].segments[-1].read()
    quiet = [frame for frame in _whole(data) if frame.kind == INPUT][-1]
    data = data[: quiet.end]
    assert whole_end(data, quiet.seq - 1).last_seq == quiet.seq - 1
    assert whole_end(data, quiet.seq) == (quiet.end, quiet.seq)


def _whole(data: bytes) -> list[Frame]:
    end = whole_end(data, 0).end
    return list(read_frames(data[:end], HEADER_BYTES))


def test_sealed_segments_are_shipped_once_and_shared(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    backup = life.backup(place)
    backup.ship()
    for path in unsealed(tape_folder(life.state)):
        seal(path)
    life.now += 60 * 10**9
    backup.ship()
    sealed = {path: path.stat().st_mtime_ns for path in (tmp_path / "backups" / "tape").rglob("*.sealed")}
    assert sealed
    life.go_on(range(80, 100))
    life.now += 60 * 10**9
    third = backup.ship()
    assert sealed == {path: path.stat().st_mtime_ns for path in sealed}
    assert sum(file.name.endswith(".sealed") for file in third.files) >= len(sealed)
    assert len(generations(tmp_path / "backups")) == 3
    restore(place, tmp_path / "new", check=check)


def test_a_rolling_backup_sends_the_checkpoint_and_not_the_database_again(
    life: Trading, place: Place, tmp_path: Path
) -> None:
    backup = life.backup(place)
    first = backup.ship_changes()
    assert first is not None
    assert backup.ship_changes() is None
    life.go_on(range(80, 160))
    life.now += 60 * 10**9
    second = backup.ship_changes()
    assert second is not None
    assert second.checkpoint_seq == second.last_seq > first.last_seq
    names = {file.path: file.name for file in second.files}
    assert names["tickerd.db"].startswith(f"generations/{first.generation}/")
    assert names["checkpoint"].startswith(f"generations/{second.generation}/")
    restored = restore(place, tmp_path / "new", check=check)
    assert restored.checked.applied_seq == second.last_seq
    assert second.checkpoint_seq in restored.checked.checkpoints
    assert recovered(tmp_path / "new") == encode_snapshot(life.sequencer)
    life.go_on(range(160, 170))
    life.now += DATABASE_NS
    third = backup.ship_changes()
    assert third is not None
    assert {file.path for file in third.files} >= {"tickerd.db", "store.json"}
    assert "checkpoint" not in {file.path for file in third.files}


def test_an_older_generation_can_be_chosen(life: Trading, place: Place, tmp_path: Path) -> None:
    backup = life.backup(place)
    first = backup.ship()
    then = encode_snapshot(life.sequencer)
    life.go_on(range(80, 120))
    backup.ship()  # within the same second
    restored = restore(place, tmp_path / "new", check=check, generation=first.generation)
    assert restored.manifest == first
    assert recovered(tmp_path / "new") == then
    with pytest.raises(UsageError, match="no generation 1999"):
        restore(place, tmp_path / "other", check=check, generation="1999")


def test_a_restored_store_goes_on_shipping_to_the_same_place(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    restore(place, tmp_path / "new", check=check)
    manifest = Backup(tmp_path / "new", place, check=check, now_ns=lambda: T0 + 10**12).ship()
    assert manifest.lineage == (read_identity(life.state).store_id,)  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="give each store a place of its own"):
        life.backup(place).ship()


def damage_a_file(folder: Path) -> None:
    path = next((folder / "generations").rglob("*.tape"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def lose_a_file(folder: Path) -> None:
    next((folder / "generations").rglob("tickerd.db")).unlink()


@pytest.mark.parametrize("harm", [damage_a_file, lose_a_file])
def test_a_backup_that_is_not_whole_is_refused_and_leaves_nothing_in_place(
    life: Trading, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    harm(tmp_path / "backups")
    with pytest.raises(StoreError):
        restore(place, tmp_path / "new", check=check)
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {"lock", "restoring"}
    shutil.rmtree(tmp_path / "backups")
    life.backup(place).ship()
    restore(place, tmp_path / "new", check=check)  # what was left over is not in the way


def test_only_an_empty_folder_that_nobody_holds_is_filled(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    with pytest.raises(UsageError, match="is not empty"):
        restore(place, life.state, check=check)
    with StateLock(tmp_path / "held"), pytest.raises(StateLocked):
        restore(place, tmp_path / "held", check=check)
    with pytest.raises(UsageError, match="no backup in"):
        restore(FolderPlace(tmp_path / "nowhere"), tmp_path / "new", check=check)


@pytest.mark.parametrize("segment", [0, -1])
def test_a_copy_of_damaged_state_never_becomes_the_newest_backup(
    life: Trading, tmp_path: Path, segment: int
) -> None:
    place = FolderPlace(tmp_path / "backups")
    backup = life.backup(place)
    good = backup.ship()
    path = list_parts(tape_folder(life.state))[0].segments[segment].path
    data = bytearray(path.read_bytes())
    data[400] ^= 1
    path.write_bytes(data)
    with pytest.raises(TradingError, match="db check"):
        backup.ship()
    assert restore(place, tmp_path / "new", check=check).manifest == good


def test_a_folder_that_was_never_started_and_an_unknown_url_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="never been started"):
        Backup(tmp_path, FolderPlace(tmp_path / "b"), check=check).ship()
    with pytest.raises(UsageError, match="nowhere://x cannot be used"):
        place_of("nowhere://x")


def test_a_place_that_cannot_be_written_is_one_sentence(life: Trading, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (FolderPlace(tmp_path / "file"), RemotePlace(f"file://{tmp_path}/file")):
        with pytest.raises(StoreError, match="cannot be reached"):
            life.backup(place).ship()


def test_a_manifest_cannot_write_outside_of_the_folder(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    path = tmp_path / "backups" / "manifest.json"
    path.write_text(path.read_text().replace('"path": "store.json"', '"path": "../store.json"'))
    with pytest.raises(StoreError, match="outside"):
        restore(place, tmp_path / "new", check=check)


def test_the_first_start_of_a_restored_folder_makes_no_former_id(life: Trading, tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "backups")
    life.backup(place).ship()
    identity = restore(place, tmp_path / "new", check=check).identity
    found = load(tmp_path / "new")
    with found.lock:
        sequencer = a_sequencer()
        caught = catch_up(found, sequencer)
        sequencer.ids.take_over(identity.store_id)
        again = Life(tmp_path / "new", sequencer)
        head = again.head(part=2, epoch=2, session="second", chain=caught.chain)
        again.tape.begin_part(
            msgspec.structs.replace(head, store_id=identity.store_id, epoch=2), sequencer.now
        )
        sent = again.take(Started(ts_event=sequencer.now, epoch=2), sequencer.now)
        for number in range(100, 130):
            sent += again.take(a_quote(number))
        again.tape.close()
    ids = {message.client_order_id for message in sent if hasattr(message, "client_order_id")}
    assert ids
    assert all(each.startswith(f"T{identity.store_id}") for each in ids)
    assert check(tmp_path / "new").faults == []
    assert recovered(tmp_path / "new") == encode_snapshot(sequencer)
