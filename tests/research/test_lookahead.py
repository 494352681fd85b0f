"""Planted bugs are found: knowing the future by a file or by a former run, and too short a warm-up."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from daemon.research.api import Backtester
from daemon.research.lookahead import Finding, check_lookahead, check_warmup
from tests.research.strategies_for_tests import (
    REMEMBERED,
    ColdStart,
    Cross,
    Peeking,
    Raising,
    Remembering,
    TwoInARow,
    UpAndDown,
    Weekly,
)
from tests.research.test_api import some_bars


def test_an_honest_strategy_is_clean_in_both_checks() -> None:
    tester = Backtester(Cross, some_bars())
    ahead = check_lookahead(tester.config, {"strategy": Cross})
    assert ahead.is_clean
    assert ahead.runs == 14
    assert ahead.decisions > 50
    warm = check_warmup(tester.config, {"strategy": Cross})
    assert warm.is_clean, warm.difference
    assert warm.decisions > 10


def test_a_strategy_that_reads_the_end_of_its_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    some_bars().with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S")).write_csv(path)
    tester = Backtester(Peeking, path, parameters={"file": str(path)})
    found = check_lookahead(tester.config, {"strategy": Peeking})
    assert found.difference is not None
    assert "with the data cut off at 2024-01-0" in found.difference
    assert "of strategy strategy at 2024-01-01T" in found.difference


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.feather"])
def test_a_file_that_only_the_class_names_is_cut_off_in_its_own_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = some_bars(60).with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    if name.endswith(".feather"):
        rows.write_ipc(name)
    else:
        text = rows.write_csv().encode()
        Path(name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    monkeypatch.setattr(Peeking, "file", name)
    tester = Backtester(Peeking, tmp_path / name)
    found = check_lookahead(tester.config, {"strategy": Peeking})
    assert found.difference is not None
    assert "with the data cut off at 2024-01-0" in found.difference


def test_a_module_that_remembers_a_former_run_is_found() -> None:
    REMEMBERED.clear()
    tester = Backtester(Remembering, some_bars())
    found = check_lookahead(tester.config, {"strategy": Remembering})
    assert found.difference is not None
    assert found.difference.startswith("run a second time, decision 1 of strategy strategy")


def test_too_short_a_warm_up_is_found() -> None:
    tester = Backtester(ColdStart, some_bars())
    found = check_warmup(tester.config, {"strategy": ColdStart})
    assert found.difference is not None
    assert "raise `warm_up` or `history`" in found.difference


def test_a_count_that_began_with_the_first_bar_is_found() -> None:
    tester = Backtester(Weekly, some_bars())
    found = check_warmup(tester.config, {"strategy": Weekly})
    assert found.difference is not None
    assert "never forgets where it began" in found.difference


def test_what_a_strategy_notes_of_its_newest_bars_is_no_bug() -> None:
    tester = Backtester(TwoInARow, some_bars())
    found = check_warmup(tester.config, {"strategy": TwoInARow})
    assert found.is_clean, found.difference


def test_the_end_of_the_data_is_no_decision() -> None:
    tester = Backtester(UpAndDown, some_bars(60), settings=["backtest.at_end=close"])
    assert check_lookahead(tester.config, {"strategy": UpAndDown}).is_clean


@pytest.mark.parametrize("check", [check_lookahead, check_warmup])
def test_a_strategy_that_fails_proves_nothing(check: Callable[..., Finding]) -> None:
    tester = Backtester(Raising, some_bars())
    found = check(tester.config, {"strategy": Raising})
    assert found.difference is None
    assert not found.is_clean
    assert "nothing is proven, as strategy strategy failed at 2024-01-" in found.text()
