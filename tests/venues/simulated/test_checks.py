"""Filters, by figures on and beyond each limit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.simulated.builders import D, Orders, a_quote, an_engine, an_instrument, held, said


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "100.001"}, "PRICE_FILTER"),
        ({"price": "0"}, "PRICE_FILTER"),
        ({"price": "100", "quantity": "0.0001"}, "LOT_SIZE"),
        ({"price": "100", "quantity": "0"}, "LOT_SIZE"),
        ({"price": "100", "quantity": "11"}, "LOT_SIZE"),
        ({"price": "100", "quantity": "0.049"}, "NOTIONAL"),
        ({"quantity": "0.049"}, "NOTIONAL"),
        ({"price": "100", "instrument": "X@sim"}, "UNKNOWN_INSTRUMENT"),
        ({"price": "100", "tif": "ioc", "post_only": True}, "BAD_TERMS"),
        ({"price": "100", "order_type": "market"}, "BAD_TERMS"),
        ({"order_type": "stop"}, "BAD_TERMS"),
    ],
)
def test_order_that_breaks_a_filter_is_refused_and_leaves_no_trace(
    changes: dict[str, Any], code: str
) -> None:
    engine, order = an_engine(instrument=an_instrument(quantity_max=D(10))), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    before = held(engine)
    quantity, price = changes.pop("quantity", "1"), changes.pop("price", None)
    assert said(engine.submit(order("buy", quantity, price, **changes), 2)) == [f"rejected o1 {code}"]
    assert held(engine) == before
    assert engine.orders("a") == []


def test_least_notional_may_be_met_exactly() -> None:
    engine, order = an_engine(), Orders()
    assert said(engine.submit(order("buy", "0.05", "100"), 1)) == ["accepted o1"]
