"""`report`, `compare` and `parity` as they are typed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from actors.venues.simulated.settings import SimulatedVenueSettings
from tests.cli.conftest import Ran
from tests.research.parity.recording import ACCOUNT, Outside, a_config, a_market, record
from tests.research.report.build import a_run, kept

Run = Callable[..., Ran]
RUNS = [a_run(fast=10, seed=1), a_run(fast=20, seed=2)]
NAMES = [run.info.run_id for run in RUNS]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two runs and a session."""
    folder = tmp_path_factory.mktemp("state")
    for run in RUNS:
        kept(folder, run)
    venue = SimulatedVenueSettings(maker_fee=Decimal("0.0005"))
    config = a_config(folder, mode="testnet", simulated=SimulatedVenueSettings())
    record(folder, config, a_market(10), Outside(venue, random.Random(5)))
    return folder


def refused(ran: Ran) -> str:
    """What it said, in one line."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    return ran.err


def test_report_by_the_beginning_of_an_id(tickerd: Run, state: Path) -> None:
    text = tickerd("report", NAMES[1][:6], "--state", state).out
    assert f"run {NAMES[1]}" in text
    assert "Sharpe ratio" in text


def test_report_as_json_is_one_object_and_nothing_else(tickerd: Run, state: Path) -> None:
    found = tickerd("report", NAMES[0], "--json", "--state", state).json
    assert found["run_id"] == NAMES[0]
    assert "RunInfo" in json.loads(tickerd("report", "--schema").out)["$defs"]


def test_report_into_files(tickerd: Run, state: Path, tmp_path: Path) -> None:
    page = tmp_path / "deep" / "r.html"
    assert tickerd("report", NAMES[0], "--html", page, "--state", state).out.strip() == str(page)
    assert page.read_text().startswith("<!doctype html>")
    template = tmp_path / "t.md"
    template.write_text("# $run_id\n$max_drawdown\n")
    assert tickerd("report", NAMES[0], "--template", template, "--state", state).out.startswith(
        f"# {NAMES[0]}\n-"
    )
    assert "$sharpe_value" in tickerd("report", NAMES[0], "--names", "--state", state).out


def test_report_lists_runs(tickerd: Run, state: Path) -> None:
    text = tickerd("report", "--list", "--state", state).out
    assert all(name in text for name in NAMES)
    listed = tickerd("report", "--list", "--json", "--state", state).json["runs"]
    assert {each["run"] for each in listed} == set(NAMES)
    assert "goes with --json alone" in refused(tickerd("report", "--list", "--names", "--state", state))


def test_a_run_that_is_not_there_is_refused(tickerd: Run, state: Path) -> None:
    assert "there is no run 'zzz'" in refused(tickerd("report", "zzz", "--state", state))
    assert "name two or more" in refused(tickerd("compare", NAMES[0], "--state", state))


def test_compare_names_the_setting_that_differs(tickerd: Run, state: Path, tmp_path: Path) -> None:
    text = tickerd("compare", *NAMES, "--state", state).out
    assert "strategies.cross.parameters.fast" in text
    assert "1 setting differs" in text
    page = tmp_path / "c.html"
    found = tickerd("compare", *NAMES, "--json", "--html", page, "--state", state).json
    assert found["runs"] == NAMES
    assert NAMES[1] in page.read_text()


def test_parity_prints_causes_that_add_up_in_cents(tickerd: Run, state: Path) -> None:
    text = tickerd("parity", "--state", state).out
    effects = {
        words[0]: Decimal(words[-2])
        for line in text.splitlines()
        if (words := line.split()) and words[0] in ("data", "latency", "queue", "slippage", "fees")
        and words[-1].lstrip("-").replace(".", "").isdigit()
    }  # fmt: skip
    (whole,) = [line.split()[-1] for line in text.splitlines() if line.startswith("difference")]
    assert len(effects) == 5
    assert sum(effects.values()) == Decimal(whole)
    assert f"[accounts.{ACCOUNT}.simulated]" in text


def test_replay_on_the_simulated_venue(tickerd: Run, state: Path) -> None:
    found = tickerd("replay", "--broker", "simulated", "--json", "--state", state).json
    assert found["strategies"]["maker"]["recorded"]["fills"] > 0
    text = refused(tickerd("replay", "--set", "a.b=1", "--state", state))
    assert "give --broker simulated with it" in text
