"""basana 1.11 on bitcoin by the day: every fill and fee to the digit, with its volume limit and impact."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from actors.venues.simulated.charges import Charge
from daemon.research.result import Result
from tests.research.reference.references import backtest, cases, daily, needs_references, rows, show

CASES = cases("basana")
BOUNDED = tuple(
    f"venues.files.simulated.{setting}"
    for setting in (
        "bars.volume_share=0.25",
        "bars.market_rest=all_or_none",
        "slippage.impact=1.6",
        "slippage.impact_exponent=2",
        "slippage.rounding=nearest",
    )
)
"""Its impact is 10 % × (used / usable)², usable a quarter of the volume: 0.1 / 0.25² × share²."""
RUNS: dict[str, dict[str, Any]] = {
    "btcusdt2020_sma12_market_fee": {
        "file": "crypto_daily/binance_btcusdt_day_2020.csv", "symbol": "BTCUSDT", "currency": "USDT",
        "cash": 10_000, "parameters": {"length": 12, "quantity": "0.1"}, "rate": "0.001", "settings": (),
    },
    "btcusd2015_sma20_market_volume_impact": {
        "file": "crypto_daily/bitstamp_btcusd_day_2015.csv", "symbol": "BTCUSD", "currency": "USD",
        "cash": 1_000_000, "parameters": {"length": 20, "quantity": "500"}, "rate": "0.0025",
        "settings": BOUNDED,
    },
}  # fmt: skip
pytestmark = needs_references


def run(case: str) -> Result:
    given = RUNS[case]
    return backtest(
        "price_cross.py:PriceCross",
        daily(given["file"]).filter(pl.col("volume") > 0),  # it skips the others before anything sees them
        symbol=given["symbol"],
        cash=given["cash"],
        currency=given["currency"],
        lot_size="0.00000001",
        parameters=given["parameters"],
        charges=[
            Charge(name="fee", rate=Decimal(given["rate"]), per="order", step=Decimal("0.01"), rounding="up")
        ],
        settings=given["settings"],
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fills_fees_and_balances_of_basana_are_ours(case: dict[str, Any]) -> None:
    result, currency = run(case["id"]), RUNS[case["id"]]["currency"]
    updates = rows(f"basana/{case['orders_file']}")
    closed = [each for each in updates if each["state"] == "closed"]
    ours = [
        (row["side"], row["quantity"], row["price"], row["fee"]) for row in result.fills.iter_rows(named=True)
    ]
    assert ours == [
        (
            each["side"],
            float(each["filled"]),
            float(each["avg_fill_price"]),
            float(each["fees"].split("=")[1]),
        )
        for each in closed
    ]
    # It tells of a bar at its end, the next midnight; we of the day in which the fill was.
    days = [datetime.fromisoformat(each["when"]).date() - timedelta(days=1) for each in closed]
    assert [moment.date() for moment in result.fills["ts"]] == days
    cash, held = money(result), sum_held(result)
    show(case["id"], fills=len(ours), cash=cash, held=held)
    assert 2 * len(ours) + open_at_end(result) == case["order_updates"]
    assert held == Decimal(case["final_balances"]["BTC"])
    # It rounds what a fill comes to, price × quantity, to cents; our books keep every digit.
    rounded = sum(
        (1 if side == "buy" else -1)
        * (Decimal(str(quantity)) * Decimal(str(price)) - Decimal(each["quote_filled"]))
        for (side, quantity, price, _), each in zip(ours, closed, strict=True)
    )
    assert cash == Decimal(case["final_balances"][currency]) - rounded


def money(result: Result) -> Decimal:
    """What is left in the account's currency."""
    return round(Decimal(result.equity["cash"][-1]), 6)


def sum_held(result: Result) -> Decimal:
    """Bitcoin bought and not sold."""
    signed = [
        Decimal(str(row["quantity"])) * (1 if row["side"] == "buy" else -1)
        for row in result.fills.iter_rows(named=True)
    ]
    return sum(signed, Decimal(0))


def open_at_end(result: Result) -> int:
    """Orders that no bar has met any more: one update, that they are open."""
    return result.orders.filter(pl.col("status") == "open").height
