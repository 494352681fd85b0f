"""What makes an order impossible, each at its boundary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.orders import OrderTerms
from actors.model.instrument import Instrument
from actors.views.terms import fault_in_terms

D = Decimal
INSTRUMENT = Instrument(
    id="BTCUSDT@binance",
    symbol="BTCUSDT",
    venue="binance",
    kind="spot",
    base="BTC",
    quote="USDT",
    tick_size=D("0.5"),
    lot_size=D("0.1"),
    quantity_min=D("0.2"),
    quantity_max=D(9),
    notional_min=D(10),
)


def code(quantity: str = "1", price: str | None = "100", mark: float | None = 100.0, **changed: Any) -> str:
    fields: dict[str, Any] = {
        "client_order_id": "a",
        "account": "main",
        "strategy": "s",
        "instrument": INSTRUMENT.id,
        "side": "buy",
        "order_type": "market" if price is None else "limit",
        "quantity": D(quantity),
        "price": None if price is None else D(price),
    }
    fault = fault_in_terms(OrderTerms(**{**fields, **changed}), INSTRUMENT, mark)
    return fault[0] if fault is not None else "fine"


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("0.2", "fine"),
        ("0.1", "QUANTITY_BELOW_MIN"),
        ("0.25", "QUANTITY_NOT_ON_LOT"),
        ("9", "fine"),
        ("9.1", "QUANTITY_ABOVE_MAX"),
        ("0", "QUANTITY_NOT_POSITIVE"),
        ("-1", "QUANTITY_NOT_POSITIVE"),
        ("NaN", "QUANTITY_NOT_POSITIVE"),
        ("Infinity", "QUANTITY_NOT_POSITIVE"),
        ("1e60", "QUANTITY_NOT_ON_LOT"),
    ],
)
def test_quantity(quantity: str, expected: str) -> None:
    assert code(quantity) == expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("100.5", "fine"),
        ("100.25", "PRICE_NOT_ON_TICK"),
        ("0", "PRICE_NOT_POSITIVE"),
        ("-0.5", "PRICE_NOT_POSITIVE"),
        ("NaN", "PRICE_NOT_POSITIVE"),
    ],
)
def test_limit_and_stop_price(price: str, expected: str) -> None:
    assert code(price=price) == expected
    assert code(price=None, order_type="stop", stop_price=D(price)) == expected


@pytest.mark.parametrize(
    ("order_type", "price", "stop", "expected"),
    [
        ("market", None, None, "fine"),
        ("market", "100", None, "ORDER_FIELD_NOT_ALLOWED"),
        ("limit", None, None, "ORDER_FIELD_MISSING"),
        ("limit", "100", "100", "ORDER_FIELD_NOT_ALLOWED"),
        ("stop", None, "100", "fine"),
        ("stop", None, None, "ORDER_FIELD_MISSING"),
        ("stop", "100", "100", "ORDER_FIELD_NOT_ALLOWED"),
        ("stop_limit", "100", "100", "fine"),
        ("stop_limit", None, "100", "ORDER_FIELD_MISSING"),
        ("stop_limit", "100", None, "ORDER_FIELD_MISSING"),
    ],
)
def test_each_type_has_exactly_its_prices(
    order_type: str, price: str | None, stop: str | None, expected: str
) -> None:
    stop_price = None if stop is None else D(stop)
    assert code(price=price, order_type=order_type, stop_price=stop_price) == expected


@pytest.mark.parametrize(
    ("quantity", "price", "expected"), [("0.2", "50", "fine"), ("0.2", "49.5", "NOTIONAL_BELOW_MIN")]
)
def test_notional_at_the_limit_price_and_else_at_the_mark(quantity: str, price: str, expected: str) -> None:
    assert code(quantity, price) == expected
    assert code(quantity, None, mark=float(price)) == expected


@pytest.mark.parametrize("mark", [None, float("nan"), float("inf")])
def test_a_market_order_without_a_usable_mark_is_left_to_the_gate(mark: float | None) -> None:
    assert code("0.2", None, mark=mark) == "fine"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "fine"),
        ({"time_in_force": "ioc"}, "POST_ONLY_NOT_ALLOWED"),
        ({"time_in_force": "fok"}, "POST_ONLY_NOT_ALLOWED"),
        ({"price": None}, "POST_ONLY_NOT_ALLOWED"),
    ],
)
def test_only_resting_limit_orders_are_post_only(changed: dict[str, Any], expected: str) -> None:
    fields: dict[str, Any] = {"post_only": True, **changed}
    assert code(price=fields.pop("price", "100"), **fields) == expected
