"""`tickerd backtest`: two files, the same run again, Ctrl-C, failures, planted bugs, bad input."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.research.frames import Frames, write_frames
from daemon.research.runs import read_run
from tests.research.test_backtest import BTC, ROWS, a_file

CONFIG = """
[venues.files]
kind = "simulated"
[accounts.test]
venue = "files"
mode = "paper"
base_currency = "USDT"
limits.price_age_max_seconds = "off"
simulated = {{ fee_currency = "USDT", opening_balances = {{ USDT = 10000 }} }}
[instruments."{instrument}"]
base = "BTC"
quote = "USDT"
"""
BACKTEST = """
[strategies.s]
use = "tests.research.strategies_for_tests:{use}"
account = "test"
instruments = ["{instrument}"]
bars = ["1m"]
sizing = {{ method = "fixed_quantity", amount = 2 }}
[[backtest.data]]
path = "bars.csv"
instrument = "{instrument}"
interval = "1m"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    def make(use: str) -> list[str]:
        a_file(tmp_path, ROWS)
        (tmp_path / "system.toml").write_text(CONFIG.format(instrument=BTC))
        (tmp_path / "backtest.toml").write_text(BACKTEST.format(instrument=BTC, use=use))
        return ["backtest", "--system", "system.toml", "--backtest", "backtest.toml", "--json"]

    monkeypatch.chdir(tmp_path)
    return make


def test_system_and_backtest_in_two_files_and_the_same_run_again(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("UpAndDown")
    first = tickerd(*words)
    assert (first.code, first.err) == (0, "")
    assert first.json["state"] == "complete"
    again = tickerd(*words)
    assert again.code == 0
    assert {name: again.json[name] for name in ("path", "result_hash")} == {
        name: first.json[name] for name in ("path", "result_hash")
    }
    plain = tickerd(*words[:-1])
    assert "the same result as before" in plain.out
    assert "sharpe" in plain.out
    assert "n/a" in plain.out
    kept = read_run(Path(first.json["path"]))
    assert json.loads((Path(first.json["path"]) / "run.json").read_text())["run_id"] == kept.info.run_id
    other = tickerd(*words, "--set", "strategies.s.sizing.amount=1")
    assert other.json["path"] != first.json["path"]


def test_ctrl_c_ends_it_cleanly_with_what_is_known(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    ran = tickerd(*folder("Interrupting"))
    assert ran.code == 130
    assert ran.json["state"] == "interrupted"
    assert read_run(Path(ran.json["path"])).info.state == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_a_slow_strategy_within_a_few_bars(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("Interrupting")
    times = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(1_000))
    rows = [f"{time.isoformat()},100,101,99,100,1" for time in times]
    Path("bars.csv").write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
    ran = tickerd(*words)
    assert ran.code == 130
    assert ran.json["inputs"] <= 64


def test_a_failing_strategy_ends_with_one_and_is_kept(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    ran = tickerd(*folder("Raising"))
    assert ran.code == 1
    assert "s.on_bar: KeyError at strategies_for_tests.py:" in ran.json["failures"][0]
    assert read_run(Path(ran.json["path"])).frames.fills.height == 1


def test_a_planted_bug_ends_the_check_with_three_and_names_the_decision(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    clean = tickerd(*folder("UpAndDown"), "--check-lookahead", "--check-warmup")
    assert (clean.code, [check["is_clean"] for check in clean.json["checks"]]) == (0, [True, True])
    ran = tickerd(
        *folder("Peeking"), "--check-lookahead", "--set", 'strategies.s.parameters={ file = "bars.csv" }'
    )
    assert ran.code == 3
    difference = ran.json["checks"][0]["difference"]
    assert "with the data cut off at 2024-01-01T00:0" in difference
    assert "of strategy s at 2024-01-01T00:01:00+00:00 differs: Signal" in difference


def test_a_check_that_compared_nothing_says_so(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("Idle")
    ran = tickerd(*words[:-1], "--check-lookahead")
    assert ran.code == 0
    assert ran.out.startswith("look-ahead: warning: nothing is proven")
    assert "clean" not in ran.out
    ran = tickerd(*words, "--check-warmup")
    assert (ran.code, ran.json["checks"][0]["is_clean"]) == (0, False)


def test_a_timeframe_that_the_data_cannot_make_is_told_with_those_there_are(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    ran = tickerd(*folder("Idle"), "--set", 'strategies.s.bars=["30s"]')
    assert ran.code == 78
    assert f"no data makes bars of 30s for {BTC}: there are those of 1m, so add trades" in ran.err


def test_money_that_nobody_named_is_the_reason_for_no_figures(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    ran = tickerd(*folder("UpAndDown"), "--set", "accounts.test.simulated.opening_balances={ USDT = 0 }")
    assert ran.json["warnings"][0] == (
        "test: no figures of equity, as it began with nothing: "
        "name what it has in accounts.test.simulated.opening_balances"
    )


def test_words_that_contradict_each_other_are_refused(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("UpAndDown")
    ran = tickerd(*words, "--from", "2024-02-01", "--to", "2024-01-01")
    assert ran.code == 2
    assert "--from 2024-02-01 is not before --to 2024-01-01" in ran.err
    ran = tickerd(*words, "--check-lookahead", "--report", "out")
    assert ran.code == 2
    assert "a check writes no report: leave --report out" in ran.err


def test_both_files_setting_one_value_is_refused(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("UpAndDown")
    with Path("backtest.toml").open("a") as file:
        file.write('[accounts.test]\nmode = "live"\n')
    ran = tickerd(*words)
    assert ran.code == 78
    assert "accounts.test.mode is set in system.toml:6 already, remove one of the two" in ran.err


def test_nothing_to_read_is_one_sentence(
    tickerd: Callable[..., Any], folder: Callable[[str], list[str]]
) -> None:
    words = folder("UpAndDown")
    Path("bars.csv").unlink()
    ran = tickerd(*words)
    assert ran.code == 1
    assert "no such file" in ran.err


def test_warnings_and_failures_stand_line_by_line(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("UpAndDown")[:-1]
    ran = tickerd(*words, "--set", "accounts.test.limits.order_quantity_max=1")
    block = ran.out.rstrip().split("\n\n")[-1].splitlines()
    assert len(block) > 1
    assert all(line.startswith("warning: ") for line in block)


@pytest.mark.parametrize("option", ["--state", "--report"])
def test_a_place_that_cannot_be_written_is_refused_before_the_run(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any], option: str
) -> None:
    ran = tickerd(*folder("UpAndDown"), option, "bars.csv/x")
    assert ran.code == 2
    assert "bars.csv/x" in ran.err
    assert "cannot be written (Not a directory): give another place" in ran.err
    assert "equity_end" not in ran.out


def test_a_run_that_no_longer_fits_on_the_disk_is_told_all_the_same(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = folder("UpAndDown")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("daemon.research.runs.write_frames", full)
    ran = tickerd(*words)
    assert ran.code == 1
    assert ran.json["accounts"]["test"]["equity_end"]
    assert ran.json["path"] is None
    assert "cannot be written (No space left on device): make room" in ran.err
    assert [each.name for each in Path("state/runs").iterdir()] == []
    assert "not kept" in tickerd(*words[:-1]).out


def test_two_that_end_at_once_keep_one_run(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = folder("UpAndDown")
    first = tickerd(*words).json["path"]
    aside = Path("state/aside")
    Path(first).rename(aside)

    def beaten(folder: Path, frames: Frames) -> None:
        """While one writes, the other puts its own there."""
        write_frames(folder, frames)
        if aside.exists():
            monkeypatch.setattr("daemon.research.runs.shutil.rmtree", lambda *_, **__: None)
            aside.rename(first)

    monkeypatch.setattr("daemon.research.runs.write_frames", beaten)
    ran = tickerd(*words[:-1])
    assert ran.code == 0
    assert "the same result as before" in ran.out


def test_what_is_found_in_the_data_is_told_beside_the_result_and_never_within_json(
    folder: Callable[[str], list[str]], tickerd: Callable[..., Any]
) -> None:
    words = folder("UpAndDown")
    rows = Path("bars.csv").read_text().splitlines()
    Path("bars.csv").write_text("\n".join([*rows[:3], rows[2], *rows[3:], ""]))
    ran = tickerd(*words)
    assert (ran.code, ran.err) == (0, "")
    [found] = ran.json["findings"]
    assert "bars.csv:4: the bar of 2024-01-01 00:02:00 is there twice; one of them is left out" in found
    assert found in tickerd(*words[:-1]).out
    assert found in tickerd("report").out
