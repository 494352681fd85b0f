"""The dead-man's process beside a real daemon that stops moving."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.heartbeat import HEARTBEAT
from daemon.kill_switch import KILL_FILE
from tests.conftest import REPO_ROOT
from tests.e2e.rig import (
    ACCOUNT,
    DEEP,
    a_daemon,
    an_exchange,
    end,
    environment,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def test_a_daemon_that_stops_moving_is_told_ended_and_its_orders_cancelled(tmp_path: Path) -> None:
    alerts, state = tmp_path / "alerts", tmp_path / "state"
    command = json.dumps([sys.executable, "-c", APPEND, str(alerts)])
    tables = (
        f'[alerts.exec.file]\nseverity_min = "info"\ncommand = {command}\n',
        "[deadman]\nsilence_seconds = 2\ncancel_orders = true\n",
    )

    def told() -> list[str]:
        lines = alerts.read_text().splitlines() if alerts.exists() else []
        return [each["text"] for each in map(json.loads, lines) if each["kind"] == "heartbeat"]

    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, *tables, ACCOUNT, DEEP)
        with a_daemon(config, state) as daemon:
            wait_for(lambda: exchange.open_orders() or None, "the strategy's resting order")
            wait_for((state / HEARTBEAT).exists, "a heartbeat")
            with (tmp_path / "deadman.log").open("wb") as log:
                watcher = subprocess.Popen(
                    [sys.executable, "-m", "daemon", "deadman", str(config), "--state", str(state)],
                    cwd=REPO_ROOT,
                    env=environment(),
                    stderr=log,
                )
            try:
                os.kill(daemon.process.pid, signal.SIGSTOP)
                wait_for(lambda: any("cancelled" in text for text in told()), "the cancels")
            finally:
                end(watcher)
            assert daemon.process.wait(10) == -signal.SIGKILL
        assert watcher.returncode == 0
        assert exchange.open_orders() == {}
    silence, done = told()
    assert silence.startswith("no heartbeat for 2 s")
    assert "kill switch set" in done
    assert "was ended by SIGKILL" in done
    assert "demo: 1 orders cancelled, none open" in done
    assert (state / KILL_FILE).read_text() == "tickerd deadman: the heartbeat stopped\n"


def test_a_clean_stop_leaves_no_heartbeat_and_tells_how_it_went(tmp_path: Path) -> None:
    alerts, state = tmp_path / "alerts", tmp_path / "state"
    command = json.dumps([sys.executable, "-c", APPEND, str(alerts)])
    channel = f'[alerts.exec.file]\nseverity_min = "info"\ncommand = {command}\n'
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, channel, ACCOUNT, DEEP)
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            wait_for((state / HEARTBEAT).exists, "a heartbeat")
            assert "tickerd_alerts_total" in daemon.http("/metrics")[1]
            assert daemon.stop() == 0
    assert not (state / HEARTBEAT).exists()
    kinds = [json.loads(line)["kind"] for line in alerts.read_text().splitlines()]
    assert kinds[0] == "started"
    assert kinds[-1] == "stopping"
    assert "active" in kinds


def test_a_dead_man_that_could_tell_nobody_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "tickerd.toml").write_text("")
    done = tickerd("deadman", str(tmp_path / "tickerd.toml"))
    assert done.returncode == 78
    assert "could tell nobody" in done.stderr
