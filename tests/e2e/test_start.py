"""`scripts/start`: one command that sets up, trades, stops and says how to replay."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from daemon.exchange.truth import read_truth
from tests.e2e.rig import assert_books_equal_truth, environment, exported, nonzero, replayed

pytestmark = pytest.mark.slow


def start(repo_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [repo_root / "scripts" / "start", *arguments],
        cwd=repo_root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def first(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The object that `--json` prints, and what stood on stderr."""
    state = tmp_path_factory.mktemp("start")
    done = start(repo_root, "--for", "5", "--json", "--state", str(state))
    summary = json.loads(done.stdout)
    assert isinstance(summary, dict)
    return {"summary": summary, "shown": done.stderr, "state": state}


def test_start_prints_one_object_with_the_session_in_figures(first: dict[str, Any]) -> None:
    summary = first["summary"]
    assert list(summary) == ["session", "state", "inputs", "orders", "fills", "pnl", "tick_to_order_us"]
    assert summary["state"] == str(first["state"])
    assert min(summary["inputs"], summary["orders"], summary["fills"]) > 0
    assert {"p50", "p99"} <= set(summary["tick_to_order_us"])


def test_start_shows_the_addresses_and_how_to_replay(first: dict[str, Any]) -> None:
    session, state = first["summary"]["session"], first["state"]
    for text in (
        "/metrics",
        f"tickerd ctl status --state {state}",
        f"tickerd replay {session} --state {state} --verify",
    ):
        assert text in first["shown"]


def test_the_session_replays_and_its_books_equal_the_exchange(first: dict[str, Any]) -> None:
    summary, state = first["summary"], first["state"]
    verified = replayed(state, summary["session"])
    assert (verified["inputs"], verified["orders"]) == (summary["inputs"], summary["orders"])
    books = exported(state)
    assert len(books["fills"]) == summary["fills"]
    assert_books_equal_truth(books, read_truth(state / f"{summary['session']}.truth.jsonl"))


def test_a_second_start_goes_on_with_what_the_first_one_held(first: dict[str, Any], repo_root: Path) -> None:
    state = first["state"]
    before = exported(state)
    done = start(repo_root, "--for", "4", "--state", str(state))
    assert "replay it: tickerd replay" in done.stdout
    after = exported(state)
    assert len(after["fills"]) > len(before["fills"])
    assert after["fills"][: len(before["fills"])] == before["fills"]
    newest = max(state.glob("*.truth.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    assert nonzero(after["balances"]) == nonzero(read_truth(newest).account("demo").balances)
    assert after["trial_balance"] == "0"
    replayed(state, "--parts", "1-2")
