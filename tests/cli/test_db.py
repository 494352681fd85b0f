"""`tickerd db`: each command on a real state folder, its exit code and what it says."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from actors.errors import StoreError
from actors.messages.account import ExternalFillShown
from actors.messages.control import BooksRestored
from actors.messages.orders import SubmitOrder
from actors.store.database import SCHEMA_VERSION as NOW
from actors.store.database import database_path, open_database
from actors.store.export import export
from actors.store.folder import StateLock, read_identity
from actors.store.layout import list_parts, tape_folder
from actors.store.upkeep import migrate
from tests.cli.conftest import Ran
from tests.conftest import REPO_ROOT
from tests.startup_rig import Life, a_config, mine, replayed

Run = Callable[..., Ran]

pytestmark = pytest.mark.slow


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Two lives: one order filled, some rest, stopped cleanly, and rows of all of it."""
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    life = Life(config)
    life.connect()
    life.quotes(9)
    life.fill(next(iter(life.order_states())))
    life.crash()
    life = Life(config)
    life.connect("main", held="0.001")
    life.connect("other")
    life.quotes(5)
    life.stop()
    return life.state


@pytest.fixture
def whole(state: Path, tickerd: Run) -> Path:
    assert tickerd("db", "rebuild", "--state", state).code == 0
    return state


def change(state: Path, statement: str) -> None:
    with closing(sqlite3.connect(database_path(state), isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0


# check


def test_a_whole_folder_checks_with_all_areas_ok(whole: Path, tickerd: Run) -> None:
    ran = tickerd("db", "check", "--state", whole, "--json")
    assert ran.code == 0
    assert ran.json["ok"] is True
    assert set(ran.json["areas"].values()) == {"ok"}
    assert (ran.json["parts"], ran.json["faults"], ran.json["notes"]) == (2, [], [])
    assert ran.json["last_seq"] == ran.json["inputs"] == ran.json["applied_seq"]
    assert "books" in tickerd("db", "check", "--state", whole).out


def test_a_wrong_row_is_exit_1_and_a_rebuild_puts_it_right(whole: Path, tickerd: Run) -> None:
    change(whole, "UPDATE fills SET quantity = '2'")
    ran = tickerd("db", "check", "--state", whole, "--json")
    assert (ran.code, ran.json["areas"]["projections"]) == (1, "broken")
    assert "quantity is '2' by the database and '0.001' by the tape" in ran.json["faults"][0]["what"]
    assert "BROKEN projections: fills" in tickerd("db", "check", "--state", whole).out
    assert tickerd("db", "rebuild", "--state", whole).code == 0
    assert tickerd("db", "check", "--state", whole).code == 0


def test_a_damaged_tape_is_exit_7_and_names_the_place(whole: Path, tickerd: Run) -> None:
    path = list_parts(tape_folder(whole))[0].segments[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ran = tickerd("db", "check", "--state", whole, "--json")
    assert ran.code == 7
    assert (ran.json["areas"]["tape"], ran.json["areas"]["books"]) == ("broken", "not checked")
    assert ran.json["faults"][0]["place"] == "part-000001/000001.tape"


def test_a_check_without_the_strategies_code_takes_the_newest_state_and_says_so(
    whole: Path, tickerd: Run, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").unlink()
    ran = tickerd("db", "check", "--state", whole, "--json")
    assert (ran.code, ran.json["areas"]["books"]) == (0, "ok")
    assert "newest checkpoint" in ran.json["notes"][0]


def test_a_folder_without_anything_is_one_sentence(tmp_path: Path, tickerd: Run) -> None:
    ran = tickerd("db", "check", "--state", tmp_path)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "--state" in ran.err


# backup and restore


def test_a_backup_is_restored_under_a_new_id_and_the_next_step_is_said(
    whole: Path, tickerd: Run, tmp_path: Path
) -> None:
    ran = tickerd("db", "backup", "--to", tmp_path / "b", "--state", whole, "--json")
    assert ran.code == 0
    new = tmp_path / "new"
    said = tickerd("db", "restore", "--from", tmp_path / "b", "--state", new)
    assert said.code == 0
    assert f"tickerd run --state {new}" in said.out
    assert "reconciles" in said.out
    before, after = read_identity(whole), read_identity(new)
    assert before is not None
    assert after is not None
    assert after.lineage == (before.store_id,)
    assert tickerd("db", "check", "--state", new, "--json").json["last_seq"] == ran.json["last_seq"]
    assert export(new) == export(whole)


def test_a_restore_into_a_folder_in_use_or_out_of_nothing_is_refused(
    whole: Path, tickerd: Run, tmp_path: Path
) -> None:
    assert tickerd("db", "backup", "--to", tmp_path / "b", "--state", whole).code == 0
    ran = tickerd("db", "restore", "--from", tmp_path / "b", "--state", whole)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "not empty" in ran.err
    assert tickerd("db", "restore", "--from", tmp_path / "no", "--state", tmp_path / "n").code == 2
    with StateLock(tmp_path / "held"):
        assert tickerd("db", "restore", "--from", tmp_path / "b", "--state", tmp_path / "held").code == 7


def test_a_continuous_backup_ships_until_it_is_told_to_end(whole: Path, tmp_path: Path) -> None:
    command = ["db", "backup", "--to", str(tmp_path / "b"), "--every", "1", "--state", str(whole), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", *command], cwd=REPO_ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("shipped seq ")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert msgspec.json.decode(out) == {"generations": 1, "to": str(tmp_path / "b")}
    assert (tmp_path / "b" / "manifest.json").exists()


def test_a_restored_store_starts_under_its_own_id_tells_the_core_and_replays(
    whole: Path, tickerd: Run, tmp_path: Path
) -> None:
    assert tickerd("db", "backup", "--to", tmp_path / "b", "--state", whole).code == 0
    assert tickerd("db", "restore", "--from", tmp_path / "b", "--state", tmp_path / "new").code == 0
    config = a_config(tmp_path / "new", mine=mine(tmp_path))
    life = Life(config)
    former, identity = life.recovered.identity.lineage[-1], life.recovered.identity.store_id
    assert [m.store_id for m in life.opened.first_inputs if isinstance(m, BooksRestored)] == [former]
    life.connect("main", held="0.001")
    life.connect("other")
    life.quotes(6)
    sent = [message.client_order_id for message in life.of(SubmitOrder)]
    assert sent
    assert all(each.startswith(f"T{identity}") for each in sent)
    assert life.of(ExternalFillShown) == []
    life.crash()
    again = Life(config)
    assert not [m for m in again.opened.first_inputs if isinstance(m, BooksRestored)]
    again.stop()
    assert replayed(tmp_path / "new").identical
    assert tickerd("db", "rebuild", "--state", tmp_path / "new").code == 0
    assert tickerd("db", "check", "--state", tmp_path / "new").code == 0


# rebuild and migrate


def test_a_rebuild_counts_rows_and_keeps_a_damaged_database_aside(whole: Path, tickerd: Run) -> None:
    rows = tickerd("db", "rebuild", "--state", whole, "--json").json
    assert (rows["seam_seq"], rows["aside"], rows["rows"]["fills"]) == (0, None, 1)
    database_path(whole).write_bytes(b"nothing that SQLite knows" * 400)
    ran = tickerd("db", "rebuild", "--state", whole, "--json")
    assert (ran.code, ran.json["aside"]) == (0, "tickerd.db.damaged-1")
    assert ran.json["rows"] == rows["rows"]
    assert tickerd("db", "check", "--state", whole).code == 0


def test_nothing_is_rebuilt_or_migrated_under_a_running_daemon(whole: Path, tickerd: Run) -> None:
    with StateLock(whole):
        assert tickerd("db", "rebuild", "--state", whole).code == 7
        assert tickerd("db", "migrate", "--state", whole).code == 0  # there is nothing to do
        with pytest.raises(Exception, match="is held by process"):
            migrate(whole, version=NOW + 1, migrations={NOW: lambda connection: None})


def test_a_migration_keeps_the_former_database(whole: Path, tickerd: Run) -> None:
    ran = tickerd("db", "migrate", "--state", whole, "--json")
    assert (ran.code, ran.json) == (0, {"from": NOW, "to": NOW, "kept": None})

    def add_a_table(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE notes (text TEXT)")

    done = migrate(whole, version=NOW + 1, migrations={NOW: add_a_table})
    assert (done.before, done.after) == (NOW, NOW + 1)
    assert done.kept is not None
    with closing(sqlite3.connect(done.kept)) as former:
        assert former.execute("PRAGMA user_version").fetchone() == (NOW,)
        assert former.execute("SELECT count(*) FROM fills").fetchone() == (1,)
    with pytest.raises(StoreError, match=f"schema {NOW + 1}"):
        open_database(database_path(whole))
    assert tickerd("db", "check", "--state", whole).code == 7


@pytest.mark.parametrize("action", ["check", "backup", "restore", "migrate", "rebuild", "export"])
def test_every_command_explains_itself(action: str, tickerd: Run) -> None:
    ran = tickerd("db", action, "--help")
    assert ran.code == 0
    assert "--json" in ran.out
