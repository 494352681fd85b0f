"""A start without TWS waits for it; one on another account than configured ends with a sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon.cli.exit_codes import ExitCode
from tests.e2e.ib.process import a_tws_process
from tests.e2e.ib.rig import write_config
from tests.e2e.ports import free_port
from tests.e2e.rig import a_daemon, assert_one_sentence, tickerd, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_daemon_without_tws_says_so_once_and_waits_for_it(tmp_path: Path) -> None:
    config = write_config(tmp_path, free_port())
    with a_daemon(config, tmp_path / "state") as daemon:
        wait_for(lambda: "nothing listens" in daemon.log(), "the reason to be told")
        time.sleep(1.0)  # some more attempts
        assert daemon.process.poll() is None
    assert daemon.log().count("nothing listens") == 1


def test_another_account_than_configured_ends_it_with_one_sentence(tmp_path: Path) -> None:
    with a_tws_process(tmp_path) as tws:
        config = write_config(tmp_path, tws.port, account="DU7")
        done = tickerd("run", str(config), "--state", str(tmp_path / "state"))
    assert_one_sentence(done, ExitCode.WRONG_CONFIG, "TWS manages DU1000001, not DU7")
