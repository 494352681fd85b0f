"""A paper session on a live feed, killed on the way: its backtest and parity repeat every order and fill."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import polars
import pytest

from tests.e2e.rig import (
    BTC_MAKER,
    MAKER,
    SMA,
    a_daemon,
    an_exchange,
    assert_one_sentence,
    exported,
    one_object,
    tickerd,
    write_config,
)

pytestmark = pytest.mark.slow

PAPER = """
[accounts.demo]
venue = "binance"
mode = "paper"
base_currency = "USDT"
snapshot_seconds = 1
reconcile_minutes = 0.02
limits = { order_rate_max = 500 }

[accounts.demo.simulated]
opening_balances = { USDT = 100_000, BTC = 1, ETH = 10 }
latency_ms = 20
report_latency_ms = 3
submit_delay = { model = "lognormal", ms = 4.0, spread = 0.7 }
cancel_delay = { model = "recorded", recorded_ms = [0.5, 2.0, 30.0] }
report_delay = { model = "normal", ms = 3.0, spread = 2.0 }
seed = 7
"""
SECONDS = 1.0


def rows(table: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    numbers = ("quantity", "price", "fee", "filled")
    return sorted(
        tuple(float(row[each]) if each in numbers else row[each] for each in columns)
        for row in table
        if row.get("status") != "denied"
    )


def test_orders_and_fills_of_a_killed_paper_session_come_out_alike(tmp_path: Path) -> None:
    state, btc = tmp_path / "state", BTC_MAKER.replace("[strategies.maker]", "[strategies.btc]")
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, PAPER, SMA, MAKER, btc)
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(2, "maker")
            daemon.kill()
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(2, "sma", "maker")
            time.sleep(SECONDS)
            assert daemon.stop() == 0
    books = exported(state)
    on_session = f"backtest.session.state={state}"
    done = tickerd("backtest", str(config), "--set", on_session, "--state", str(tmp_path / "runs"), "--json")
    assert done.returncode == 0, done.stderr
    run = one_object(done)
    tables = {
        each: polars.read_parquet(Path(run["path"]) / f"{each}.parquet") for each in ("orders", "fills")
    }
    of_fill = ("trade_id", "client_order_id", "instrument", "quantity", "price", "fee", "fee_currency")
    of_order = ("client_order_id", "strategy", "instrument", "side", "status", "filled")
    assert len(books["fills"]) > 10
    assert rows(tables["fills"].to_dicts(), *of_fill) == rows(books["fills"], *of_fill)
    assert rows(tables["orders"].to_dicts(), *of_order) == rows(books["orders"], *of_order)
    report = tickerd("parity", "--json", "--state", str(state))
    assert report.returncode == 0, report.stderr
    account = one_object(report)["accounts"]["demo"]
    assert account["same_orders"] == account["recorded"]["orders"] == run["orders"]
    assert account["differences"] == []
    assert not any(float(effect) for effect in account["effects"].values())
    wrong = tickerd("backtest", str(config), "--set", f"backtest.session.state={tmp_path / 'no'}")
    assert_one_sentence(wrong, 2, "holds no recorded session")
