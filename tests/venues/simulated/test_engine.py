"""Order types and times in force against quotes and books, by hand-worked figures."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages.market import InstrumentUpdate
from actors.venues.simulated.events import Rejected, Replaced
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_book,
    a_delta,
    a_quote,
    a_trade,
    an_engine,
    an_instrument,
    fills_in,
    held,
    said,
    totals,
)

# market and limit orders


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


def test_book_delta_refills_only_the_levels_it_names() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(99, 1)], [(100, 1), (101, 2)]), 1)
    engine.submit(order("buy", "3"), 2)
    engine.on_book_delta(a_delta(asks=[(101, 5), (102, 1)]), 3)
    assert fills_in(engine.submit(order("buy", "6"), 4)) == ["o2 5@101 taker", "o2 1@102 taker"]


def test_delta_before_any_snapshot_says_nothing() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_delta(a_delta(asks=[(100, 5)]), 1)
    assert said(engine.submit(order("buy", "1", tif="ioc"), 2)) == ["accepted o1", "expired o1 IOC"]


def test_quote_newer_than_the_book_moves_its_touch() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(99, 1), (98, 5)], [(100, 1), (101, 2)]), 1)
    engine.on_quote(a_quote(98, 101, sizes=(5, 3)), 2)
    assert fills_in(engine.submit(order("buy", "3"), 3)) == ["o1 3@101 taker"]


def test_delta_older_than_the_quote_leaves_the_touch_alone() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(99.0, 1.0)], [(100.0, 1.0), (101.0, 2.0)]), 1)
    engine.on_quote(a_quote(98, 101, sizes=(5, 3), ts=20), 2)
    engine.on_book_delta(a_delta(bids=[(99.0, 7.0)], asks=[(100.0, 9.0), (102.0, 4.0)], ts=10), 3)
    assert fills_in(engine.submit(order("buy", "4"), 4)) == ["o1 3@101 taker", "o1 1@102 taker"]
    assert fills_in(engine.submit(order("sell", "1"), 4)) == ["o2 1@98 taker"]
    engine.on_book_delta(a_delta(asks=[(100.0, 9.0)], ts=21), 5)
    assert fills_in(engine.submit(order("buy", "1"), 6)) == ["o3 1@100 taker"]


@pytest.mark.parametrize(
    ("tif", "price", "expected"),
    [
        ("ioc", "100", ["accepted o1", "filled o1 2@100 taker", "expired o1 IOC"]),
        ("ioc", "99", ["accepted o1", "expired o1 IOC"]),
        ("fok", "100", ["accepted o1", "expired o1 FOK"]),
        ("fok", "101", ["accepted o1", "filled o1 2@100 taker", "filled o1 1@101 taker"]),
        ("ioc", None, ["accepted o1", "filled o1 2@100 taker", "filled o1 1@101 taker"]),
        ("fok", None, ["accepted o1", "filled o1 2@100 taker", "filled o1 1@101 taker"]),
        ("day", "100", ["accepted o1", "filled o1 2@100 taker"]),
        ("gtc", "99", ["accepted o1"]),
    ],
)
def test_time_in_force_decides_what_becomes_of_the_rest(tif: str, price: Any, expected: list[str]) -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(98, 9)], [(100, 2), (101, 2)]), 1)
    assert said(engine.submit(order("buy", "3", price, tif=tif), 2)) == expected


def test_fill_or_kill_beyond_all_that_is_known_takes_nothing() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(98, 9)], [(100, 2), (101, 2)]), 1)
    assert said(engine.submit(order("buy", "4.001", tif="fok"), 2)) == ["accepted o1", "expired o1 FOK"]
    assert fills_in(engine.submit(order("buy", "4", tif="fok"), 3)) == ["o2 2@100 taker", "o2 2@101 taker"]


def test_fill_or_kill_counts_resting_orders_but_not_those_self_trade_prevention_would_end() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_quote(a_quote(90, 110), 1)
    engine.submit(order("sell", "1", "100"), 2)
    engine.submit(order("sell", "1", "100", account="b"), 2)
    assert said(engine.submit(order("buy", "2", "100", tif="fok"), 3)) == ["accepted o3", "expired o3 FOK"]
    assert len(engine.open_orders("a")) == 1
    assert fills_in(engine.submit(order("buy", "2", "100", tif="fok", account="b"), 4)) == []
    assert fills_in(engine.submit(order("buy", "1", "100", tif="fok", account="b"), 5)) == [
        "o5 1@100 taker",
        "o1 1@100 maker",
    ]


def test_market_order_without_any_market_waits_for_one() -> None:
    engine, order = an_engine(), Orders()
    assert said(engine.submit(order("buy", "1"), 1)) == ["accepted o1"]
    assert said(engine.on_quote(a_quote(99, 100), 2)) == ["filled o1 1@100 taker"]


# post-only, reduce-only


def test_post_only_rests_or_is_refused_and_never_takes() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(5, 2)), 1)
    assert said(engine.submit(order("buy", "1", "100", post_only=True), 2)) == ["rejected o1 WOULD_TAKE"]
    assert said(engine.submit(order("buy", "1", "99.99", post_only=True), 2)) == ["accepted o2"]
    assert said(engine.submit(order("sell", "1", "99.99", post_only=True), 2)) == ["rejected o3 WOULD_TAKE"]
    assert said(engine.submit(order("sell", "1", "100", post_only=True), 2)) == ["accepted o4"]


def test_reduce_only_sells_what_is_held_and_never_buys() -> None:
    engine, order = an_engine(opening_balances={"USDT": D(1000), "BTC": D(1)}), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    assert said(engine.submit(order("buy", "1", reduce_only=True), 2)) == ["rejected o1 REDUCE_ONLY"]
    too_much = engine.submit(order("sell", "1.001", reduce_only=True), 2)
    assert said(too_much) == ["rejected o2 INSUFFICIENT_BALANCE"]
    assert fills_in(engine.submit(order("sell", "1", reduce_only=True), 2)) == ["o3 1@99 taker"]


# stops


def test_stop_triggers_at_the_trade_that_reaches_it() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.on_trade(a_trade(99.5, 1), 1)
    assert said(engine.submit(order("sell", "1", stop="98"), 2)) == ["accepted o1"]
    assert engine.on_quote(a_quote(97, 99), 3) == []
    assert engine.on_trade(a_trade(98.01, 1), 4) == []
    assert said(engine.on_trade(a_trade(98, 1), 5)) == ["triggered o1", "filled o1 1@97 taker"]


def test_stop_without_public_trades_triggers_by_the_side_it_would_take() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("buy", "1", stop="102"), 2)
    assert engine.on_quote(a_quote(101, 101.99), 3) == []
    assert said(engine.on_quote(a_quote(101, 105), 4)) == ["triggered o1", "filled o1 1@105 taker"]


def test_stop_limit_rests_where_the_market_has_jumped_over_its_limit() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("sell", "1", "97", stop="98"), 2)
    assert said(engine.on_quote(a_quote(95, 96), 3)) == ["triggered o1"]
    assert held(engine)["BTC"] == (D(99), D(1))
    assert said(engine.on_quote(a_quote(97.5, 98), 4)) == ["filled o1 1@97 maker"]


def test_stop_already_reached_works_at_once() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    assert said(engine.submit(order("sell", "1", stop="99.5"), 2)) == [
        "accepted o1",
        "triggered o1",
        "filled o1 1@99 taker",
    ]


def test_own_executions_trigger_stops_too() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_book_snapshot(a_book([(99, 1), (90, 9)], [(100, 1), (101, 9)]), 1)
    engine.submit(order("sell", "1", stop="90", account="b"), 2)
    assert said(engine.submit(order("sell", "2"), 3)) == [
        "accepted o2",
        "filled o2 1@99 taker",
        "filled o2 1@90 taker",
        "triggered o1",
        "filled o1 1@90 taker",
    ]


@pytest.mark.parametrize(
    ("tif", "after"), [("ioc", ["expired o1 IOC"]), ("fok", ["expired o1 FOK"]), ("gtc", []), ("day", [])]
)
def test_time_in_force_of_a_stop_counts_from_its_trigger(tif: str, after: list[str]) -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    assert said(engine.submit(order("sell", "1", "97", stop="98", tif=tif), 2)) == ["accepted o1"]
    assert said(engine.on_quote(a_quote(95, 96), 3)) == ["triggered o1", *after]


# our orders among themselves


def test_better_price_then_earlier_order_goes_first() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_quote(a_quote(90, 110), 1)
    for price in ("100", "101", "100"):
        engine.submit(order("buy", "1", price), 2)
    assert fills_in(engine.submit(order("sell", "3", "95", account="b"), 3)) == [
        "o4 1@101 taker",
        "o2 1@101 maker",
        "o4 1@100 taker",
        "o1 1@100 maker",
        "o4 1@100 taker",
        "o3 1@100 maker",
    ]
    assert engine.fills("a")[0].trade_id == engine.fills("b")[0].trade_id


def test_recorded_market_goes_before_our_orders_at_one_price_and_behind_at_a_worse_one() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_quote(a_quote(99, 110, sizes=(1, 1)), 1)
    engine.submit(order("buy", "1", "99"), 2)
    engine.submit(order("buy", "1", "99.5"), 2)
    assert fills_in(engine.submit(order("sell", "3", account="b"), 3)) == [
        "o3 1@99.5 taker",
        "o2 1@99.5 maker",
        "o3 1@99 taker",
        "o3 1@99 taker",
        "o1 1@99 maker",
    ]


def test_order_of_ours_behind_the_displayed_market_is_out_of_reach() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.on_quote(a_quote(99, 110, sizes=(1, 1)), 1)
    engine.submit(order("buy", "1", "50"), 2)
    assert fills_in(engine.submit(order("sell", "2", account="b"), 3)) == ["o2 1@99 taker"]


def test_orders_meet_each_other_where_no_market_is_recorded() -> None:
    engine, order = an_engine(accounts=("a", "b")), Orders()
    engine.submit(order("buy", "2", "100"), 1)
    assert fills_in(engine.submit(order("sell", "3", account="b"), 2)) == ["o2 2@100 taker", "o1 2@100 maker"]
    assert fills_in(engine.submit(order("buy", "1", "101"), 3)) == []


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


# cancel, replace, end of day


def test_cancel_frees_what_was_locked_and_a_second_one_is_refused() -> None:
    engine, order = an_engine(), Orders()
    engine.submit(order("buy", "1", "100"), 1)
    assert held(engine)["USDT"] == (D(99_900), D(100))
    assert said(engine.cancel("a", BTC, 2, client_order_id="o1")) == ["cancelled o1"]
    assert held(engine)["USDT"] == (D(100_000), D(0))
    assert said(engine.cancel("a", BTC, 3, venue_order_id="1")) == ["rejected  UNKNOWN_ORDER"]


@pytest.mark.parametrize("ids", [{"venue_order_id": "2"}, {"client_order_id": "o1", "venue_order_id": "9"}])
def test_cancel_of_what_is_not_there_is_refused(ids: dict[str, str]) -> None:
    engine, order = an_engine(), Orders()
    engine.submit(order("buy", "1", "100"), 1)
    [refused] = engine.cancel("a", BTC, 2, **ids)
    assert isinstance(refused, Rejected)
    assert refused.code == "UNKNOWN_ORDER"
    assert len(engine.open_orders("a")) == 1


def test_replace_to_less_keeps_the_place_in_the_queue_and_to_more_loses_it() -> None:
    for quantity, first in (("1", "o1"), ("3", "o2")):
        engine, order = an_engine(accounts=("a", "b")), Orders()
        engine.on_quote(a_quote(90, 110), 1)
        engine.submit(order("buy", "2", "100"), 1)
        engine.submit(order("buy", "2", "100"), 1)
        [change] = engine.replace("a", BTC, 2, venue_order_id="1", quantity=D(quantity), price=D(100))
        assert isinstance(change, Replaced)
        assert fills_in(engine.submit(order("sell", "1", "100", account="b"), 3))[1] == f"{first} 1@100 maker"


def test_replace_through_the_market_takes_at_once() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("buy", "1", "95"), 1)
    events = engine.replace("a", BTC, 2, venue_order_id="1", quantity=D(1), price=D(101))
    assert said(events) == ["replaced o1", "filled o1 1@100 taker"]


def test_replace_is_refused_below_what_is_filled_and_beyond_the_money() -> None:
    engine, order = an_engine(opening_balances={"USDT": D(1_000)}), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(1, 1)), 1)
    engine.submit(order("buy", "2", "100"), 1)
    small = engine.replace("a", BTC, 2, venue_order_id="1", quantity=D(1), price=D(100))
    assert said(small) == ["rejected o1 BAD_TERMS"]
    dear = engine.replace("a", BTC, 2, venue_order_id="1", quantity=D("10.001"), price=D(100))
    assert said(dear) == ["rejected o1 INSUFFICIENT_BALANCE"]
    assert said(engine.replace("a", BTC, 2, venue_order_id="1", quantity=D(10), price=D(100))) == [
        "replaced o1"
    ]
    assert held(engine)["USDT"] == (D(0), D(900))


def test_end_of_day_expires_day_orders_only() -> None:
    engine, order = an_engine(), Orders()
    engine.submit(order("buy", "1", "100", tif="day"), 1)
    engine.submit(order("buy", "1", "100"), 1)
    engine.submit(order("sell", "1", stop="50", tif="day"), 1)
    assert said(engine.end_day(BTC, 2)) == ["expired o1 DAY", "expired o3 DAY"]
    assert held(engine)["USDT"] == (D(99_900), D(100))


# what may be sent when


def test_client_id_of_an_open_order_is_refused_and_free_again_once_it_closed() -> None:
    engine, order = an_engine(), Orders()
    engine.submit(order("buy", "1", "100", client_order_id="x"), 1)
    again = order("buy", "1", "100", client_order_id="x")
    assert said(engine.submit(again, 2)) == ["rejected x DUPLICATE_ORDER"]
    engine.cancel("a", BTC, 3, client_order_id="x")
    assert said(engine.submit(again, 4)) == ["accepted x"]
    found = engine.find_order("a", client_order_id="x")
    assert found is not None
    assert found.venue_order_id == "2"


def test_instrument_that_does_not_trade_takes_no_order_but_lets_them_go() -> None:
    engine, order = an_engine(), Orders()
    engine.submit(order("buy", "1", "100"), 1)
    closed = InstrumentUpdate(ts_event=0, instrument=BTC, definition=an_instrument(), is_trading=False)
    engine.on_instrument(closed, 2)
    assert said(engine.submit(order("buy", "1", "100"), 3)) == ["rejected o2 MARKET_CLOSED"]
    assert said(engine.cancel("a", BTC, 4, client_order_id="o1")) == ["cancelled o1"]


def test_new_steps_keep_the_displayed_market_and_what_was_taken_of_it() -> None:
    engine, order = an_engine(), Orders()
    engine.on_book_snapshot(a_book([(99, 1)], [(100, 1), (101, 1)]), 1)
    engine.submit(order("buy", "1"), 2)
    finer = an_instrument(tick_size=D("0.001"))
    update = InstrumentUpdate(ts_event=0, instrument=BTC, definition=finer, is_trading=True)
    engine.on_instrument(update, 3)
    assert fills_in(engine.submit(order("buy", "1", "101.001"), 4)) == ["o2 1@101 taker"]
