"""What a bar does to orders, by hand-worked figures."""

from __future__ import annotations

import pytest

from tests.venues.simulated.builders import (
    MINUTE,
    D,
    Orders,
    a_bar,
    an_engine,
    fills_in,
    held,
    said,
)


def test_order_between_bars_fills_at_the_next_open() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    assert said(engine.submit(order("buy", "50"), 2)) == ["accepted o1"]
    assert held(engine)["USDT"] == (D(95_000), D(5_000))
    assert said(engine.on_bar(a_bar(100.5, 102, 100, 101), 3)) == ["filled o1 50@100.5 taker"]
    assert held(engine)["USDT"] == (D(100_000) - D(5_025), D(0))


@pytest.mark.parametrize(
    ("side", "price", "fill"),
    [
        ("buy", "99", "1@99 maker"),  # touched inside the bar
        ("buy", "99.01", "1@99.01 maker"),
        ("buy", "98.99", None),  # one tick below the low
        ("sell", "103", "1@103 maker"),
        ("sell", "103.01", None),
        ("buy", "102", "1@100 taker"),  # marketable at the open
        ("sell", "98", "1@100 taker"),
    ],
)
def test_limit_order_fills_inside_the_bar_that_touches_it(side: str, price: str, fill: str | None) -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    engine.submit(order(side, "1", price), 2)
    expected = [] if fill is None else [f"o1 {fill}"]
    assert fills_in(engine.on_bar(a_bar(100, 103, 99, 101), 3)) == expected


def test_resting_limit_gets_the_open_of_a_bar_that_gaps_over_it() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    engine.submit(order("buy", "1", "98"), 2)
    engine.on_bar(a_bar(100, 101, 99, 100), 3)
    assert fills_in(engine.on_bar(a_bar(95, 96, 94, 95), 4)) == ["o1 1@95 maker"]


def test_stop_fills_at_its_price_inside_a_bar_and_at_the_open_of_a_gap() -> None:
    for bar, price in ((a_bar(100, 101, 96, 97), "97.5"), (a_bar(95, 96, 94, 95), "95")):
        engine, order = an_engine(), Orders()
        engine.on_bar(a_bar(100, 101, 99, 100), 1)
        engine.submit(order("sell", "1", stop="97.5"), 2)
        assert said(engine.on_bar(bar, 3)) == ["triggered o1", f"filled o1 1@{price} taker"]


def test_stop_limit_that_a_gap_jumps_over_rests_until_the_bar_comes_back() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    engine.submit(order("sell", "1", "97", stop="98"), 2)
    assert said(engine.on_bar(a_bar(95, 96, 94, 95), 3)) == ["triggered o1"]
    assert said(engine.on_bar(a_bar(95, 98, 94, 95), 4)) == ["filled o1 1@97 maker"]


def test_nearer_extreme_comes_first() -> None:
    # open 100, high 101, low 95: the high is nearer, so the sell at 101 fills before the stop at 96 does
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "1", stop="96"), 2)
    engine.submit(order("sell", "1", "101"), 2)
    assert said(engine.on_bar(a_bar(100, 101, 95, 99), 3)) == [
        "filled o2 1@101 maker",
        "triggered o1",
        "filled o1 1@96 taker",
    ]
    # open 100, high 106, low 99: the low first; a stop-limit sell triggered there fills on the way up
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "1", "102", stop="99"), 2)
    assert said(engine.on_bar(a_bar(100, 106, 99, 105), 3)) == ["triggered o1", "filled o1 1@102 maker"]


def test_prices_on_one_way_are_met_in_their_order() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("buy", "1", "96"), 2)
    engine.submit(order("sell", "1", stop="97"), 2)
    engine.submit(order("buy", "1", "98"), 2)
    assert said(engine.on_bar(a_bar(100, 110, 95, 100), 3)) == [
        "filled o3 1@98 maker",
        "triggered o2",
        "filled o2 1@97 taker",
        "filled o1 1@96 maker",
    ]


@pytest.mark.parametrize(
    ("tif", "price", "last"),
    [
        ("ioc", "99", "expired o1 IOC"),
        ("fok", "99", "expired o1 FOK"),
        ("ioc", "100", "filled o1 1@100 taker"),
        ("fok", "100", "filled o1 1@100 taker"),
        ("ioc", None, "filled o1 1@100 taker"),
    ],
)
def test_immediate_orders_are_decided_at_the_open(tif: str, price: str | None, last: str) -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    assert said(engine.submit(order("buy", "1", price, tif=tif), 2)) == ["accepted o1"]
    assert said(engine.on_bar(a_bar(100, 101, 90, 100), 3)) == [last]


def test_post_only_between_bars_is_measured_at_the_last_close() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    assert said(engine.submit(order("buy", "1", "100.01", post_only=True), 2)) == ["rejected o1 WOULD_TAKE"]
    engine.submit(order("buy", "1", "100", post_only=True), 2)
    assert fills_in(engine.on_bar(a_bar(100.5, 101, 100, 100), 3)) == ["o2 1@100 maker"]


def test_market_buy_that_the_open_makes_too_dear_gets_what_the_money_buys() -> None:
    engine, order = an_engine(opening_balances={"USDT": D(1_000)}), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("buy", "10"), 2)
    assert said(engine.on_bar(a_bar(101, 101, 101, 101), 3)) == [
        "filled o1 9.9@101 taker",
        "expired o1 INSUFFICIENT_BALANCE",
    ]
    assert held(engine) == {"USDT": (D("0.1"), D(0)), "BTC": (D("9.9"), D(0))}


def test_longer_bars_of_the_same_market_say_nothing_new() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("buy", "1", "95"), 2)
    assert engine.on_bar(a_bar(100, 101, 90, 100, interval=60 * MINUTE), 3) == []
    assert fills_in(engine.on_bar(a_bar(100, 101, 90, 100), 4)) == ["o1 1@95 maker"]
