"""Real processes that die, change and meet others: a start says what it did, and what it may not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recovery.waiting import trades_on
from tests.e2e.rig import (
    ACCOUNT,
    DEEP,
    DEEP_SOURCE,
    MAKER,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    ctl,
    exported,
    replayed,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

STEPS = [
    "process",
    "lock",
    "torn end",
    "database",
    "newest state",
    "instruments",
    "tail",
    "part",
    "begin",
    "active",
]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with an_exchange(tmp_path) as running:
        yield running


def start_steps(daemon: Daemon) -> list[dict[str, Any]]:
    """The steps of the start, as logged."""
    lines = [json.loads(line) for line in daemon.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "start"]


def reason_of(daemon: Daemon, account: str = "demo") -> str:
    status = daemon.status()
    assert status is not None
    return next(str(row["reason"]) for row in status["accounts"] if row["account"] == account)


def test_each_step_of_a_start_after_a_kill_is_logged_with_its_time(
    tmp_path: Path, exchange: Exchange
) -> None:
    config, state = write_config(tmp_path, exchange, ACCOUNT, MAKER, DEEP), tmp_path / "state"
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(3, "maker")
        daemon.kill()
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        steps = start_steps(daemon)
        assert [step["step"] for step in steps] == STEPS
        assert all(step["ms"] >= 0 for step in steps)
        assert next(step for step in steps if step["step"] == "tail")["inputs"] > 0
        trades_on(daemon)
        assert daemon.stop() == 0
    assert_books_equal_truth(exported(state), exchange.truth(), after_death=True)
    replayed(state, "--parts", "1-2")


def test_new_code_takes_over_the_orders_of_the_old_after_a_kill(tmp_path: Path, exchange: Exchange) -> None:
    config, state = write_config(tmp_path, exchange, ACCOUNT, MAKER, DEEP), tmp_path / "state"
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(2, "maker")
        resting = wait_for(lambda: daemon.ask("orders"), "an order at the venue")
        assert resting
        daemon.kill()
    (tmp_path / "deep.py").write_text(DEEP_SOURCE.replace("0.97", "0.95") + "\n    threshold: float = 0.5\n")
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        assert "recorded messages in the place of changed strategies" in daemon.log()
        assert "warms up anew" in daemon.log()
        assert daemon.states() == {"demo": "active"}
        deep = [row for row in daemon.ask("orders") if row["strategy"] == "deep"]
        assert len(deep) == 1  # the one it had: the new code sees it and rests no second one
        trades_on(daemon)
        assert daemon.stop() == 0
    assert_books_equal_truth(exported(state), exchange.truth(), after_death=True)


def test_a_fresh_folder_on_a_used_account_waits_for_the_operators_word(
    tmp_path: Path, exchange: Exchange
) -> None:
    config = write_config(tmp_path, exchange, ACCOUNT, DEEP)
    with a_daemon(config, tmp_path / "first") as daemon:
        daemon.wait_reconciled()
        wait_for(exchange.open_orders, "an order at the venue")
        daemon.kill()
    (left,) = exchange.open_orders()
    with a_daemon(config, tmp_path / "second") as daemon:
        wait_for(lambda: daemon.states() and left in reason_of(daemon) + daemon.log(), f"{left} named")
        assert daemon.states() == {"demo": "reconciling"}
        shown = ctl(tmp_path / "second", "reconcile", "show")
        (opening,) = [each for each in shown["differences"] if each["kind"] == "opening"]
        assert list(exchange.open_orders()) == [left], "nothing was sent meanwhile"
        ctl(tmp_path / "second", "reconcile", "accept", str(opening["id"]))
        wait_for(lambda: daemon.states().get("demo") in ("active", "reduce_only"), "a state after the word")
        assert daemon.stop() == 0


TWIN = DEEP.replace("strategies.deep]", "strategies.twin]").replace("BTCUSDT", "ETHUSDT")


def test_orders_of_another_tickerd_on_the_account_hold_their_instrument_only(
    tmp_path: Path, exchange: Exchange
) -> None:
    config = write_config(tmp_path, exchange, ACCOUNT, MAKER)
    other = tmp_path / "other"
    other.mkdir()
    accepts = ACCOUNT + '[accounts.demo.reconcile]\nopening = "accept"\n'
    theirs = write_config(other, exchange, accepts, DEEP, TWIN)
    with a_daemon(config, tmp_path / "first") as first:
        first.wait_reconciled()
        first.wait_fills(1, "maker")
        with a_daemon(theirs, other / "second") as second:
            wait_for(lambda: "foreign_order" in second.log(), f"orders noticed; log: {second.log_file}")

            def placed() -> bool:
                return any(row["strategy"] == "deep" for row in second.ask("orders"))

            wait_for(placed, f"an order in the other instrument; log: {second.log_file}")
            assert second.states() == {"demo": "active"}
            assert not any(row["strategy"] == "twin" for row in second.ask("orders"))
            assert second.stop() == 0
