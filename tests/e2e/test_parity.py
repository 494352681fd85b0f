"""Parity of a session against a real exchange process: every cent of the difference has a cause."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.rig import (
    ACCOUNT,
    MAKER,
    SMA,
    a_daemon,
    an_exchange,
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
    effects = {cause: Decimal(text) for cause, text in account["effects"].items()}
    assert tuple(effects) == CAUSES
    assert sum(effects.values()) == Decimal(account["difference"])
    assert effects["fees"] < 0  # the exchange took more than that model says
    simulated, recorded = Decimal(account["simulated"]["pnl"]), Decimal(account["recorded"]["pnl"])
    assert recorded - simulated == Decimal(account["difference"])
    assert account["recorded"]["fills"] == len(trades)
    assert recorded == pytest.approx(Decimal(str(daemon.summary["pnl"])), abs=Decimal("0.01"))
    for each in account["differences"]:
        assert each["effects"], each
        parts = sum(map(Decimal, each["effects"].values()), Decimal(0))
        assert parts == Decimal(each["difference"])
    assert account["fit"]["latency_ms"]["count"] == account["recorded"]["orders"]
    assert f"{recorded:,.2f}" in page.read_text()
    played = tickerd("replay", "--broker", "simulated", "--json", "--state", str(state))
    strategies = json.loads(played.stdout)["strategies"]
    assert sum(Decimal(each["recorded"]["pnl"]) for each in strategies.values()) == recorded
