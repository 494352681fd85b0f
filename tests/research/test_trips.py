"""From events to trades: charges go where they belong, splits move stops, a fill through zero is two."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from actors.messages.account import TradeClosed
from actors.messages.clearing import ChargeBooked, ChargeKind, PositionSplit
from actors.messages.orders import Direction, OrderFilled, OrderRejected, OrderTerms, Side, SubmitOrder
from actors.model.instrument import Instrument
from daemon.research.results import Event
from daemon.research.trips import Tables

OWNER: dict[str, Any] = {"account": "a", "strategy": "s", "instrument": "X@v"}
X = Instrument(
    id="X@v", symbol="X", venue="v", kind="equity", base="X", quote="USD", tick_size=Decimal("0.01"),
    lot_size=Decimal(1), quantity_min=Decimal(0), notional_min=Decimal(0), multiplier=Decimal(1),
    calendar="24/7",
)  # fmt: skip


def an_order(number: int, side: Side, quantity: int, **terms: Any) -> SubmitOrder:
    made = OrderTerms(
        client_order_id=f"o{number}", side=side, order_type="stop" if "stop_price" in terms else "market",
        quantity=Decimal(quantity), **OWNER, **terms,
    )  # fmt: skip
    return SubmitOrder(
        ts_event=number, account="a", instrument="X@v", client_order_id=f"o{number}", terms=made,
        venue_timestamp_ms=0, receive_window_ms=0,
    )  # fmt: skip


def a_fill(number: int, side: Side, quantity: int, price: int) -> OrderFilled:
    return OrderFilled(
        ts_event=number, client_order_id=f"o{number}", venue_order_id=f"v{number}", trade_id=f"t{number}",
        side=side, quantity=Decimal(quantity), price=Decimal(price), fee=Decimal(1), fee_currency="USD",
        liquidity="taker", remaining=Decimal(0), mid_price=float(price - 1), **OWNER,
    )  # fmt: skip


def a_trade(
    closed: int, quantity: int, entry: int, exit_: int, pnl: int, direction: Direction = "long"
) -> TradeClosed:
    return TradeClosed(
        ts_event=closed, direction=direction, quantity=Decimal(quantity), entry_price=Decimal(entry),
        exit_price=Decimal(exit_), realised_pnl=Decimal(pnl), fees=Decimal(2), ts_opened=1, **OWNER,
    )  # fmt: skip


def a_charge(kind: ChargeKind, amount: int) -> ChargeBooked:
    return ChargeBooked(ts_event=5, kind=kind, asset="USD", amount=Decimal(amount), **OWNER)


def trades_of(*events: Event) -> pl.DataFrame:
    tables = Tables({"X@v": X})
    for event in events:
        tables.take(event, 1.0)
    trades = tables.finished().trades
    return pl.DataFrame([trades.get_column(name) for name in trades.columns])


def test_charges_belong_to_the_trade_that_was_held_also_when_they_come_late() -> None:
    events: list[Event] = [
        an_order(1, "buy", 10), a_fill(1, "buy", 10, 100), a_charge("dividend", 7), a_charge("borrow", -3),
        a_charge("funding", 2), an_order(2, "sell", 10), a_fill(2, "sell", 10, 101),
        a_trade(2, 10, 100, 101, 10), a_charge("dividend", 5),
    ]  # fmt: skip
    row = trades_of(*events).row(0, named=True)
    assert (row["realised_pnl"], row["fees"], row["borrow"], row["funding"]) == (22.0, 2.0, 3.0, -2.0)
    assert row["net"] == 19.0
    # A tick above the middle when buying costs, a tick above it when selling brings.
    assert row["slippage"] == pytest.approx(10 - 10)


def test_a_split_moves_the_stop_that_risk_is_measured_by() -> None:
    split = PositionSplit(
        ts_event=3, account="a", instrument="X@v", shares_before=Decimal(1), shares_after=Decimal(2),
        quantity=Decimal(20), price=Decimal(50), cash_in_lieu=Decimal(0), action_id="x",
    )  # fmt: skip
    events: list[Event] = [
        an_order(1, "buy", 10, tag="first"), a_fill(1, "buy", 10, 100),
        an_order(2, "sell", 10, stop_price=Decimal(90), reduce_only=True), split,
        a_fill(3, "sell", 20, 45), a_trade(3, 20, 50, 45, -100),
    ]  # fmt: skip
    row = trades_of(*events).row(0, named=True)
    assert (row["risk"], row["tag"]) == (pytest.approx((50 - 45) * 20), "first")


def test_a_fill_through_zero_begins_the_next_trade_with_its_own_tag() -> None:
    events: list[Event] = [
        an_order(1, "buy", 10, tag="up"), a_fill(1, "buy", 10, 100), an_order(2, "sell", 15, tag="down"),
        a_fill(2, "sell", 15, 101), a_trade(2, 10, 100, 101, 10), an_order(3, "buy", 5),
        a_fill(3, "buy", 5, 99), a_trade(3, 5, 101, 99, 10, "short"),
    ]  # fmt: skip
    assert trades_of(*events)["tag"].to_list() == ["up", "down"]


def test_a_fill_that_comes_after_its_order_ended_is_still_that_orders() -> None:
    tables = Tables({"X@v": X})
    ended = OrderRejected(ts_event=2, client_order_id="o1", code="NOT_RECEIVED", text="", **OWNER)
    for event in (an_order(1, "buy", 10), an_order(11, "buy", 10), ended, a_fill(1, "buy", 10, 100)):
        tables.take(event, 1.0)
    orders, fills, _ = tables.finished()
    assert orders.get_column("filled").to_list() == [10.0, 0.0]
    assert orders.get_column("price_average").to_list() == [100.0, None]
    assert (tables.rejected, fills.height) == ({"NOT_RECEIVED": 1}, 1)
