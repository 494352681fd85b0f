"""Parity of a session against a real exchange process: every cent of the difference has a cause."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import (
    ACCOUNT,
    MAKER,
    SMA,
    a_daemon,
    an_exchange,
    exported,
    one_object,
    tickerd,
    write_config,
)

pytestmark = pytest.mark.slow

CAUSES = ("data", "latency", "queue", "slippage", "fees", "funding", "borrow", "dividends", "interest")
DEARER = "accounts.demo.simulated.maker_fee=0.0004"


def test_causes_of_a_session_against_the_exchange_sum_to_the_difference_in_pnl(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT, SMA, MAKER)
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(4, "sma", "maker")
            assert daemon.stop() == 0
        trades = exchange.truth().account("demo").trades
    page = tmp_path / "parity.html"
    done = tickerd("parity", "--json", "--state", str(state), "--set", DEARER, "--html", str(page))
    assert done.returncode == 0, done.stderr
    account = one_object(done)["accounts"]["demo"]
    effects = exact_effects(account)
    assert effects["fees"] < 0  # the exchange took more than that model says
    recorded = Decimal(account["recorded"]["pnl"])
    assert account["recorded"]["fills"] == len(trades)
    assert recorded == pytest.approx(Decimal(str(daemon.summary["pnl"])), abs=Decimal("0.01"))
    assert account["fit"]["latency_ms"]["count"] == account["recorded"]["orders"]
    assert f"{recorded:,.2f}" in page.read_text()
    played = tickerd("replay", "--broker", "simulated", "--json", "--state", str(state))
    strategies = json.loads(played.stdout)["strategies"]
    assert sum(Decimal(each["recorded"]["pnl"]) for each in strategies.values()) == recorded


def test_lost_and_late_answers_leave_no_difference_without_a_cause(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with an_exchange(tmp_path, "--synthetic", "--seed", "8", "--rate", "100") as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT, SMA, MAKER)
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            for kind in ("swallow_report", "reorder_reports", "accept_and_lose", "lose_request"):
                exchange.fault(kind, account="demo", symbol="ETHUSDT")
            exchange.fault("delay_reply", account="demo", milliseconds=150)
            daemon.wait_fills(1, "sma")
            assert daemon.stop() == 0
    books = exported(state)
    done = tickerd("parity", "--json", "--state", str(state))
    assert done.returncode == 0, done.stderr
    account = one_object(done)["accounts"]["demo"]
    exact_effects(account)
    assert account["recorded"]["fills"] == len(books["fills"])
    assert Decimal(account["effects"]["data"]) == 0


def exact_effects(account: dict[str, Any]) -> dict[str, Decimal]:
    """Every cause of an account, after its sums are proven: over causes, and over orders and charges."""
    effects = {cause: Decimal(text) for cause, text in account["effects"].items()}
    assert tuple(effects) == CAUSES
    assert sum(effects.values()) == Decimal(account["difference"])
    simulated, recorded = Decimal(account["simulated"]["pnl"]), Decimal(account["recorded"]["pnl"])
    assert recorded - simulated == Decimal(account["difference"])
    parts = [*account["differences"], *account["charges"]]
    for each in parts:
        assert each["effects"], each
        assert sum(map(Decimal, each["effects"].values()), Decimal(0)) == Decimal(each["difference"])
    assert sum((Decimal(each["difference"]) for each in parts), Decimal(0)) == Decimal(account["difference"])
    return effects
