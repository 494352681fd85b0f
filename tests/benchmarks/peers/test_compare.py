"""The comparison: on which Python a peer runs, and what becomes of what engines say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks.peers.compare import Engine, measure
from tests.benchmarks.peers.environments import Environment, Interpreter, environment
from tests.benchmarks.peers.known import PEERS, Peer
from tests.benchmarks.peers.tables import Comparison, print_comparison

OLD = Interpreter((3, 11, 7), Path("old"))
NEW = Interpreter((3, 13, 0), Path("new"))
NEWER = Interpreter((3, 14, 1), Path("newer"))
DEMANDING = Peer(name="it", packages=("it==1",), differs="", python_min=(3, 12), python_max=(3, 13))


def installed(peer: Peer, folder: Path, *known: Interpreter) -> Environment:
    """Where a peer runs that every Python here has already."""
    for each in known:
        place = folder / f"{peer.packages[0]}-py{each.version[0]}.{each.version[1]}"
        place.mkdir()
        (place / "installed").write_text("\n".join(peer.packages))
    return environment(peer, known, folder)


def test_a_peer_runs_on_our_own_python_if_it_can(tmp_path: Path) -> None:
    modest = Peer(name="it", packages=("it==1",), differs="")
    assert installed(modest, tmp_path, OLD, NEWER, NEW).interpreter == OLD


def test_a_peer_that_needs_more_gets_the_newest_it_can_use(tmp_path: Path) -> None:
    found = installed(DEMANDING, tmp_path, OLD, NEWER, NEW)
    assert found.interpreter == NEW
    assert found.python == tmp_path / "it==1-py3.13" / "bin" / "python"


def test_a_peer_without_its_python_says_which_to_install(tmp_path: Path) -> None:
    found = installed(DEMANDING, tmp_path, OLD, NEWER)
    assert found.python is None
    assert (
        found.why_not
        == "needs Python 3.12 to 3.13 and this machine has none: install one (pyenv install 3.12)"
    )


def test_every_peer_has_a_runner_and_a_pinned_version() -> None:
    for peer in PEERS:
        assert Path(__file__).with_name(f"run_{peer.name}.py").exists()
        assert all("==" in package for package in peer.packages)


def an_engine(name: str, **said: object) -> Engine:
    line = "RESULT " + json.dumps(said)
    return Engine(name, "CPython 3", (sys.executable, "-S", "-c", f"print({line!r})"))


@pytest.mark.slow
def test_ratios_are_printed_with_versions_rules_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = {"version": "1", "inputs": 1000, "seconds": 1.0, "orders": 7}
    engines = [
        an_engine("tickerd", **done, cpu_seconds=0.5),
        an_engine("slow", **{**done, "version": "2.3"}, cpu_seconds=2.0),
        an_engine("other", unfit="no quotes"),
    ]
    rows = list(measure("A", tmp_path, engines))
    assert [row.ratio for row in rows] == [1.0, 4.0, 0.0]
    assert rows[1].cpu_rate == 500
    print_comparison(
        Comparison(
            circumstances="here", scale=1, runs=3, rows=rows,
            rules={"slow": "fills late"}, not_run={"gone": "no engine"},
        )
    )  # fmt: skip
    printed = capsys.readouterr().out
    for part in ("4.00 ×", "2.3", "no quotes", "fills late", "not run: no engine", "slow 2.3 │ 4.00"):
        assert part in printed
