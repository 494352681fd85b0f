"""What a release has written, every later version reads."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from actors.store import database
from actors.store.database import broken_audit, database_path, open_database
from actors.store.recovery import catch_up, load
from actors.store.replay import replay
from actors.store.rerun import encode_snapshot
from tests.store.golden.make import FOLDER, Expected, digest, make
from tests.store.trading import a_sequencer

RELEASES = sorted(path.parent for path in FOLDER.glob("*/expected.json"))


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Expected]:
    shutil.copytree(request.param, tmp_path / "state")
    return tmp_path / "state", msgspec.json.decode(
        (request.param / "expected.json").read_bytes(), type=Expected
    )


def test_there_is_a_golden_folder() -> None:
    assert RELEASES


def test_its_tape_replays_identically(golden: tuple[Path, Expected]) -> None:
    state, expected = golden
    result = replay(state, build=lambda head: a_sequencer())
    assert result.difference is None
    assert (result.inputs, result.orders, result.chain) == (
        expected.inputs, expected.orders, expected.chain,
    )  # fmt: skip


def test_its_checkpoint_is_where_the_next_life_starts(golden: tuple[Path, Expected]) -> None:
    state, expected = golden
    found = load(state)
    sequencer = a_sequencer()
    caught_up = catch_up(found, sequencer)
    found.lock.release()
    assert found.seq == expected.checkpoint_seq
    assert found.notes == []
    assert found.session is None
    assert caught_up.chain.hex() == expected.chain
    assert digest(encode_snapshot(sequencer)) == expected.snapshot_digest


def test_its_projections_are_read_and_can_be_rebuilt(golden: tuple[Path, Expected]) -> None:
    state, expected = golden
    with closing(open_database(database_path(state))) as connection:
        assert database.applied_seq(connection) == expected.inputs
        before = connection.execute("SELECT * FROM fills ORDER BY seq").fetchall()
        assert len(before) == expected.fills
        assert broken_audit(connection) is None
    found = load(state)
    with closing(open_database(database_path(state))) as connection:
        database.rebuild(connection, found.reader, expected.inputs)
        assert connection.execute("SELECT * FROM fills ORDER BY seq").fetchall() == before
    found.lock.release()


def test_this_version_still_writes_what_the_newest_release_wrote(tmp_path: Path) -> None:
    newest = msgspec.json.decode((RELEASES[-1] / "expected.json").read_bytes(), type=Expected)
    assert make(tmp_path) == newest, "messages are encoded otherwise now: that needs a release of its own"
