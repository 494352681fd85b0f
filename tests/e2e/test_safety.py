"""A real daemon on a real exchange: kill switches, loss limits and approvals, over restarts and in replay."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.store.database import database_path
from tests.e2e.rig import (
    ACCOUNT,
    MAKER,
    SMA,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    one_object,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """One for each test: new books on an account in use would wait for the operator."""
    with an_exchange(tmp_path) as running:
        yield running


def is_halted(daemon: Daemon) -> bool:
    return daemon.states() == {"demo": "halted"}


def approve(daemon: Daemon) -> dict[str, Any]:
    """Confirm what waits longest."""
    answer = daemon.ask("approve", id=daemon.ask("approvals")[0]["id"])
    assert isinstance(answer, dict)
    return answer


def sent(exchange: Exchange) -> int:
    return len(exchange.truth().account("demo").orders)


def test_the_kill_switches_halt_over_restarts_until_they_are_cleared_twice(
    exchange: Exchange, tmp_path: Path
) -> None:
    config, state = write_config(tmp_path, exchange, ACCOUNT, SMA, MAKER), tmp_path / "state"
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        daemon.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: is_halted(daemon), "a halt by signal")
        assert "SIGUSR1" in daemon.ask("status")["accounts"][0]["reason"]
        daemon.kill()
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        assert is_halted(daemon), "latched over kill -9"
        _clear_by_two_commands(daemon)
        daemon.wait_fills(1, "maker")
        (state / "KILL").touch()
        wait_for(lambda: is_halted(daemon), "a halt by file")
        refused = daemon.ask("clear-halt", all=True)
        assert (refused["accepted"], "remove it" in refused["text"]) == (False, True)
        assert daemon.stop() == 0
    with a_daemon(config, state) as daemon:
        before = sent(exchange)
        daemon.wait_reconciled()
        assert is_halted(daemon), "the file is there at the start"
        assert sent(exchange) == before
        (state / "KILL").unlink()
        _clear_by_two_commands(daemon)
        assert daemon.stop() == 0
    with closing(sqlite3.connect(database_path(state))) as connection:
        kinds = {kind for (kind,) in connection.execute("SELECT kind FROM audit")}
        statuses = [status for (status,) in connection.execute("SELECT status FROM approvals")]
    assert {"Halt", "KillFileSeen", "ClearHalt", "ApprovalAsked", "Approve", "ApprovalSettled"} <= kinds
    assert statuses == ["approved", "approved"]
    replayed(state, "--parts", "1-3")


def _clear_by_two_commands(daemon: Daemon) -> None:
    asked = daemon.ask("clear-halt", all=True)
    assert asked["accepted"]
    assert is_halted(daemon)
    assert approve(daemon)["accepted"]
    wait_for(lambda: daemon.states() == {"demo": "active"}, "an active account")


def test_a_tripped_loss_limit_and_a_loosened_one_wait_for_the_operator(
    exchange: Exchange, tmp_path: Path
) -> None:
    tight = SMA + "[strategies.sma.limits]\ndaily_loss_max = 0.01\n"
    config, state = write_config(tmp_path, exchange, ACCOUNT, tight), tmp_path / "state"
    check = ("check", str(config), "--state", str(state), "--json")
    with a_daemon(config, state) as daemon:
        wait_for(lambda: _strategy(daemon) == "paused", "fees to trip the strategy's limit")
        assert daemon.states() == {"demo": "active"}, "the account trades on"
        (row,) = [row for row in daemon.ask("status")["holds"] if "strategy=sma" in row["scope"]]
        assert row["reason"].startswith("DAILY_LOSS_EXCEEDS_MAX: daily_loss=")
        assert daemon.stop() == 0
    assert tickerd(*check).returncode == 0
    config.write_text(config.read_text().replace("daily_loss_max = 0.01", "daily_loss_max = 1000"))
    loosened = tickerd(*check)
    assert loosened.returncode == 4
    assert "is looser than 0.01" in one_object(loosened)["waiting"][0]
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        assert _strategy(daemon) == "paused", "latched"
        (limit,) = [row for row in daemon.ask("limits", strategy="sma") if row["limit"] == "daily_loss_max"]
        assert (limit["value"], limit["configured"]) == ("0.01", "1000")
        assert approve(daemon)["accepted"]
        assert "tickerd_daily_loss{" in daemon.http("/metrics")[1]
        daemon.ask("resume", strategy="sma")
        assert approve(daemon)["accepted"]
        wait_for(lambda: _strategy(daemon) == "active", "the strategy again")
        assert daemon.stop() == 0
    assert tickerd(*check).returncode == 0
    replayed(state, "--parts", "1-2")


def _strategy(daemon: Daemon) -> str | None:
    status = daemon.status()
    return status["strategies"][0]["state"] if status else None
