"""Stops that follow the market."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages.orders import OrderTerms, SpecialTerms
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.reports import order_evidence
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_bar,
    a_quote,
    a_trade,
    an_engine,
    restored,
    said,
)

order = Orders()


def a_trail(side: str, trail: str, *, is_fraction: bool = False, **more: str) -> OrderTerms:
    figures: dict[str, Any] = {name: D(figure) for name, figure in more.items()}
    special = SpecialTerms(trail=D(trail), trail_is_fraction=is_fraction, **figures)
    order_type = "trailing_stop_limit" if "limit_offset" in more else "trailing_stop"
    return order(side, "1", order_type=order_type, special=special)


def stop_of(engine: MatchingEngine) -> Any:
    (waiting,) = engine.open_orders("a", BTC)
    return waiting.stop_price


def test_a_sale_follows_the_bid_up_and_never_down_and_sells_at_the_bid_that_reaches_it() -> None:
    engine = an_engine()
    engine.on_quote(a_quote(100, 101), 1)
    terms = a_trail("sell", "5")
    engine.submit(terms, 2)
    stops = []
    for bid in (100, 103, 99, 110, 106):
        engine.on_quote(a_quote(bid, bid + 1), 3)
        stops.append(stop_of(engine))
    assert stops == [95, 98, 98, 105, 105]
    name = terms.client_order_id
    assert said(engine.on_quote(a_quote(105, 106), 4)) == [f"triggered {name}", f"filled {name} 1@105 taker"]


def test_a_purchase_follows_the_ask_down_by_a_fraction_rounded_away_from_it() -> None:
    engine = an_engine()
    engine.on_quote(a_quote(99.99, 100), 1)
    terms = a_trail("buy", "0.0333", is_fraction=True)
    engine.submit(terms, 2)
    assert stop_of(engine) == D("103.33")
    engine.on_quote(a_quote(89.99, 90), 3)
    assert stop_of(engine) == D("93.00")  # 92.997, up to the tick
    assert said(engine.on_quote(a_quote(92.99, 93), 4))[0] == f"triggered {terms.client_order_id}"


def test_a_limit_goes_along_with_its_stop_and_rests_where_the_market_has_jumped_it() -> None:
    engine = an_engine()
    engine.on_quote(a_quote(100, 101), 1)
    terms = a_trail("sell", "5", trail_start="96", limit_offset="0.50")
    engine.submit(terms, 2)
    seen = []
    for bid in (100.5, 103, 99):
        engine.on_quote(a_quote(bid, bid + 1), 3)
        (waiting,) = engine.open_orders("a", BTC)
        seen.append((waiting.stop_price, waiting.price, order_evidence(waiting).price))
    high = D(98), D("97.5"), None
    assert seen == [(D(96), D("95.5"), None), high, high]
    engine = restored(engine, an_engine())
    name = terms.client_order_id
    assert said(engine.on_quote(a_quote(97, 98), 4)) == [f"triggered {name}"]
    assert said(engine.on_quote(a_quote(97.5, 98), 5)) == [f"filled {name} 1@97.5 maker"]


def test_a_purchase_with_a_limit_locks_the_limit_it_begins_with_and_begins_where_it_is_told() -> None:
    engine = an_engine()
    engine.on_quote(a_quote(100, 101), 1)
    terms = a_trail("buy", "0.05", is_fraction=True, trail_start="103", limit_offset="1")
    engine.submit(terms, 2)
    (waiting,) = engine.open_orders("a", BTC)
    assert (waiting.stop_price, waiting.price, waiting.lock_price) == (D(103), D(104), D(104))
    engine.on_quote(a_quote(89, 90), 3)
    assert (waiting.stop_price, waiting.price) == (D("94.5"), D("95.5"))
    name = terms.client_order_id
    assert said(engine.on_quote(a_quote(94, 95), 4)) == [f"triggered {name}", f"filled {name} 1@95 taker"]


def test_trades_move_it_where_they_are_recorded() -> None:
    engine = an_engine()
    engine.on_trade(a_trade(100, 1), 1)
    terms = a_trail("sell", "5")
    engine.submit(terms, 2)
    engine.on_trade(a_trade(108, 1), 3)
    assert stop_of(engine) == 103
    assert said(engine.on_trade(a_trade(103, 1), 4))[0] == f"triggered {terms.client_order_id}"


def test_a_bar_moves_it_only_when_it_is_over() -> None:
    engine = an_engine()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    terms = a_trail("sell", "5")
    engine.submit(terms, 2)
    assert said(engine.on_bar(a_bar(100, 120, 96, 118), 3)) == []
    assert stop_of(engine) == 115
    name = terms.client_order_id
    assert said(engine.on_bar(a_bar(118, 119, 110, 111), 4)) == [
        f"triggered {name}", f"filled {name} 1@115 taker",
    ]  # fmt: skip


def test_a_restart_keeps_where_it_stands_and_goes_on_following() -> None:
    engine = an_engine()
    engine.on_quote(a_quote(100, 101), 1)
    engine.submit(a_trail("sell", "5"), 2)
    engine.on_quote(a_quote(110, 111), 3)
    again = restored(engine, an_engine())
    assert stop_of(again) == 105
    again.on_quote(a_quote(120, 121), 4)
    assert stop_of(again) == 115


@pytest.mark.parametrize("known", [True, False])
def test_without_a_price_there_is_nothing_to_follow_and_it_is_not_changed_in_place(known: bool) -> None:
    engine = an_engine()
    if not known:
        assert said(engine.submit(a_trail("sell", "5"), 2))[0].endswith("BAD_TERMS")
        return
    engine.on_quote(a_quote(100, 101), 1)
    engine.submit(a_trail("sell", "5"), 2)
    answer = engine.replace("a", BTC, 3, venue_order_id="1", quantity=D(2), price=None)
    assert said(answer)[0].endswith("BAD_TERMS")
