"""The real daemon on the real exchange, while somebody else uses the account too."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from daemon.exchange.settings import DEMO_KEY, DEMO_SECRET
from tests.e2e.rig import (
    ACCOUNT,
    DEEP,
    MAKER,
    SMA,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    ctl,
    exported,
    nonzero,
    replayed,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

OFTEN = "accounts.demo.reconcile_minutes=0.02"
BTC = "BTCUSDT@binance"


def transfer(exchange: Exchange, what: str, asset: str, amount: str, **more: str) -> None:
    """Money comes or goes, told to whoever listens at that moment."""
    body = json.dumps({"account": "demo", "asset": asset, "amount": amount, **more}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{exchange.admin_port}/{what}", data=body)
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def by_hand(exchange: Exchange, **terms: Any) -> dict[str, Any]:
    """An order past tickerd, with the account's own key."""
    query = urlencode({**terms, "timestamp": time.time_ns() // 1_000_000})
    signature = hmac.new(DEMO_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"http://127.0.0.1:{exchange.port}/api/v3/order?{query}&signature={signature}"
    request = urllib.request.Request(url, method="POST", headers={"X-MBX-APIKEY": DEMO_KEY})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def shown(state: Path, **wanted: str) -> list[dict[str, Any]]:
    """Differences with these words, as the operator sees them."""
    rows = ctl(state, "reconcile", "show")["differences"]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def wait_shown(state: Path, **wanted: str) -> dict[str, Any]:
    """The one difference with these words, once it is found."""
    (found,) = wait_for(lambda: shown(state, **wanted) or None, f"a difference with {wanted}")
    return found


def balances(daemon: Daemon) -> dict[str, Decimal]:
    """What the ledger holds, once the daemon has ended."""
    return nonzero(exported(daemon.state)["accounts"]["demo"])


def truth(exchange: Exchange) -> Mapping[str, Decimal]:
    return nonzero(exchange.truth().account("demo").balances)


def account(daemon: Daemon) -> dict[str, Any]:
    status = daemon.status()
    assert status is not None
    row: dict[str, Any] = status["accounts"][0]
    return row


def test_what_comes_goes_and_is_traded_by_hand_is_found_booked_apart_and_answered(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT, MAKER, DEEP)
        state = tmp_path / "state"
        with a_daemon(config, state, OFTEN) as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(3, "maker")
            before = account(daemon)["equity"]
            transfer(exchange, "deposit", "USDT", "1234.5")
            wait_for(lambda: account(daemon)["equity"] > before + 1_000, "the deposit's notice")
            assert shown(state) == []
            daemon.kill()

        transfer(exchange, "deposit", "USDT", "5000")
        transfer(exchange, "withdraw", "USDT", "1500")
        transfer(exchange, "deposit", "BTC", "0.25", way="sub_account")
        transfer(exchange, "convert", "ETH", "0.3", into="BNB", received="1.5")
        filled = by_hand(exchange, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02")
        resting = by_hand(
            exchange, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01",
            price="50000.00",
        )  # fmt: skip
        assert filled["status"] == "FILLED"

        with a_daemon(config, state, OFTEN) as daemon:
            daemon.wait_reconciled()
            cash = wait_shown(state, kind="transfer", subject="USDT")
            assert cash["status"] == "adopted"
            assert Decimal(cash["venue"]) - Decimal(cash["ours"]) == Decimal(3500)
            assert [wait_shown(state, subject=each)["status"] for each in ("ETH", "BNB")] == ["adopted"] * 2
            coins = wait_shown(state, kind="position")
            assert (coins["status"], coins["subject"]) == ("open", "BTC")
            assert Decimal(coins["venue"]) - Decimal(coins["ours"]) == Decimal("0.25")
            assert [row["status"] for row in shown(state, kind="external_fill")] == ["shown"]
            assert str(resting["orderId"]) in shown(state, kind="external_order")[0]["venue"]
            assert account(daemon)["drawdown"] > -0.01
            assert daemon.states() == {"demo": "active"}
            daemon.wait_fills(3, "maker")

            assert ctl(state, "reconcile", "accept", coins["id"])["accepted"]
            assert shown(state, id=coins["id"])[0]["status"] == "accepted"
            time_for_two_statements(daemon)
            assert [row for row in shown(state) if row["status"] == "open"] == []
            assert daemon.stop() == 0
        books = exported(state)
        assert balances(daemon) == truth(exchange)
        assert books["trial_balance"] == "0"
        ours = {each.client_order_id for each in exchange.truth().account("demo").orders.values()}
        ours = {name for name in ours if name.startswith("T")}
        assert {row["client_order_id"] for row in books["fills"]} <= ours
        replayed(state)


def test_new_books_on_an_account_with_orders_of_a_lost_tickerd_wait_for_the_operator(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT, SMA)
        by_hand(
            exchange, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01",
            price="50000.00", newClientOrderId="TLOST00010000001",
        )  # fmt: skip
        with a_daemon(config, tmp_path / "state", OFTEN) as daemon:
            wait_for(daemon.status, "the daemon")
            opening = wait_shown(daemon.state, kind="opening")
            assert "TLOST00010000001" in opening["venue"]
            assert daemon.states() == {"demo": "reconciling"}
            assert len(exchange.truth().account("demo").orders) == 1
            assert ctl(daemon.state, "reconcile", "accept", opening["id"])["accepted"]
            daemon.wait_reconciled()
            (foreign,) = shown(daemon.state, kind="foreign_order")
            assert foreign["status"] == "open"
            assert daemon.stop() == 0
        assert balances(daemon) == truth(exchange)


def time_for_two_statements(daemon: Daemon) -> None:
    """Statements come every 1.2 s here; wait by what the daemon has taken meanwhile."""
    before = daemon.ask("status")["seq"]
    wait_for(lambda: daemon.ask("status")["seq"] > before + 300, "two statements")
