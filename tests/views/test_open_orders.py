"""Open orders as risk sees them: never too small between two messages of a step."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from actors.messages.account import PositionChanged
from actors.messages.orders import (
    OrderCancelled,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderTerms,
)
from actors.views.open_orders import OpenOrder, OpenOrders

KEY: dict[str, Any] = {"account": "demo", "strategy": "sma", "instrument": "BTCUSDT@binance"}


def some_terms(order_id: str = "T1", quantity: str = "10") -> OrderTerms:
    return OrderTerms(
        client_order_id=order_id,
        account=KEY["account"],
        strategy=KEY["strategy"],
        instrument=KEY["instrument"],
        side="buy",
        order_type="limit",
        quantity=Decimal(quantity),
        price=Decimal(100),
    )


def a_fill(quantity: str, remaining: str, order_id: str = "T1") -> OrderFilled:
    return OrderFilled(
        ts_event=1,
        client_order_id=order_id,
        **KEY,
        venue_order_id="1",
        trade_id="1",
        side="buy",
        quantity=Decimal(quantity),
        price=Decimal(100),
        fee=Decimal(0),
        fee_currency="USDT",
        liquidity="taker",
        remaining=Decimal(remaining),
        mid_price=None,
    )


def a_booking(quantity: str, order_id: str = "T1") -> PositionChanged:
    return PositionChanged(
        ts_event=1,
        **KEY,
        quantity=Decimal(quantity),
        entry_price_average=Decimal(100),
        realised_pnl=Decimal(0),
        account_quantity=Decimal(quantity),
        client_order_id=order_id,
        filled_quantity=Decimal(quantity),
    )


def a_cancel(filled: str) -> OrderCancelled:
    return OrderCancelled(ts_event=1, client_order_id="T1", **KEY, filled_quantity=Decimal(filled))


def test_a_filled_order_stays_reserved_until_its_position_is_booked() -> None:
    orders = OpenOrders()
    order = orders.add(some_terms())
    orders.apply(a_fill("10", "0"))
    assert order.unbooked == 10
    orders.apply(a_booking("10"))
    assert order.unbooked == 0
    assert "T1" not in orders


def test_a_cancel_that_overtakes_a_booking_keeps_the_filled_part_reserved() -> None:
    orders = OpenOrders()
    order = orders.add(some_terms())
    orders.apply(a_fill("4", "6"))
    orders.apply(a_cancel("4"))
    assert order.unbooked == 4
    assert order.remaining == 0
    orders.apply(a_booking("4"))
    assert len(orders) == 0


def test_an_unknown_order_holds_all_of_its_quantity() -> None:
    orders = OpenOrders()
    order = orders.add(some_terms())
    orders.apply(
        OrderOutcomeUnknown(ts_event=1, client_order_id="T1", **KEY, command="submit", reason="timeout")
    )
    assert order.is_unknown
    assert order.unbooked == 10
    orders.apply(OrderRejected(ts_event=1, client_order_id="T1", **KEY, code="NOT_RECEIVED", text=""))
    assert len(orders) == 0


def test_events_of_orders_never_added_change_nothing() -> None:
    orders = OpenOrders()
    assert orders.apply(a_fill("1", "0")) is None
    assert len(orders) == 0


@pytest.mark.parametrize("seed", range(20))
def test_reserved_and_booked_together_never_fall_below_what_has_filled(seed: int) -> None:
    random = Random(seed)
    orders = OpenOrders()
    order = orders.add(some_terms())
    filled = booked = 0
    under_way: list[int] = []
    cancelled_at: int | None = None
    while (filled < 10 and cancelled_at is None) or under_way:
        action = random.randrange(4)
        if action < 2 and filled < 10 and cancelled_at is None:
            size = random.randint(1, 10 - filled)
            filled += size
            under_way.append(size)
            orders.apply(a_fill(str(size), str(10 - filled)))
        elif action == 2 and under_way:
            size = under_way.pop(0)
            booked += size
            orders.apply(a_booking(str(size)))
        elif action == 3 and cancelled_at is None and filled < 10 and random.random() < 0.2:
            cancelled_at = filled
            orders.apply(a_cancel(str(filled)))
        still_possible = filled if cancelled_at is not None else 10
        assert booked + order.unbooked == still_possible, f"seed {seed}"
    assert len(orders) == 0, f"seed {seed}"


def test_a_restored_view_goes_on_like_the_original() -> None:
    orders = OpenOrders()
    orders.add(some_terms())
    orders.apply(a_fill("4", "6"))
    copy = OpenOrders()
    copy.restore(
        [OpenOrder(o.terms, o.booked, o.filled, o.is_unknown, o.is_terminal) for o in orders.snapshot()]
    )
    for view in (orders, copy):
        view.apply(a_booking("4"))
        view.apply(a_cancel("4"))
    assert copy.snapshot() == orders.snapshot() == []


def test_an_order_denied_after_it_was_counted_is_forgotten() -> None:
    orders = OpenOrders()
    orders.add(some_terms())
    dropped = orders.drop("T1")
    assert dropped is not None
    assert (len(orders), orders.drop("T1")) == (0, None)
