"""Telemetry: plain numbers, right at their bounds."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.messages.account import AccountSnapshot
from actors.messages.base import Message
from actors.messages.control import TimeReached
from actors.messages.orders import OrderDenied, OrderFilled
from daemon.telemetry import Histogram, Telemetry
from daemon.telemetry_steps import StepTelemetry


def a_telemetry(now_ns: list[int] | None = None) -> Telemetry:
    clock = now_ns if now_ns is not None else [0]
    return Telemetry(now_ns=lambda: clock[0], version="1.2.3", session="test")


def a_denial(account: str = "paper") -> OrderDenied:
    return OrderDenied(
        ts_event=0,
        client_order_id="T1",
        account=account,
        strategy="s",
        instrument="A@b",
        code="X",
        figures="",
    )


def a_fill() -> OrderFilled:
    return OrderFilled(
        ts_event=0, client_order_id="T1", account="paper", strategy="s", instrument="A@b", venue_order_id="1",
        trade_id="1", side="buy", quantity=Decimal(1), price=Decimal(1), fee=Decimal(0), fee_currency="A",
        liquidity="maker", remaining=Decimal(0), mid_price=None,
    )  # fmt: skip


def test_a_value_on_a_bound_counts_below_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for seconds in (1.0, 1.0000001, 2.0, 3.0):
        histogram.observe(seconds)
    assert histogram.counts == [1, 2, 1]
    assert histogram.cumulative() == [("1.0", 1.0), ("2.0", 3.0), ("+Inf", 4.0)]


def test_a_quantile_is_estimated_within_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    assert histogram.quantile(0.5) is None
    for seconds in (0.5, 0.5, 1.5, 9.0):
        histogram.observe(seconds)
    assert [histogram.quantile(fraction) for fraction in (0.25, 0.5, 0.625, 0.75, 0.76)] == [
        0.5,
        1.0,
        1.5,
        2.0,
        float("inf"),
    ]


def test_a_snapshot_is_json_and_refreshed_first() -> None:
    now = [5_000_000_000]
    telemetry = a_telemetry(now)
    telemetry.feed_last_ns["binance"] = now[0]
    telemetry.refreshers.append(lambda t: t.orders.update({("paper", "unknown"): 1}))
    telemetry.tick_to_order.observe(100.0)
    now[0] += 1_500_000_000
    snapshot = msgspec.json.decode(msgspec.json.encode(telemetry.snapshot()))
    assert snapshot["uptime_seconds"] == 1.5
    assert snapshot["feeds"] == {"binance": {"age_seconds": 1.5, "connected": None}}
    assert snapshot["orders"] == {"paper": {"unknown": 1}}
    assert snapshot["tick_to_order_seconds"] == {
        "count": 1, "mean": 100.0, "p50": None, "p99": None, "p999": None,
    }  # fmt: skip


def test_an_age_is_never_negative() -> None:
    assert a_telemetry([10]).age_seconds(20) == 0


def test_steps_are_counted_by_what_they_sent() -> None:
    telemetry = a_telemetry()
    steps = StepTelemetry(telemetry)
    snapshot = AccountSnapshot(
        ts_event=0, account="paper", currency="USDT", equity=90.0, cash=50.0, unrealised_pnl=-10.0,
        realised_pnl=1.0, fees=2.0, drawdown=-0.1,
    )  # fmt: skip
    sent: list[Message] = [a_denial(), a_denial(), a_denial("other"), a_fill(), snapshot]
    steps.on_step(7, 0, TimeReached(ts_event=0), sent)
    assert telemetry.orders_denied == {("paper", "X"): 2, ("other", "X"): 1}
    assert telemetry.fills == {"paper": 1}
    assert telemetry.seq == 7
    figures = telemetry.accounts["paper"]
    assert (figures.equity, figures.drawdown, figures.currency) == (90.0, -0.1, "USDT")
