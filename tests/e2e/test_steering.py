"""`tickerd ctl` on a running daemon: every command shows its effect, at the exchange where it has one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.store.database import checkpoint_seqs, database_path
from tests.e2e.rig import (
    ACCOUNT,
    MAKER,
    SMA,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    assert_one_sentence,
    ctl,
    exported,
    of_account,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

ETH, BTC = "ETHUSDT@binance", "BTCUSDT@binance"


class Desk:
    """A daemon on an exchange, and what both say."""

    def __init__(self, folder: Path, exchange: Exchange, daemon: Daemon) -> None:
        self.folder, self.exchange, self.daemon, self.state = folder, exchange, daemon, daemon.state

    def ctl(self, *arguments: str) -> dict[str, Any]:
        return ctl(self.state, *arguments)

    def state_of(self, strategy: str) -> str:
        rows = self.ctl("status")["strategies"]
        return str(next(row["state"] for row in rows if row["strategy"] == strategy))

    def position(self, strategy: str) -> Decimal:
        rows = self.ctl("positions", "--strategy", strategy)["positions"]
        return sum((Decimal(row["quantity"]) for row in rows), Decimal(0))

    def sent(self, symbol: str, side: str | None = None) -> int:
        """Orders the exchange has taken."""
        orders = self.exchange.truth().account("demo").orders.values()
        return sum(each.symbol == symbol and side in (None, each.side.lower()) for each in orders)

    def pass_inputs(self, count: int = 150) -> None:
        """Let the market go on."""
        first = self.ctl("status")["inputs"]
        wait_for(lambda: self.daemon.ask("status")["inputs"] > first + count, f"{count} inputs")

    def quiet(self, strategy: str) -> None:
        """Pause it and have none of its orders left."""
        self.ctl("pause", "--strategy", strategy)
        self.ctl("cancel-all", "--strategy", strategy)
        wait_for(lambda: self.daemon.ask("orders", strategy=strategy) == [], f"no order of {strategy}")

    def stays(self, symbol: str, side: str | None = None) -> bool:
        """Whether the exchange hears nothing while the market goes on."""
        before = self.sent(symbol, side)
        self.pass_inputs()
        return self.sent(symbol, side) == before


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with an_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("steering")
    with a_daemon(write_config(folder, exchange), folder / "state") as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        yield Desk(folder, exchange, daemon)
        assert daemon.stop() == 0
    assert_books_equal_truth(exported(folder / "state"), exchange.truth())
    replayed(folder / "state")


def test_status_names_process_accounts_and_strategies(desk: Desk) -> None:
    status = desk.ctl("status")
    assert status["pid"] == desk.daemon.process.pid
    assert status["inputs"] > 0
    assert status["unknown_orders"] == 0
    assert [(row["account"], row["mode"], row["state"]) for row in status["accounts"]] == [
        ("demo", "testnet", "active")
    ]
    assert [row["strategy"] for row in status["strategies"]] == ["sma", "maker", "deep"]


def test_fills_are_the_newest_ones_in_scope(desk: Desk) -> None:
    rows = desk.ctl("fills", "--strategy", "maker", "--limit", "3")["fills"]
    trades = {each.trade_id for each in desk.exchange.truth().account("demo").trades}
    assert {row["trade_id"] for row in rows} <= trades
    assert {row["strategy"] for row in rows} <= {"maker"}


def test_orders_show_what_rests_at_the_exchange(desk: Desk) -> None:
    [row] = wait_for(lambda: desk.ctl("orders", "--strategy", "deep")["orders"] or None, "a deep order")
    assert desk.exchange.open_orders()[row["client_order_id"]] == row["venue_order_id"]


def test_a_pause_silences_one_strategy_until_it_is_resumed(desk: Desk) -> None:
    desk.quiet("maker")
    assert desk.state_of("maker") == "paused"
    assert desk.state_of("sma") == "active"
    assert desk.stays("ETHUSDT")
    sent = desk.sent("ETHUSDT")
    desk.ctl("resume", "--strategy", "maker")
    wait_for(lambda: desk.sent("ETHUSDT") > sent, "the maker to go on")


def test_reduce_only_lets_no_position_grow(desk: Desk) -> None:
    desk.quiet("maker")
    desk.ctl("reduce-only", "--strategy", "maker")
    desk.ctl("resume", "--strategy", "maker")
    desk.ctl("reduce-only", "--strategy", "maker")
    assert desk.state_of("maker") == "reduce_only"
    assert desk.stays("ETHUSDT", "buy")
    desk.ctl("resume", "--strategy", "maker")
    assert desk.state_of("maker") == "active"


def test_flatten_closes_the_position_at_the_exchange(desk: Desk) -> None:
    wait_for(lambda: desk.position("maker") >= Decimal("0.01") or None, "a position worth closing")
    desk.ctl("pause", "--strategy", "maker")
    desk.ctl("flatten", "--strategy", "maker")
    lot = Decimal("0.0001")
    wait_for(lambda: abs(desk.position("maker")) < lot, "a flat maker")
    left = desk.exchange.truth().account("demo").balances["ETH"] - 10
    assert left == desk.position("maker")
    wait_for(lambda: desk.daemon.ask("orders", strategy="maker") == [], "no order of the maker")
    desk.ctl("resume", "--strategy", "maker")
    wait_for(lambda: desk.state_of("maker") == "active", "the goal to be met")


def test_cancel_all_cancels_what_was_there_and_only_in_its_scope(desk: Desk) -> None:
    [deep] = wait_for(lambda: desk.ctl("orders", "--strategy", "deep")["orders"] or None, "a deep order")
    desk.ctl("cancel-all", "--instrument", BTC)
    orders = desk.exchange.truth().account("demo").orders
    wait_for(
        lambda: desk.exchange.truth().account("demo").orders[deep["venue_order_id"]].status == "cancelled",
        "the cancel at the exchange",
    )
    assert deep["venue_order_id"] in orders


def test_a_halt_silences_its_scope_until_it_is_cleared(desk: Desk) -> None:
    desk.ctl("halt", "--instrument", ETH, "--reason", "looks odd")
    desk.ctl("cancel-all", "--instrument", ETH)
    wait_for(lambda: desk.daemon.ask("orders", instrument=ETH) == [], "no order in it")
    assert desk.stays("ETHUSDT")
    resumed = tickerd("ctl", "resume", "--instrument", ETH, "--state", str(desk.state))
    assert desk.stays("ETHUSDT"), resumed.stdout
    sent = desk.sent("ETHUSDT")
    desk.ctl("clear-halt", "--instrument", ETH)
    assert desk.stays("ETHUSDT"), "a second command confirms it"
    desk.ctl("approve", desk.daemon.ask("approvals")[0]["id"])
    wait_for(lambda: desk.sent("ETHUSDT") > sent, "orders again")


def test_reconcile_asks_the_exchange_again(desk: Desk) -> None:
    asked = desk.exchange.truth().account("demo").requests
    assert desk.ctl("reconcile", "--account", "demo")["accepted"]
    wait_for(lambda: desk.exchange.truth().account("demo").requests >= asked + 3, "the question")
    wait_for(lambda: desk.daemon.states() == {"demo": "active"}, "an active account")


def test_a_checkpoint_is_in_the_database_at_once_named_by_its_seq(desk: Desk) -> None:
    seq = desk.ctl("checkpoint")["seq"]

    def stored() -> bool:
        with closing(sqlite3.connect(database_path(desk.state))) as connection:
            return seq in checkpoint_seqs(connection)

    wait_for(stored, f"the checkpoint of seq {seq}")


def test_the_log_level_changes_while_it_runs(desk: Desk) -> None:
    assert desk.ctl("log-level") == {"level": "info"}
    assert desk.ctl("log-level", "error") == {"level": "error"}
    assert desk.ctl("log-level") == {"level": "error"}
    desk.ctl("log-level", "info")


def test_metrics_over_control_and_http_agree_in_names(desk: Desk) -> None:
    over_control = desk.ctl("metrics")
    code, text = desk.daemon.http("/metrics")
    assert code == 200
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE tickerd_")}
    assert not PROMISED - names
    assert over_control["inputs"] > 0
    assert over_control["fills"]["demo"] > 0


PROMISED = {
    f"tickerd_{name}"
    for name in (
        "build_info", "start_time_seconds", "inputs_total", "queue_depth", "loop_lag_seconds",
        "feed_age_seconds", "orders", "unknown_order_age_seconds", "tick_to_order_seconds", "fills_total",
        "orders_sent_total", "tape_write_seconds", "tape_sync_seconds", "checkpoint_seconds",
        "checkpoint_age_seconds", "equity", "drawdown_ratio", "position", "trading_state",
    )
}  # fmt: skip


def test_figures_over_http_are_those_of_the_books(desk: Desk) -> None:
    _, text = desk.daemon.http("/metrics")
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values['tickerd_orders_sent_total{account="demo"}']) > 0
    assert float(values['tickerd_equity{account="demo",currency="USDT"}']) > 90_000
    assert values['tickerd_trading_state{account="demo",state="active"}'] == "1.0"
    assert float(values['tickerd_feed_age_seconds{venue="binance"}']) < 10
    assert float(values["tickerd_tick_to_order_seconds_count"]) > 0


def test_health_and_readiness_say_ok_while_it_trades_and_why_not_when_paused(desk: Desk) -> None:
    assert desk.daemon.http("/healthz") == (200, '{"status": "ok"}')
    assert desk.daemon.http("/readyz") == (200, '{"status": "ok"}')
    desk.ctl("pause", "--all")
    code, text = desk.daemon.http("/readyz")
    assert (code, json.loads(text)["status"]) == (503, "unavailable")
    assert "demo is paused" in json.loads(text)["reason"]
    assert desk.daemon.http("/healthz")[0] == 200
    desk.ctl("resume", "--all")
    assert desk.daemon.http("/readyz")[0] == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["flatten"], ["without a scope", "all"]),
        (["cancel-all"], ["without a scope", "all"]),
        (["clear-halt"], ["without a scope", "all"]),
        (["pause", "--strategy", "smaa"], ["no strategy 'smaa'", "sma"]),
        (["pause", "--account", "other"], ["no account 'other'", "demo"]),
        (["halt", "--instrument", "XRPUSDT@binance"], ["no instrument", BTC]),
        (["pause", "--strategy", "sma", "--instrument", BTC], ["not both"]),
        (["pause", "--all", "--strategy", "sma"], ["exclude each other"]),
        (["fills", "--limit", "0"], ["limit must be between"]),
        (["log-level", "loud"], ["invalid choice: 'loud'"]),
        (["explode"], ["invalid choice: 'explode'"]),
        (["status", "--strategy", "sma"], ["--strategy"]),
    ],
)
def test_a_wrong_command_changes_nothing_and_says_why(
    desk: Desk, arguments: list[str], words: list[str]
) -> None:
    done = tickerd("ctl", *arguments, "--state", str(desk.state))
    assert_one_sentence(done, 2, *words)
    assert {row["state"] for row in desk.daemon.ask("status")["strategies"]} == {"active"}


def test_a_second_daemon_on_the_same_state_refuses(desk: Desk) -> None:
    done = tickerd("run", str(desk.folder / "tickerd.toml"), "--state", str(desk.state))
    assert_one_sentence(done, 7, "another")
    assert desk.ctl("status")["pid"] == desk.daemon.process.pid


def test_without_a_daemon_ctl_names_the_next_step(tmp_path: Path) -> None:
    done = tickerd("ctl", "status", "--state", str(tmp_path))
    assert_one_sentence(done, 1, "no daemon runs", "tickerd run")


def test_a_halt_is_latched_over_a_restart_and_ctl_stop_ends_cleanly(
    exchange: Exchange, tmp_path: Path
) -> None:
    config, state = write_config(tmp_path, exchange, *of_account("drill", ACCOUNT, SMA)), tmp_path / "state"
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        ctl(state, "halt", "--account", "drill", "--reason", "drill")
        assert daemon.states() == {"drill": "halted"}
        assert ctl(state, "stop")["accepted"]
        assert daemon.wait_end() == 0
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        assert daemon.states() == {"drill": "halted"}
        assert "drill" in ctl(state, "status")["accounts"][0]["reason"]
        refused = tickerd("ctl", "resume", "--account", "drill", "--state", str(state))
        assert daemon.states() == {"drill": "halted"}, refused.stdout
        ctl(state, "clear-halt", "--account", "drill")
        assert daemon.states() == {"drill": "halted"}
        ctl(state, "approve", daemon.ask("approvals")[0]["id"])
        assert daemon.states() == {"drill": "active"}
        assert daemon.stop() == 0
    replayed(state, "--parts", "1-2")


def test_live_mode_refuses_every_account_but_the_one_named(exchange: Exchange, tmp_path: Path) -> None:
    live = of_account("real", ACCOUNT.replace('"testnet"', '"live"'), MAKER)
    state = tmp_path / "state"
    config = write_config(tmp_path, exchange, *live)
    nameless = tickerd("run", str(config), "--state", str(state), "--set", "http.port=-1")
    assert_one_sentence(nameless, 78, "needs account_id")
    wrong = ("--set", "http.port=-1", "--set", "accounts.real.account_id=1234567")
    refused = tickerd("run", str(config), "--state", str(state), *wrong)
    assert_one_sentence(refused, 78, "not 1234567 as configured")
    true_id = refused.stderr.rpartition("account real is ")[2].partition(" ")[0]
    opening = "accounts.real.reconcile.opening=accept"
    with a_daemon(config, state, f"accounts.real.account_id={true_id}", opening) as daemon:
        daemon.wait_reconciled()
        assert daemon.states() == {"real": "paused"}, "live for the first time"
        ctl(state, "approve", daemon.ask("approvals")[0]["id"])
        daemon.wait_fills(1, "maker")
        assert daemon.stop() == 0
    assert_books_equal_truth(exported(state), exchange.truth(), "real")
    replayed(state)
