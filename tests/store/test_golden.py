"""What a release has written, every later version reads: its tape, its checkpoints and its projections."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.control import Scope
from actors.store import database
from actors.store.database import broken_audit, database_path, open_database
from actors.store.layout import list_parts, tape_folder
from actors.store.recovery import catch_up, load
from actors.store.rerun import decode_snapshot, encode_snapshot
from daemon.graph import Core
from daemon.startup import core_of_head
from tests.cli.conftest import Ran, tickerd
from tests.startup_rig import Life
from tests.store.golden.make import CONFIG, FOLDER, SOURCES, Expected, digest, make, rows_digest

RELEASES = sorted(path.parent for path in FOLDER.glob("*/expected.json"))
Golden = tuple[Path, Expected]
Run = Callable[..., Ran]

__all__ = ["tickerd"]


def _expected(release: Path) -> Expected:
    return msgspec.json.decode((release / "expected.json").read_bytes(), type=Expected)


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Golden:
    shutil.copytree(request.param, tmp_path / "state")
    return tmp_path / "state", _expected(request.param)


def forget_newest_checkpoint(state: Path) -> None:
    with closing(open_database(database_path(state))) as connection:
        connection.execute("DELETE FROM checkpoints WHERE seq = (SELECT max(seq) FROM checkpoints)")


def caught_up_from(state: Path, seq: int) -> Core:
    """The core as a start brings it to the tape's end, out of the newest state that is left."""
    found = load(state)
    found.lock.release()
    assert (found.seq, found.notes, found.session) == (seq, [], None)
    assert found.head is not None
    core = core_of_head(found.head)
    catch_up(found, core.sequencer)
    return core


def test_there_is_a_golden_folder_with_a_part_sealed_and_one_not() -> None:
    assert RELEASES
    for release in RELEASES:
        parts = list_parts(tape_folder(release))
        assert [[segment.is_sealed for segment in part.segments] for part in parts] == [[True], [False]]


def test_its_tape_replays_identically(golden: Golden, tickerd: Run) -> None:
    state, expected = golden
    ran = tickerd("replay", "--state", state, "--verify", "--json")
    assert ran.code == 0
    found = dict(ran.json)
    assert found.pop("seconds") > 0
    assert found == {
        "identical": True,
        "inputs": expected.inputs,
        "orders": expected.orders,
        "chain": expected.chain,
        "parts": [1, 2],
    }


def test_its_middle_checkpoint_and_the_inputs_behind_make_the_state_of_the_end(golden: Golden) -> None:
    state, expected = golden
    forget_newest_checkpoint(state)
    core = caught_up_from(state, expected.checkpoint_seq)
    assert digest(encode_snapshot(core.sequencer)) == expected.state_digest


def test_without_its_database_the_head_of_its_last_part_does(golden: Golden) -> None:
    state, expected = golden
    database_path(state).unlink()
    core = caught_up_from(state, list_parts(tape_folder(state))[1].head.previous_seq)
    assert digest(encode_snapshot(core.sequencer)) == expected.state_digest


def test_its_state_is_one_of_every_actor(golden: Golden) -> None:
    state, expected = golden
    core = caught_up_from(state, expected.inputs)
    orders = [(order.terms.account, order.state) for order in core.oms.orders()]
    for wanted in (("main", "unknown"), ("main", "accepted"), ("paper", "accepted"), ("paper", "filled")):
        assert wanted in orders
    for account in ("main", "paper"):
        held = core.ledger.positions(account)
        assert any(position.quantity for position in held)
        assert any(position.realised_pnl for position in held)
    assert [found.status for found in core.reconciliation.differences()] == ["open"]
    snapshot = decode_snapshot(encode_snapshot(core.sequencer))
    states = {
        name: bytes(state) for name, state in snapshot.actors.items() if not name.startswith("clearing:")
    }
    assert all(len(state) > 100 for state in states.values())  # clearing has had nothing to clear
    assert core.risk.state_of(Scope(account="paper", strategy="cross"))[0] != "active"


@pytest.mark.parametrize("has_newest", [True, False])
def test_a_start_goes_on_from_it(golden: Golden, has_newest: bool) -> None:
    state, expected = golden
    if not has_newest:
        forget_newest_checkpoint(state)
    life = Life(CONFIG, state=state, sources=SOURCES)
    head = life.opened.head
    assert (head.part, head.previous_seq, head.previous_chain.hex(), head.recorded_from) == (
        3, expected.inputs, expected.chain, 0,
    )  # fmt: skip
    taken = msgspec.msgpack.decode(head.snapshot, type=CoreSnapshot)
    assert digest(msgspec.msgpack.encode(taken)) == expected.state_digest
    life.connect("main", held="0.02")
    life.quotes(3)
    life.stop()


def test_its_projections_are_read_and_exported_as_they_were(golden: Golden, tickerd: Run) -> None:
    state, expected = golden
    with closing(open_database(database_path(state))) as connection:
        assert database.applied_seq(connection) == expected.inputs
        assert broken_audit(connection) is None
    ran = tickerd("db", "export", "--state", state, "--json")
    assert ran.code == 0
    assert ran.json == expected.export
    assert ran.json["trial_balance"] == "0"


def test_its_projections_rebuilt_from_the_tape_are_the_same(golden: Golden, tickerd: Run) -> None:
    state, expected = golden
    assert rows_digest(state) == expected.rows_digest
    assert tickerd("db", "rebuild", "--state", state).code == 0
    assert rows_digest(state) == expected.rows_digest
    assert tickerd("db", "check", "--state", state).code == 0


def test_this_version_still_writes_what_the_newest_release_wrote(tmp_path: Path) -> None:
    newest = _expected(RELEASES[-1])
    assert make(tmp_path / "state") == newest, (
        "this version writes otherwise: make the folder of the coming release, see make.py"
    )
