"""`tickerd panic` on a real exchange: beside a trading daemon, without any state, and with lost answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from daemon.cli.exit_codes import ExitCode
from daemon.kill_switch import KILL_FILE
from tests.e2e.rig import (
    ACCOUNT,
    Exchange,
    a_daemon,
    an_exchange,
    assert_one_sentence,
    exported,
    nonzero,
    one_object,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

BUYER = """
[strategies.buyer]
use = "buyer.py:Buyer"
account = "demo"
instruments = ["BTCUSDT@binance"]
"""
BUYER_SOURCE = """
from decimal import Decimal

from actors import Quote, Strategy


class Buyer(Strategy):
    # Buys once, then rests an order where the market will not come.
    def on_quote(self, quote: Quote) -> None:
        if not self.ctx.position(quote.instrument) and not self.ctx.open_orders(quote.instrument):
            self.ctx.market("buy", Decimal("0.01"), quote.instrument)
        elif not self.ctx.open_orders(quote.instrument):
            price = self.ctx.round_price(quote.bid_price * 0.97, quote.instrument, "down")
            self.ctx.limit("buy", Decimal("0.001"), price, quote.instrument)
"""
LOT = Decimal("0.00001")


def configured(folder: Path, exchange: Exchange) -> Path:
    (folder / "buyer.py").write_text(BUYER_SOURCE)
    return write_config(folder, exchange, ACCOUNT, BUYER)


def by_hand(exchange: Exchange, method: str = "POST", **params: Any) -> dict[str, Any]:
    """An order of the operator's own, or its cancel, over REST."""
    side = {"side": "BUY"} if method == "POST" else {}
    terms = {"symbol": "BTCUSDT", **side, **params, "timestamp": time.time_ns() // 1_000_000}
    query = urlencode(terms)
    signature = hmac.new(b"demo-secret", query.encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"http://127.0.0.1:{exchange.port}/api/v3/order",
        data=f"{query}&signature={signature}".encode(),
        headers={"X-MBX-APIKEY": "demo-key"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        found = json.load(response)
    assert isinstance(found, dict)
    return found


def deposit(exchange: Exchange, asset: str, amount: str) -> None:
    body = json.dumps({"account": "demo", "asset": asset, "amount": amount}).encode()
    address = f"http://127.0.0.1:{exchange.admin_port}/deposit"
    with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=10) as response:
        assert response.status == 200


def a_resting_order(exchange: Exchange, **params: Any) -> dict[str, Any]:
    terms = {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.002", "price": "50000"}
    return by_hand(exchange, **terms, **params)


def panic(config: Path, state: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = tickerd("panic", "--config", str(config), "--state", str(state), "--yes", "--json", *arguments)
    return done.returncode, one_object(done)


def test_a_trading_account_is_cancelled_and_what_tickerd_bought_is_sold(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        with a_daemon(config, state) as daemon:
            wait_for(lambda: exchange.open_orders() or None, "the strategy's resting order")
            a_resting_order(exchange, newClientOrderId="mine")
            code, report = panic(config, state, "--account", "demo")
            assert daemon.process.wait(10) == 0
        truth = exchange.truth().account("demo")
        assert (code, report["done"]) == (ExitCode.DONE, True), report
        assert (state / KILL_FILE).read_text().startswith("tickerd panic --account demo")
        assert report["holder"]["how"] == "SIGTERM"
        assert exchange.open_orders() == {}
        # The daemon cancels its own while it ends, and panic the rest; the operator's order only panic knows.
        assert "mine" in [order["client_order_id"] for order in report["cancelled"]]
        (sale,) = report["sales"]
        assert sale["client_order_id"].startswith("panic-")
        # Bought 0.01 less a fee of a thousandth in BTC, down to a whole lot; the bitcoin from before stays.
        assert Decimal(sale["filled"]) == Decimal("0.00999")
        assert Decimal(1) <= truth.balances["BTC"] < Decimal(1) + LOT
        assert Decimal(report["balances"]["BTC"]) == truth.balances["BTC"]


def test_the_next_start_settles_all_that_panic_did(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        with a_daemon(config, state) as daemon:
            wait_for(lambda: exchange.open_orders() or None, "the strategy's resting order")
            os.kill(daemon.process.pid, signal.SIGSTOP)  # it neither cancels nor takes a last checkpoint
            code, report = panic(config, state, "--account", "demo", "--deadline", "0.2")
            assert (code, report["holder"]["how"]) == (ExitCode.DONE, "SIGKILL"), report
        (sale,) = report["sales"]
        before = len(exchange.truth().account("demo").orders)

        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            assert daemon.states() == {"demo": "halted"}
            wait_for(lambda: not daemon.ask("positions"), "no position to be left")
            wait_for(lambda: not daemon.ask("orders"), "no order to be left")
            (shown,) = [each for each in daemon.ask("differences") if each["kind"] == "external_fill"]
            (sold,) = [
                each
                for each in exchange.truth().account("demo").orders.values()
                if each.client_order_id == sale["client_order_id"]
            ]
            assert sold.venue_order_id in shown["venue"]
            assert [each for each in daemon.ask("differences") if each["status"] == "open"] == []
            assert daemon.stop() == 0
        books, true = exported(state), exchange.truth().account("demo")
        assert len(true.orders) == before, "nothing was sent after the panic"
        ours = {each.client_order_id for each in true.orders.values() if each.client_order_id.startswith("T")}
        assert sorted(row["trade_id"] for row in books["fills"]) == sorted(
            each.trade_id for each in true.trades if each.client_order_id in ours
        )
        assert {row["status"] for row in books["orders"]} <= {"filled", "cancelled", "denied"}
        assert [row for row in books["positions"] if Decimal(row["quantity"])] == []
        assert nonzero(books["accounts"]["demo"]) == nonzero(true.balances)
        assert books["trial_balance"] == "0"
        replayed(state)

        (state / KILL_FILE).unlink()
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            assert not daemon.ask("clear-halt", all=True)["text"].startswith("refused")
            (waiting,) = daemon.ask("approvals")
            assert daemon.ask("approve", id=waiting["id"])["accepted"]
            wait_for(lambda: exchange.open_orders() or None, "the strategy to trade again")
            assert daemon.stop() == 0
        assert nonzero(exported(state)["accounts"]["demo"]) == nonzero(
            exchange.truth().account("demo").balances
        )


def test_it_works_without_state_and_sells_down_to_what_is_kept(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "gone" / "state"
        for _ in range(3):
            a_resting_order(exchange)
        code, report = panic(config, state, "--keep", "BTC=0.25")
        assert (code, report["done"]) == (ExitCode.DONE, True), report
        assert report["holder"]["how"] == "none"
        assert len(report["cancelled"]) == 3
        assert exchange.open_orders() == {}
        assert exchange.truth().account("demo").balances["BTC"] == Decimal("0.25")
        assert (state / KILL_FILE).exists()


def test_with_cancel_only_nothing_is_sold_and_an_unusable_state_folder_is_said(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        state.write_text("this is no folder")
        a_resting_order(exchange)
        code, report = panic(config, state, "--cancel-only")
        assert (code, report["sales"], len(report["cancelled"])) == (ExitCode.FAILED, [], 1)
        assert report["kill_switch"] is None
        assert "could not be written" in report["problems"][0]
        assert exchange.truth().account("demo").balances["BTC"] == Decimal(1)


def test_a_sale_whose_answer_is_lost_is_looked_for_and_never_sent_again(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        exchange.fault("accept_and_lose", method="order.place")
        code, report = panic(config, state, "--keep", "BTC=0.5")
        assert code == ExitCode.DONE, report
        (sale,) = report["sales"]
        assert "its answer was lost" in sale["text"]
        orders = exchange.truth().account("demo").orders.values()
        assert [order.client_order_id for order in orders] == [sale["client_order_id"]]


def test_a_sale_that_never_arrives_is_reported_as_unknown_and_not_sent_again(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        exchange.fault("lose_request", method="order.place")
        code, report = panic(config, state, "--keep", "BTC=0.5")
        assert (code, report["sales"][0]["outcome"]) == (ExitCode.FAILED, "unknown"), report
        assert "BTC" in report["left"]
        assert exchange.truth().account("demo").orders == {}


def test_orders_that_may_have_lost_their_id_leave_the_holding_to_the_operator(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        deposit(exchange, "USDT", "1000000000")
        # Far more than there is at the best price, and than is traded until the cancel: filled in part.
        order = by_hand(exchange, type="LIMIT", timeInForce="GTC", quantity="5000", price="61000")
        assert order["status"] == "PARTIALLY_FILLED"
        by_hand(exchange, "DELETE", orderId=order["orderId"])
        code, report = panic(config, state)
        assert (code, report["sales"]) == (ExitCode.FAILED, []), report
        assert "--keep BTC=AMOUNT" in report["left"]["BTC"]


def test_a_daemon_that_stands_still_is_ended_by_force(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        with a_daemon(config, state) as daemon:
            wait_for(lambda: exchange.open_orders() or None, "the strategy's resting order")
            os.kill(daemon.process.pid, signal.SIGSTOP)
            code, report = panic(config, state, "--deadline", "0.2", "--cancel-only")
            assert daemon.process.wait(10) == -signal.SIGKILL
        assert (code, report["holder"]["how"]) == (ExitCode.DONE, "SIGKILL"), report
        assert len(report["cancelled"]) == 1
        assert exchange.open_orders() == {}


def test_without_a_terminal_or_an_answering_venue_it_says_so(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config, state = configured(tmp_path, exchange), tmp_path / "state"
        done = tickerd("panic", "--config", str(config), "--state", str(state))
        assert_one_sentence(done, ExitCode.WRONG_USAGE, "--yes")
        assert not state.exists()
        done = tickerd("panic", "--config", str(config), "--account", "dmo", "--yes")
        assert_one_sentence(done, ExitCode.WRONG_USAGE, "did you mean 'demo'?")
    code, report = panic(config, state)
    assert (code, report["done"]) == (ExitCode.VENUE_UNREACHABLE, False)
    assert report["kill_switch"] == str(state / KILL_FILE)
