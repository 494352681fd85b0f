"""Order types and times in force against quotes and books, by hand-worked figures."""

from __future__ import annotations

from tests.venues.simulated.builders import (
    D,
    Orders,
    a_book,
    a_quote,
    an_engine,
    fills_in,
    held,
    said,
    totals,
)


def test_market_order_takes_the_touch_and_goes_on_with_the_next_update() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(5, 2)), 1)
    assert said(engine.submit(order("buy", "3"), 2)) == ["accepted o1", "filled o1 2@100 taker"]
    assert engine.on_quote(a_quote(98, 100, sizes=(5, 2)), 3) == []  # this ask was taken already
    assert said(engine.on_quote(a_quote(98, 101, sizes=(5, 9)), 4)) == ["filled o1 1@101 taker"]
    assert held(engine) == {"USDT": (D(100_000) - 301, D(0)), "BTC": (D(103), D(0))}


def test_limit_order_takes_what_is_displayed_and_rests_with_the_rest() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(5, 2)), 1)
    assert said(engine.submit(order("buy", "3", "100"), 2)) == ["accepted o1", "filled o1 2@100 taker"]
    assert held(engine)["USDT"] == (D(99_700), D(100))
    assert said(engine.on_quote(a_quote(99, 100, sizes=(5, 4)), 3)) == ["filled o1 1@100 maker"]
    assert held(engine)["USDT"] == (D(99_700), D(0))


def test_displayed_size_is_taken_once_until_it_changes() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(5, 2)), 1)
    assert fills_in(engine.submit(order("buy", "2"), 2)) == ["o1 2@100 taker"]
    assert said(engine.submit(order("buy", "1", tif="ioc"), 3)) == ["accepted o2", "expired o2 IOC"]
    engine.on_quote(a_quote(98, 100, sizes=(7, 2)), 4)
    assert fills_in(engine.submit(order("buy", "1", tif="ioc"), 5)) == []
    engine.on_quote(a_quote(98, 100, sizes=(7, 3)), 6)
    engine.on_quote(a_quote(98, 100, sizes=(7, 2)), 7)
    assert fills_in(engine.submit(order("buy", "1", tif="ioc"), 8)) == ["o4 1@100 taker"]


def test_book_is_walked_level_by_level() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(99, 1), (98, 5)], [(100, 1), (101, 2), (103, 4)]), 1)
    assert fills_in(engine.submit(order("buy", "4", "102"), 2)) == ["o1 1@100 taker", "o1 2@101 taker"]
    assert held(engine)["USDT"] == (D(100_000) - 302 - 102, D(102))


def test_self_trade_prevention_expires_the_resting_order() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(90, 110), 1)
    engine.submit(order("buy", "1", "100"), 2)
    assert said(engine.submit(order("sell", "1", "95"), 3)) == [
        "accepted o2",
        "expired o1 SELF_TRADE_PREVENTION",
    ]
    assert [o.client_order_id for o in engine.open_orders("a")] == ["o2"]


def test_without_prevention_an_account_trades_with_itself() -> None:
    engine, order = an_engine(self_trade_prevention="NONE"), Orders()
    engine.on_quote(a_quote(90, 110), 1)
    engine.submit(order("buy", "1", "100"), 2)
    assert fills_in(engine.submit(order("sell", "1", "95"), 3)) == ["o2 1@100 taker", "o1 1@100 maker"]
    assert totals(engine, ["a"]) == {"USDT": D(100_000), "BTC": D(100)}
