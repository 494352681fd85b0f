"""What slippage makes of the market's price, by hand-worked figures."""

from __future__ import annotations

from typing import Any

import pytest

from actors.venues.simulated.slippage import Taking
from tests.venues.simulated.builders import (
    D,
    Orders,
    a_bar,
    a_market,
    a_quote,
    a_trade,
    an_engine,
    fills_in,
    held,
    said,
)


def at_open(side: str, *, quantity: str = "4", price: str | None = None, **slippage: Any) -> list[str]:
    """Fills of an order at an open of 100 in a bar of 16, 99 to 101."""
    engine, order = an_engine(market=a_market(slippage=slippage)), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order(side, quantity, price), 2)
    return fills_in(engine.on_bar(a_bar(100, 101, 99, 100, volume=16), 3))


@pytest.mark.parametrize(
    ("slippage", "buy", "sell"),
    [
        ({"bps": 2.5}, "100.03", "99.97"),  # 100.025 and 99.975 in whole ticks of 0.01, against the taker
        ({"bps": 2.5, "rounding": "nearest"}, "100.02", "99.98"),  # half-way goes to the even tick
        ({"ticks": 3}, "100.03", "99.97"),
        ({"bps": 1, "ticks": 1}, "100.02", "99.98"),
        ({"impact": 0.01}, "100.5", "99.5"),  # a quarter of the volume: √0.25 × 1 % = 0.5 %
        ({"impact": 0.01, "impact_exponent": 1}, "100.25", "99.75"),
        ({"impact": 0.16, "impact_exponent": 2}, "101", "99"),  # 0.25² × 16 % = 1 %
        ({"bps": 300}, "103", "97"),
        ({"bps": 300, "stays_in_bar": True}, "101", "99"),
        ({"spread_share": 1}, "100", "100"),  # bars have no spread
    ],
)
def test_taker_pays_the_configured_slippage(slippage: dict[str, Any], buy: str, sell: str) -> None:
    assert at_open("buy", **slippage) == [f"o1 4@{buy} taker"]
    assert at_open("sell", **slippage) == [f"o1 4@{sell} taker"]


def test_slippage_never_goes_beyond_a_limit_and_spares_resting_orders() -> None:
    assert at_open("buy", price="100.01", ticks=3) == ["o1 4@100.01 taker"]
    assert at_open("buy", price="99.5", ticks=3) == ["o1 4@99.5 maker"]


def test_impact_counts_all_that_our_orders_take_of_the_bar() -> None:
    engine, order = an_engine(market=a_market(slippage={"impact": 0.01, "impact_exponent": 1})), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    for _ in range(2):
        engine.submit(order("buy", "4"), 2)
    # 4 of 16, then 8 of 16
    assert fills_in(engine.on_bar(a_bar(100, 100, 100, 100, volume=16), 3)) == [
        "o1 4@100.25 taker",
        "o2 4@100.5 taker",
    ]


def test_stop_slips_from_its_price() -> None:
    engine, order = an_engine(market=a_market(slippage={"ticks": 2})), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "1", stop="99"), 2)
    assert fills_in(engine.on_bar(a_bar(100, 100, 98, 99), 3)) == ["o1 1@98.98 taker"]


def test_share_of_the_spread_is_paid_on_top_of_the_touch() -> None:
    engine, order = an_engine(market=a_market(slippage={"spread_share": 0.25})), Orders()
    engine.on_quote(a_quote(99, 101, sizes=(5, 5)), 1)
    # a quarter of 2 beyond the ask and below the bid
    assert fills_in(engine.submit(order("buy", "1"), 2)) == ["o1 1@101.5 taker"]
    assert fills_in(engine.submit(order("sell", "1"), 2)) == ["o2 1@98.5 taker"]


def test_impact_on_a_lone_trade_counts_its_size() -> None:
    engine, order = an_engine(market=a_market(slippage={"impact": 0.01, "impact_exponent": 1})), Orders()
    engine.on_trade(a_trade(100, 1), 1)
    engine.submit(order("buy", "2"), 2)
    assert fills_in(engine.on_trade(a_trade(100, 8), 3)) == ["o1 2@100.25 taker"]


def test_function_of_the_users_own_is_asked_with_what_it_needs() -> None:
    asked: list[Taking] = []

    def own(taking: Taking) -> float:
        asked.append(taking)
        return 0.5 * taking.quantity

    engine = an_engine(market=a_market(slippage={"function": "mine:own"}), slippage=own)
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(Orders()("buy", "4"), 2)
    assert fills_in(engine.on_bar(a_bar(100, 101, 99, 100, volume=16), 3)) == ["o1 4@102 taker"]
    (taking,) = asked
    assert (taking.side, taking.price, taking.quantity, taking.share, taking.tick_size) == (
        "buy", 100.0, 4.0, 0.25, 0.01,
    )  # fmt: skip


def test_market_buy_pays_no_more_than_there_is_after_slippage() -> None:
    engine = an_engine(market=a_market(slippage={"bps": 100}), opening_balances={"USDT": D(1_000)})
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(Orders()("buy", "10"), 2)
    # 1000 / 101 = 9.90099…
    assert said(engine.on_bar(a_bar(100, 100, 100, 100), 3)) == [
        "filled o1 9.9@101 taker",
        "expired o1 INSUFFICIENT_BALANCE",
    ]
    assert held(engine)["USDT"] == (D("0.1"), D(0))


def test_fill_or_kill_counts_slippage_into_what_it_can_pay() -> None:
    engine = an_engine(market=a_market(slippage={"bps": 100}), opening_balances={"USDT": D(1_000)})
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(Orders()("buy", "10", tif="fok"), 2)
    assert said(engine.on_bar(a_bar(100, 100, 100, 100), 3)) == ["expired o1 FOK"]
