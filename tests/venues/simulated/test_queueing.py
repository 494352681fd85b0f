"""Where a resting order stands, and what trades and displayed sizes make of it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.venues.simulated.engine import MatchingEngine
from tests.venues.simulated.builders import (
    Orders,
    a_book,
    a_delta,
    a_market,
    a_quote,
    a_trade,
    an_engine,
    fills_in,
    restored,
)


def resting(queue: str, *, price: str = "99", size: float = 10, **changes: Any) -> MatchingEngine:
    """A buy of 3 rests while 99 shows this size."""
    engine = an_engine(market=a_market(queue=queue), **changes)
    engine.on_quote(a_quote(99, 101, sizes=(size, 5)), 1)
    engine.submit(Orders()("buy", "3", price), 2)
    return engine


def sells(engine: MatchingEngine, size: float, price: float = 99) -> list[str]:
    return fills_in(engine.on_trade(a_trade(price, size, aggressor="sell"), 3))


def test_front_of_the_queue_is_served_first() -> None:
    assert sells(resting("front"), 2) == ["o1 2@99 maker"]


@pytest.mark.parametrize("queue", ["back", "proportional"])
def test_trades_serve_those_before_us_first(queue: str) -> None:
    engine = resting(queue)
    assert sells(engine, 6) == []
    assert sells(engine, 5) == ["o1 1@99 maker"]  # 4 were left before us
    assert sells(engine, 9) == ["o1 2@99 maker"]


def test_what_leaves_without_a_trade_leaves_from_the_back_or_evenly() -> None:
    # 4 of 10 leave: from the back, all 10 before us become 6; evenly, too; then 10 join behind us
    for queue, left in (("back", 6), ("proportional", 6)):
        engine = resting(queue)
        engine.on_quote(a_quote(99, 101, sizes=(6, 5)), 3)
        engine.on_quote(a_quote(99, 101, sizes=(16, 5)), 3)
        # 8 of 16 leave: from the back they all stood behind us; evenly, half of those before us go
        engine.on_quote(a_quote(99, 101, sizes=(8, 5)), 3)
        ahead = engine.open_orders("a")[0].queue_ahead
        assert ahead == (left if queue == "back" else left / 2)


def test_trade_that_a_smaller_display_follows_is_not_counted_twice() -> None:
    engine = resting("proportional")
    sells(engine, 4)
    engine.on_quote(a_quote(99, 101, sizes=(6, 5)), 4)
    assert engine.open_orders("a")[0].queue_ahead == 6


def test_better_price_than_all_has_nobody_before_it() -> None:
    engine = resting("back", price="99.5")
    assert sells(engine, 1, 99.5) == ["o1 1@99.5 maker"]


def test_order_below_the_touch_joins_when_the_touch_comes_to_it() -> None:
    engine = resting("back", price="98")
    assert engine.open_orders("a")[0].queue_ahead is None
    engine.on_quote(a_quote(98, 101, sizes=(4, 5)), 3)
    assert sells(engine, 5, 98) == ["o1 1@98 maker"]


def test_level_that_empties_leaves_nobody_before_us() -> None:
    engine = resting("back")
    engine.on_quote(a_quote(98, 101, sizes=(4, 5)), 3)
    assert sells(engine, 1) == ["o1 1@99 maker"]


def test_trade_through_the_price_fills_whatever_stood_before() -> None:
    assert sells(resting("back"), 0.5, 98.99) == ["o1 3@99 maker"]


def test_book_shows_deeper_levels() -> None:
    engine = an_engine(market=a_market(queue="back"))
    engine.on_book_snapshot(a_book([(99, 10), (98, 4), (97, 1)], [(101, 5)]), 1)
    order = Orders()
    for price in ("98", "97.5", "96"):
        engine.submit(order("buy", "3", price), 2)
    assert [o.queue_ahead for o in engine.open_orders("a")] == [4, 0, None]
    engine.on_book_delta(a_delta(bids=[(98, 1)]), 3)
    assert engine.open_orders("a")[0].queue_ahead == 1


def test_our_orders_at_one_price_share_what_comes_to_the_level() -> None:
    engine, order = resting("back"), Orders()
    order.count = 1
    engine.submit(order("buy", "3", "99"), 2)
    assert sells(engine, 14) == ["o1 3@99 maker", "o2 1@99 maker"]


def test_share_of_trades_holds_besides_the_queue() -> None:
    engine = resting("back", fill_share_of_trade=0.1)
    assert sells(engine, 20) == ["o1 2@99 maker"]


def test_restored_order_keeps_its_place() -> None:
    engine = resting("back")
    sells(engine, 6)
    again = restored(engine, an_engine(market=a_market(queue="back")))
    assert sells(again, 5) == sells(engine, 5) == ["o1 1@99 maker"]
