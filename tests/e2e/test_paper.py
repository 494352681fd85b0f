"""A paper account beside real market data: orders are matched in the core, none reaches the exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.holdings import held_after
from tests.e2e.rig import (
    MAKER,
    SMA,
    a_daemon,
    an_exchange,
    exported,
    nonzero,
    of_account,
    replayed,
    write_config,
)

pytestmark = pytest.mark.slow

PAPER = """
[accounts.paper]
venue = "binance"
mode = "paper"
base_currency = "USDT"
limits = { order_rate_max = 500 }

[accounts.paper.simulated]
opening_balances = { USDT = 50_000 }
"""


def test_a_paper_account_trades_restarts_and_replays_without_the_exchange_seeing_an_order(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, PAPER, *of_account("paper", SMA, MAKER))
        for life in (1, 2):
            with a_daemon(config, state) as daemon:
                daemon.wait_reconciled()
                daemon.wait_fills(1, "sma", "maker")
                assert daemon.stop() == 0, life
        truth = exchange.truth()
    assert [each for account in truth.accounts.values() for each in account.orders] == []
    books = exported(state)
    assert nonzero(books["accounts"]["paper"]) == held_after({"USDT": 50_000}, books)
    assert books["trial_balance"] == "0"
    assert replayed(state, "--parts", "1-2")["orders"] > 0
