"""A fresh box with an older backup and live positions at the venue comes back right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daemon.exchange.truth import Truth
from tests.conftest import REPO_ROOT
from tests.e2e.rig import (
    ACCOUNT,
    DEEP,
    ENDED,
    MAKER,
    OPENING,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    ctl,
    environment,
    exported,
    nonzero,
    one_object,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with an_exchange(tmp_path) as running:
        yield running


def db(*arguments: str) -> dict[str, Any]:
    """`tickerd db … --json` that must succeed."""
    done = tickerd("db", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return one_object(done)


def open_ids(state: Path) -> set[str]:
    return {row["client_order_id"] for row in exported(state)["orders"]}


def assert_nothing_lost_or_doubled(
    books: Mapping[str, Any], differences: list[dict[str, Any]], truth: Truth, lost_store: str
) -> None:
    """Each order at the exchange is in the books once, or was sent after the backup and is shown as such."""
    account = truth.account("demo")
    ours = [row["client_order_id"] for row in books["orders"]]
    assert len(ours) == len(set(ours))
    sent = {each.client_order_id: each for each in account.orders.values()}
    assert len(sent) == len(account.orders)
    after = {name for name in sent if name not in ours}
    assert {name[:5] for name in after} == {f"T{lost_store}"}, sorted(after)
    fills = [(row["venue_order_id"], row["trade_id"]) for row in books["fills"]]
    assert len(fills) == len(set(fills))
    true = {(each.venue_order_id, each.trade_id) for each in account.trades}
    strange = {
        (each.venue_order_id, each.trade_id) for each in account.trades if each.client_order_id in after
    }
    assert set(fills) == true - strange
    shown = [each for each in differences if each["kind"] == "foreign_order"]
    assert {each["subject"] for each in shown} >= {
        f"{each.symbol}@binance" for each in account.trades if each.client_order_id in after
    }
    resting = {name for name in after if sent[name].status not in ENDED}
    assert all(any(name in each["venue"] for each in shown) for name in resting)


def test_an_older_backup_on_a_fresh_box_comes_back_right(tmp_path: Path, exchange: Exchange) -> None:
    config, old, new = (
        write_config(tmp_path, exchange, ACCOUNT, MAKER, DEEP),
        tmp_path / "old",
        tmp_path / "new",
    )
    place = str(tmp_path / "backups")
    with a_daemon(config, old, "store.checkpoint_seconds=0.5") as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(5, "maker")
        shipped = db("backup", "--to", place, "--state", str(old))
        assert shipped["last_seq"] >= shipped["checkpoint_seq"]
        daemon.wait_fills(10, "maker")
        assert db("check", "--state", str(old))["ok"]
        daemon.kill()
    restored = db("restore", "--from", place, "--state", str(new))
    lost = restored["lineage"][-1]
    assert restored["store_id"] != lost
    before = len(exported(new)["fills"])
    with a_daemon(config, new) as daemon:
        daemon.wait_reconciled()
        differences = wait_for(lambda: daemon.ask("differences"), "differences to be shown")
        assert daemon.stop() == 0, daemon.log()
    books, truth = exported(new), exchange.truth()
    assert len(books["fills"]) >= before
    assert nonzero(books["accounts"]["demo"]) == nonzero(truth.account("demo").balances)
    assert books["trial_balance"] == "0"
    assert_nothing_lost_or_doubled(books, differences, truth, lost)
    assert_plain_state_says(new, books)
    with a_daemon(config, new) as daemon:
        daemon.wait_reconciled()
        assign_all(daemon, new)
        assert daemon.stop() == 0, daemon.log()
    assert_all_is_ours(exported(new), exchange.truth())
    assert db("check", "--state", str(new))["ok"]
    replayed(new)


def assign_all(daemon: Daemon, state: Path) -> None:
    """The operator knows whose it was: one strategy trades each instrument."""
    holders = {"ETHUSDT@binance": "maker", "BTCUSDT@binance": "deep"}
    found = ctl(state, "assign")["unclaimed"]
    assert found
    for each in found:
        asked = daemon.ask(
            "assign-order", id=each["venue_order_id"], strategy=holders[each["instrument"]],
            evidence="the only one that trades there",
        )  # fmt: skip
        assert "waits for approval" in asked["text"]
        assert daemon.ask("approve", id=f"assign-{each['venue_order_id']}")["accepted"]
    wait_for(lambda: not daemon.ask("unclaimed"), "nothing to be left")
    for each in daemon.ask("differences"):
        if each["status"] == "open":
            daemon.ask("resolve-difference", id=each["id"], verdict="accept")
    wait_for(lambda: set(daemon.states().values()) == {"active"} or None, "an active account")


def assert_all_is_ours(books: Mapping[str, Any], truth: Truth) -> None:
    """Every execution is in the books once, and what strategies hold is what they traded."""
    account = truth.account("demo")
    assert sorted((row["venue_order_id"], row["trade_id"]) for row in books["fills"]) == sorted(
        (each.venue_order_id, each.trade_id) for each in account.trades
    )
    assert nonzero(books["accounts"]["demo"]) == nonzero(account.balances)
    assert books["trial_balance"] == "0"
    held = {row["instrument"]: Decimal(row["quantity"]) for row in books["positions"]}
    for symbol, asset in (("ETHUSDT", "ETH"), ("BTCUSDT", "BTC")):
        traded = account.balances[asset] - OPENING[asset]
        assert held.get(f"{symbol}@binance", Decimal(0)) == traded


def assert_plain_state_says(state: Path, books: Mapping[str, Any]) -> None:
    """What stands in words was written at the stop and is what the books hold."""
    plain = json.loads((state / "state_backup.json").read_text())
    account = plain["accounts"]["demo"]
    assert account["open_orders"] == []
    assert nonzero(account["balances"]) == nonzero(books["accounts"]["demo"])
    held = {(row["strategy"], row["instrument"]): row["quantity"] for row in account["positions"]}
    assert {key: Decimal(text) for key, text in held.items()} == {
        (row["strategy"], row["instrument"]): Decimal(row["quantity"])
        for row in books["positions"]
        if Decimal(row["quantity"])
    }
    assert {row["account"] for row in plain["limits"]} == {"demo"}


def test_a_continuous_backup_of_a_stopped_store_goes_on_elsewhere_without_a_gap(
    tmp_path: Path, exchange: Exchange
) -> None:
    config, old, new = (
        write_config(tmp_path, exchange, ACCOUNT, MAKER, DEEP), tmp_path / "old", tmp_path / "new",
    )  # fmt: skip
    place = tmp_path / "backups"
    with a_daemon(config, old, "tape.segment_mb=1") as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(2, "maker")
        command = ["db", "backup", "--to", str(place), "--every", "1", "--state", str(old), "--json"]
        shipper = subprocess.Popen(
            [sys.executable, "-m", "daemon", *command], cwd=REPO_ROOT, env=environment(),
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            wait_for(lambda: len(list(place.glob("generations/*"))) >= 3, "generations")
            assert daemon.stop() == 0, daemon.log()
            last = exported(old)["applied_seq"]
            wait_for(lambda: shipped_seq(place) >= last, "the last input to be shipped")
            shipper.terminate()
            out, _ = shipper.communicate(timeout=20)
        finally:
            shipper.kill()
            shipper.wait()
        assert shipper.returncode == 0
        assert json.loads(out)["generations"] >= 3
    db("restore", "--from", str(place), "--state", str(new))
    with a_daemon(config, new) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(3, "maker")
        assert [each for each in daemon.ask("differences") if each["kind"] == "foreign_order"] == []
        assert daemon.stop() == 0, daemon.log()
    assert_books_equal_truth(exported(new), exchange.truth())
    assert db("check", "--state", str(new))["ok"]
    replayed(new)


def shipped_seq(place: Path) -> int:
    """Newest input in the newest generation that counts."""
    return int(json.loads((place / "manifest.json").read_text())["last_seq"])
