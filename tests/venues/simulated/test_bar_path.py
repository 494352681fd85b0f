"""What a bar does to orders, by hand-worked figures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.simulated.builders import (
    MINUTE,
    D,
    Orders,
    a_bar,
    a_market,
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


def brackets(**rules: Any) -> list[str]:
    """A stop at 96 and a limit at 104 inside one bar, both open 2 away from its extremes."""
    engine, order = an_engine(market=a_market(**rules)), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "1", stop="96"), 2)
    engine.submit(order("sell", "1", "104"), 2)
    return fills_in(engine.on_bar(a_bar(100, 105, 94, 100), 3))


@pytest.mark.parametrize(
    ("path", "first"),
    [("adaptive", "o2"), ("ohlc", "o2"), ("olhc", "o1"), ("pessimistic", "o1")],
)
def test_path_decides_whether_stop_or_limit_comes_first(path: str, first: str) -> None:
    # the high, 5 away, is nearer to the open than the low, 6 away
    fills = {"o1": "o1 1@96 taker", "o2": "o2 1@104 maker"}
    assert brackets(path=path) == [fills.pop(first), *fills.values()]


def test_pessimistic_stop_limit_does_not_profit_from_the_bar_that_triggers_it() -> None:
    for path, expected in (("olhc", ["o1 1@102 maker"]), ("pessimistic", [])):
        engine, order = an_engine(market=a_market(path=path)), Orders()
        engine.on_bar(a_bar(100, 100, 100, 100), 1)
        engine.submit(order("sell", "1", "102", stop="99"), 2)
        assert fills_in(engine.on_bar(a_bar(100, 106, 99, 105), 3)) == expected


def test_two_reduce_only_orders_share_one_position() -> None:
    engine, order = an_engine(opening_balances={"BTC": D(1)}, market=a_market(path="pessimistic")), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "1", stop="96", reduce_only=True), 2)
    engine.submit(order("sell", "1", "104", reduce_only=True), 2)
    assert said(engine.on_bar(a_bar(100, 105, 94, 100), 3)) == [
        "triggered o1",
        "filled o1 1@96 taker",
        "expired o2 REDUCE_ONLY",
    ]
    assert held(engine) == {"BTC": (D(0), D(0)), "USDT": (D(96), D(0))}


def test_limit_that_needs_to_be_traded_through_does_not_fill_at_a_touch() -> None:
    engine, order = an_engine(market=a_market(limits="through")), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("buy", "1", "99"), 2)
    assert fills_in(engine.on_bar(a_bar(100, 101, 99, 100), 3)) == []
    assert fills_in(engine.on_bar(a_bar(99, 101, 99, 100), 4)) == []
    assert fills_in(engine.on_bar(a_bar(100, 101, 98.99, 100), 5)) == ["o1 1@99 maker"]


def test_share_of_the_volume_bounds_all_orders_of_a_bar_together() -> None:
    engine, order = an_engine(market=a_market(volume_share=0.25)), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("buy", "3"), 2)
    engine.submit(order("buy", "4", "99"), 2)
    # a quarter of 16 is 4: the market order takes 3 at the open, one is left for the limit order
    assert fills_in(engine.on_bar(a_bar(100.5, 101, 98, 100, volume=16), 3)) == [
        "o1 3@100.5 taker",
        "o2 1@99 maker",
    ]
    # a quarter of 10.01 is 2.5025, cut to whole lots
    assert fills_in(engine.on_bar(a_bar(100, 100, 98, 99.5, volume=10.01), 4)) == ["o2 2.502@99 maker"]
    assert engine.open_orders("a")[0].remaining == D("0.498")


def test_market_order_larger_than_its_share_goes_on_at_the_next_open_and_a_stop_waits_its_turn() -> None:
    engine, order = an_engine(market=a_market(volume_share=0.5)), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(order("sell", "3"), 2)
    engine.submit(order("sell", "1", stop="99"), 2)
    engine.submit(order("buy", "9", tif="fok"), 2)
    assert said(engine.on_bar(a_bar(100, 100, 98, 98, volume=4), 3)) == [
        "filled o1 2@100 taker",
        "expired o3 FOK",
        "triggered o2",
    ]
    assert fills_in(engine.on_bar(a_bar(97, 97, 97, 97, volume=9), 4)) == ["o1 1@97 taker", "o2 1@97 taker"]


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        ("next_bar", ["filled o1 2@100 taker"], ["filled o1 1@97 taker"]),
        ("cancel", ["filled o1 2@100 taker", "expired o1 IOC"], []),
        ("all_or_none", ["expired o1 FOK"], []),
    ],
)
def test_market_order_that_one_bar_does_not_fill_goes_on_or_ends(
    rule: str, first: list[str], second: list[str]
) -> None:
    engine = an_engine(market=a_market(volume_share=0.5, market_rest=rule))
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    engine.submit(Orders()("sell", "3"), 2)
    assert said(engine.on_bar(a_bar(100, 100, 98, 98, volume=4), 3)) == first
    assert said(engine.on_bar(a_bar(97, 97, 97, 97, volume=9), 4)) == second


def test_bar_without_volume_fills_nothing_once_volume_is_known() -> None:
    for rule, expected in (("skip", []), ("fill", ["triggered o2", "filled o2 1@95 taker"])):
        engine, order = an_engine(market=a_market(zero_volume=rule)), Orders()
        engine.on_bar(a_bar(100, 100, 100, 100, volume=0), 1)
        engine.submit(order("buy", "1"), 2)
        # so far no bar has had volume: nobody counts
        assert fills_in(engine.on_bar(a_bar(100, 100, 100, 100, volume=0), 3)) == ["o1 1@100 taker"]
        engine.on_bar(a_bar(100, 100, 100, 100, volume=3), 4)
        engine.submit(order("sell", "1", stop="96"), 5)
        assert said(engine.on_bar(a_bar(95, 95, 95, 95, volume=0), 6)) == expected


def test_market_order_may_take_the_close_of_the_bar_that_decided_it() -> None:
    rules = a_market(market_orders="same_close", volume_share=0.5, slippage={"bps": 5})
    engine, order = an_engine(market=rules), Orders()
    engine.on_bar(a_bar(100, 102, 99, 101, ts=1, volume=4), 1)
    # 101 × 1.0005 = 101.0505 → 101.06 against the buyer; half of the volume is 2
    assert said(engine.submit(order("buy", "3"), 2)) == ["accepted o1", "filled o1 2@101.06 taker"]
    # nothing is left of that bar for the next one
    assert said(engine.submit(order("sell", "1"), 2)) == ["accepted o2"]
    # a limit order waits for the next bar; 98 × 1.0005 = 98.049 → 98.05; 98 × 0.9995 = 97.951 → 97.95
    assert said(engine.submit(order("buy", "1", "120"), 2)) == ["accepted o3"]
    assert fills_in(engine.on_bar(a_bar(98, 98, 98, 98, ts=2, volume=20), 3)) == [
        "o1 1@98.05 taker",
        "o2 1@97.95 taker",
        "o3 1@98.05 taker",
    ]


def test_close_of_long_ago_is_no_price_for_a_market_order() -> None:
    engine, order = an_engine(market=a_market(market_orders="same_close")), Orders()
    engine.on_bar(a_bar(100, 102, 99, 101, ts=MINUTE), MINUTE)
    assert fills_in(engine.submit(order("buy", "1"), 2 * MINUTE - 1)) == ["o1 1@101 taker"]
    assert said(engine.submit(order("buy", "1"), 2 * MINUTE)) == ["accepted o2"]
    assert fills_in(engine.on_bar(a_bar(98, 98, 98, 98, ts=3 * MINUTE), 3 * MINUTE)) == ["o2 1@98 taker"]
