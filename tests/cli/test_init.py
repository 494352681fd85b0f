"""`tickerd init`: what it writes works, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_what_it_writes_passes_the_check(
    tmp_path: Path, tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tickerd("init", "mybot")
    assert (ran.code, ran.err) == (0, "")
    assert "cd mybot && tickerd backtest backtest.toml && tickerd check && tickerd run" in ran.out
    monkeypatch.chdir(tmp_path / "mybot")
    checked = tickerd("check", "--json")
    assert (checked.code, checked.json["errors"], checked.json["warnings"]) == (0, [], [])
    assert checked.json["config"]["accounts"]["paper"]["mode"] == "paper"


def test_a_file_that_is_there_is_kept_and_nothing_else_is_written(
    tmp_path: Path, tickerd: Callable[..., Any]
) -> None:
    mine = tmp_path / "strategies" / "my_cross.py"
    mine.parent.mkdir()
    mine.write_text("mine")
    ran = tickerd("init", tmp_path)
    assert ran.code == 2
    assert "is there already and is not overwritten: choose another folder" in ran.err
    assert mine.read_text() == "mine"
    assert not (tmp_path / "tickerd.toml").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    (tmp_path / "file").touch()
    ran = tickerd("init", tmp_path / "file" / "bot")
    assert ran.code == 1
    assert "cannot be written (not a directory): choose another folder" in ran.err


def test_json_lists_the_files(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    ran = tickerd("init", tmp_path / "bot", "--json")
    assert [Path(file).name for file in ran.json["files"]] == [
        "tickerd.toml",
        "my_cross.py",
        "backtest.toml",
        "sample.csv",
    ]


@pytest.mark.slow
def test_the_example_backtest_runs_and_trades(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    tickerd("init", str(tmp_path / "desk"))
    ran = tickerd("backtest", str(tmp_path / "desk" / "backtest.toml"), "--json")
    assert ran.json["trades"] > 5
    account = ran.json["accounts"]["test"]
    assert float(account["trial_balance"]) == 0.0
    gained = account["realised_pnl"] + account["unrealised_pnl"] - account["fees"]
    assert account["equity_end"] - account["equity_start"] == pytest.approx(gained, abs=1e-6)
