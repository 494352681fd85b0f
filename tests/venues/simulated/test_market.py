"""Resting orders against public trades and quotes, and a market known by its trades alone."""

from __future__ import annotations

import math

import pytest

from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_bar,
    a_market,
    a_quote,
    a_trade,
    an_engine,
    fills_in,
    said,
)


def test_trade_through_a_resting_order_fills_it_whole_at_its_own_price() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 101), 1)
    engine.submit(order("buy", "5", "99"), 2)
    engine.submit(order("sell", "5", "101"), 2)
    assert engine.on_trade(a_trade(99.5, 1), 3) == []
    assert fills_in(engine.on_trade(a_trade(98.99, 0.001), 4)) == ["o1 5@99 maker"]
    assert fills_in(engine.on_trade(a_trade(101.01, 0.001), 5)) == ["o2 5@101 maker"]


def test_trade_at_a_resting_price_is_shared_in_order_of_time() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_quote(a_quote(98, 101), 1)
    engine.submit(order("buy", "2", "99"), 2)
    engine.submit(order("buy", "2", "99", account="b"), 3)
    assert fills_in(engine.on_trade(a_trade(99, 3), 4)) == ["o1 2@99 maker", "o2 1@99 maker"]


def test_share_of_a_trade_bounds_what_resting_orders_get_of_it() -> None:
    engine, order = an_engine(fill_share_of_trade=0.25), Orders()
    engine.on_quote(a_quote(98, 101), 1)
    engine.submit(order("buy", "1", "99"), 2)
    engine.submit(order("buy", "9", "99"), 2)
    assert fills_in(engine.on_trade(a_trade(99, 8), 3)) == ["o1 1@99 maker", "o2 1@99 maker"]


@pytest.mark.parametrize(("aggressor", "filled"), [("buy", []), ("sell", ["o1 1@99 maker"])])
def test_trade_at_our_bid_counts_only_if_the_seller_was_the_aggressor(
    aggressor: str, filled: list[str]
) -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(98, 101), 1)
    engine.submit(order("buy", "1", "99"), 2)
    assert fills_in(engine.on_trade(a_trade(99, 8, aggressor=aggressor), 3)) == filled


def test_opposite_quote_that_reaches_a_resting_order_fills_it_at_its_price_and_size() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(98, 101), 1)
    engine.submit(order("buy", "2", "99"), 2)
    assert engine.on_quote(a_quote(98, 99.01), 3) == []
    assert fills_in(engine.on_quote(a_quote(98, 98.5, sizes=(1, 1.5)), 4)) == ["o1 1.5@99 maker"]
    assert engine.on_quote(a_quote(97, 98.5, sizes=(1, 1.5)), 5) == []
    assert fills_in(engine.on_quote(a_quote(97, 99, sizes=(1, 1.5)), 6)) == ["o1 0.5@99 maker"]


def test_price_off_the_grid_by_float_noise_still_meets_an_order_on_it() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(0.1, 1.0), 1)
    engine.submit(order("sell", "20", "0.3"), 2)
    assert fills_in(engine.on_quote(a_quote(0.1 + 0.2, 1.0, sizes=(20, 1)), 3)) == ["o1 20@0.3 maker"]
    engine.submit(order("buy", "20", "0.29"), 4)
    assert engine.on_trade(a_trade(math.nextafter(0.29, 1), 0.0), 5) == []
    assert fills_in(engine.on_trade(a_trade(math.nextafter(0.29, 1), 20.0), 5)) == ["o2 20@0.29 maker"]


@pytest.mark.parametrize("price", [math.nan, math.inf, -1.0, 0.0])
def test_impossible_prices_change_nothing(price: float) -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("buy", "1", "99"), 1)
    assert engine.on_trade(a_trade(price, 1.0), 2) == []
    assert engine.on_quote(a_quote(price, price), 3) == []
    assert engine.submit(order("buy", "1"), 4)[1:] == []


def test_known_by_trades_alone_an_order_takes_of_the_next_trade() -> None:
    engine, order = an_engine(), Orders()
    engine.on_trade(a_trade(100, 1), 1)
    assert said(engine.submit(order("buy", "3"), 2)) == ["accepted o1"]
    assert said(engine.submit(order("buy", "1", "99"), 2)) == ["accepted o2"]
    assert said(engine.submit(order("buy", "9", "105", tif="ioc"), 2)) == ["accepted o3"]
    assert said(engine.on_trade(a_trade(101, 4), 3)) == [
        "filled o1 3@101 taker",
        "filled o3 1@101 taker",
        "expired o3 IOC",
    ]
    assert said(engine.on_trade(a_trade(98, 1), 4)) == ["filled o2 1@99 maker"]


def test_known_by_trades_alone_a_stop_takes_of_the_trade_that_reaches_it() -> None:
    engine, order = an_engine(), Orders()
    engine.on_trade(a_trade(100, 1), 1)
    engine.submit(order("sell", "3", stop="95"), 2)
    assert said(engine.on_trade(a_trade(94, 2), 3)) == ["triggered o1", "filled o1 2@94 taker"]
    assert said(engine.on_trade(a_trade(93, 2), 4)) == ["filled o1 1@93 taker"]


def test_queued_order_can_be_cancelled_and_changed() -> None:
    engine, order = an_engine(), Orders()
    engine.on_trade(a_trade(100, 1), 1)
    engine.submit(order("buy", "3", "99"), 2)
    engine.submit(order("buy", "3", "99"), 2)
    engine.replace("a", BTC, 3, venue_order_id="1", quantity=D(1), price=D(101))
    engine.cancel("a", BTC, 4, client_order_id="o2")
    assert said(engine.on_trade(a_trade(100, 5), 5)) == ["filled o1 1@100 taker"]


def test_bars_are_passed_over_where_finer_data_come() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("buy", "1", "95"), 2)
    assert engine.on_bar(a_bar(100, 101, 90, 95), 3) == []


def test_quotes_may_fill_any_size_and_need_not_name_one() -> None:
    engine, order = an_engine(market=a_market(sizes="unlimited")), Orders()
    engine.on_quote(a_quote(99, 101, sizes=(0, 0)), 1)
    assert fills_in(engine.submit(order("buy", "7"), 2)) == ["o1 7@101 taker"]
    assert fills_in(engine.submit(order("sell", "9"), 2)) == ["o2 9@99 taker"]
    engine.submit(order("buy", "5", "98"), 3)
    assert fills_in(engine.on_quote(a_quote(96, 97, sizes=(0, 0)), 4)) == ["o3 5@98 maker"]
