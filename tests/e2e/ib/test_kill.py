"""The daemon is killed in an order's life, at a TWS of its own process: one order, one set of fills."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from daemon.cli.exit_codes import ExitCode
from tests.conftest import REPO_ROOT
from tests.e2e.ib.rig import ACCOUNT, TRADERS, assert_equal
from tests.e2e.rig import (
    Exchange,
    a_daemon,
    assert_one_sentence,
    end,
    environment,
    exported,
    free_port,
    replayed,
    tickerd,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LIFE_SECONDS = 0.4
LATE_MS = {"openOrder": 50, "orderStatus": 120, "execDetails": 220, "commissionReport": 320}
"""How long the fake holds the messages of an order back, so that its life has room to die in."""
CONFIG = """
[http]
port = -1
[venues.ib]
kind = "ib"
tws = {{ port = {port}, pause_seconds = 0.05, pause_cap_seconds = 0.3, connect_seconds = 2.0 }}
[accounts.main]
venue = "ib"
mode = "testnet"
account_id = "{account}"
base_currency = "USD"
answer_seconds = 2.0
reconcile_minutes = 0.05
[strategies.one]
use = "{traders}:OneOrder"
account = "main"
instruments = ["AAPL@ib"]
"""


@contextmanager
def a_tws(folder: Path) -> Iterator[Exchange]:
    """`tickerd exchange --protocol ib`."""
    truth = folder / "truth.jsonl"
    command = [sys.executable, "-m", "daemon", "exchange", "--protocol", "ib", "--symbols", "AAPL"]
    command += ["--port", "0", "--admin-port", "0", "--seed", "7", "--rate", "60", "--truth", str(truth)]
    with (folder / "exchange.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=REPO_ROOT, env=environment(), stdout=subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "exchange.log").read_text()
        ready = json.loads(line)
        yield Exchange(process, ready["port"], ready["admin_port"], truth)
    finally:
        end(process)


def write_config(folder: Path, port: int, account: str = ACCOUNT) -> Path:
    path = folder / "tickerd.toml"
    path.write_text(CONFIG.format(port=port, account=account, traders=TRADERS))
    return path


def killed_after(folder: Path, seconds: float) -> None:
    state = folder / "state"
    with a_tws(folder) as tws:
        config = write_config(folder, tws.port)
        for message, late in LATE_MS.items():
            tws.fault("delay_reply", method=message, milliseconds=late)
        with a_daemon(config, state) as daemon:
            wait_for(lambda: tws.truth().account(ACCOUNT).orders or None, "the order to be at TWS")
            time.sleep(seconds)  # the moment to die at is what is tested
            daemon.kill()
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            wait_for(lambda: daemon.ask("fills", limit=10) or None, "the fill to be in the books")
            assert daemon.stop() == 0
        truth = tws.truth().account(ACCOUNT)
        assert len(truth.orders) == 1
        assert_equal(exported(state), truth)
    replayed(state)


def test_a_daemon_that_is_killed_in_an_orders_life_books_it_once(tmp_path: Path) -> None:
    seed = time.time_ns()
    seconds = Random(seed).uniform(0, LIFE_SECONDS)
    print(f"killed after {seconds:.3f} s")  # shown when it fails
    killed_after(tmp_path, seconds)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_a_daemon_that_is_killed_at_any_other_moment_books_it_once(tmp_path: Path, seed: int) -> None:
    killed_after(tmp_path, Random(seed).uniform(0, LIFE_SECONDS))


def test_a_daemon_without_tws_says_so_once_and_waits_for_it(tmp_path: Path) -> None:
    config = write_config(tmp_path, free_port())
    with a_daemon(config, tmp_path / "state") as daemon:
        wait_for(lambda: "nothing listens" in daemon.log(), "the reason to be told")
        time.sleep(1.0)  # some more attempts
        assert daemon.process.poll() is None
    assert daemon.log().count("nothing listens") == 1


def test_another_account_than_configured_ends_it_with_one_sentence(tmp_path: Path) -> None:
    with a_tws(tmp_path) as tws:
        config = write_config(tmp_path, tws.port, account="DU7")
        done = tickerd("run", str(config), "--state", str(tmp_path / "state"))
    assert_one_sentence(done, ExitCode.WRONG_CONFIG, "TWS manages DU1000001, not DU7")
