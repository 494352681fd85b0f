"""A market with hours: outside them nothing fills, and orders wait or are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from actors.errors import ConfigError
from actors.messages.market import InstrumentUpdate
from actors.venues.simulated.engine import MatchingEngine
from tests.venues.simulated.builders import (
    BTC,
    MINUTE,
    D,
    Orders,
    a_bar,
    a_market,
    a_quote,
    a_trade,
    an_engine,
    an_instrument,
    fills_in,
    restored,
    said,
)

NEW_YORK = {"opens": "09:30", "closes": "16:00", "zone": "America/New_York"}


def at(text: str) -> int:
    """`2025-03-07 09:30` in New York, as ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) * 10**9


def an_exchange(**hours: Any) -> MatchingEngine:
    return an_engine(market=a_market(hours=NEW_YORK | hours))


def test_quotes_outside_the_hours_fill_nothing_and_the_open_does() -> None:
    engine, order = an_exchange(), Orders()
    night = at("2025-03-07 08:00")
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), night)
    assert said(engine.submit(order("buy", "1"), night)) == ["accepted o1"]
    engine.submit(order("buy", "1", "98"), night)
    engine.submit(order("sell", "1", stop="97"), night)
    assert engine.on_quote(a_quote(95, 96, sizes=(9, 9)), night + 1) == []
    assert fills_in(engine.on_quote(a_quote(96, 97, sizes=(9, 9)), at("2025-03-07 09:30"))) == [
        "o1 1@97 taker",
        "o2 1@97 taker",
        "o3 1@96 taker",
    ]


def test_trades_after_the_close_trigger_and_fill_nothing() -> None:
    engine, order = an_exchange(), Orders()
    engine.on_trade(a_trade(100, 5), at("2025-03-07 15:00"))
    engine.submit(order("buy", "1", "99"), at("2025-03-07 15:01"))
    engine.submit(order("buy", "1", stop="101"), at("2025-03-07 15:01"))
    engine.on_trade(a_trade(100, 5), at("2025-03-07 15:02"))
    assert engine.on_trade(a_trade(98, 5), at("2025-03-07 16:00")) == []
    assert engine.on_trade(a_trade(102, 5), at("2025-03-07 17:00")) == []
    # Monday, after the clocks went forward: 09:30 is an hour earlier in UTC
    assert fills_in(engine.on_trade(a_trade(98, 5), at("2025-03-10 09:30"))) == ["o1 1@99 maker"]


def test_bars_count_when_any_of_them_is_inside_the_hours() -> None:
    engine, order = an_exchange(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), at("2025-03-07 09:00"))
    engine.submit(order("buy", "1"), at("2025-03-07 09:10"))
    early, first = at("2025-03-07 09:30"), at("2025-03-07 09:31")
    assert engine.on_bar(a_bar(101, 101, 101, 101, ts=early), early) == []
    assert fills_in(engine.on_bar(a_bar(102, 102, 102, 102, ts=first), first)) == ["o1 1@102 taker"]
    # a daily bar reaches over the night
    day = 1440 * MINUTE
    engine = an_exchange()
    friday, monday = at("2025-03-08 00:00"), at("2025-03-11 00:00")
    engine.on_bar(a_bar(100, 100, 100, 100, ts=friday, interval=day), friday)
    engine.submit(order("buy", "1"), friday)
    sunday = at("2025-03-10 00:00")
    assert engine.on_bar(a_bar(101, 101, 101, 101, ts=sunday, interval=day), sunday) == []
    assert fills_in(engine.on_bar(a_bar(102, 102, 102, 102, ts=monday, interval=day), monday)) == [
        "o2 1@102 taker"
    ]


def test_close_of_the_day_fills_what_was_decided_on_it() -> None:
    engine = an_engine(market=a_market(hours=NEW_YORK, market_orders="same_close"))
    close = at("2025-03-07 16:00")
    engine.on_bar(a_bar(100, 100, 100, 101, ts=close), close)
    assert fills_in(engine.submit(Orders()("buy", "1"), close + 1_000_000)) == ["o1 1@101 taker"]


def test_orders_outside_the_hours_are_refused_where_the_rule_says_so() -> None:
    engine, order = an_exchange(outside="reject"), Orders()
    night, day = at("2025-03-07 08:00"), at("2025-03-07 12:00")
    assert said(engine.submit(order("buy", "1", "99"), night)) == ["rejected o1 MARKET_CLOSED"]
    assert said(engine.submit(order("buy", "1", "99"), day)) == ["accepted o2"]


def test_halt_fills_nothing_until_it_ends() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), 1)
    engine.submit(order("buy", "1", "98"), 1)

    def halt(*, is_trading: bool) -> InstrumentUpdate:
        return InstrumentUpdate(ts_event=2, instrument=BTC, definition=an_instrument(), is_trading=is_trading)

    engine.on_instrument(halt(is_trading=False), 2)
    assert engine.on_quote(a_quote(96, 97, sizes=(9, 9)), 3) == []
    assert said(engine.submit(order("buy", "1"), 4)) == ["rejected o2 MARKET_CLOSED"]
    engine.on_instrument(halt(is_trading=True), 5)
    assert fills_in(engine.on_quote(a_quote(96, 97.5, sizes=(9, 9)), 6)) == ["o1 1@98 maker"]


def test_day_orders_end_with_the_day_of_the_hours_or_of_the_instrument() -> None:
    morning = at("2025-03-07 09:45")
    assert an_exchange().markets[BTC].hours.day_end(morning) == at("2025-03-07 16:00")
    own = an_instrument(calendar="new-york-0930-1600-without-holidays")
    assert an_engine(instrument=own).markets[BTC].hours.day_end(morning) == at("2025-03-07 16:00")
    midnight = 1_741_392_000 * 10**9  # 2025-03-08 00:00 UTC
    assert an_engine().markets[BTC].hours.day_end(morning) == midnight


def test_calendar_may_be_the_instruments_own() -> None:
    own = an_instrument(calendar="mumbai-0915-1530-without-holidays")
    engine = an_engine(instrument=own, market=a_market(hours={"calendar": "instrument", "outside": "reject"}))
    assert said(engine.submit(Orders()("buy", "1", "99"), at("2025-03-07 12:00"))) == [
        "rejected o1 MARKET_CLOSED"
    ]


def test_engine_restored_at_night_opens_alike() -> None:
    engine, order = an_exchange(), Orders()
    night, morning = at("2025-03-07 08:00"), at("2025-03-07 09:30")
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), night)
    engine.submit(order("buy", "1"), night)
    again = restored(engine, an_exchange())
    events = engine.on_quote(a_quote(96, 97, sizes=(9, 9)), morning)
    assert again.on_quote(a_quote(96, 97, sizes=(9, 9)), morning) == events
    assert engine.balances("a")["BTC"].total == D(101)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"opens": "09:30"}, "go together"),
        ({"opens": "9.30", "closes": "16:00"}, "no time of day"),
        ({"calendar": "mumbay"}, "there is no calendar"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        an_engine(market=a_market(hours=hours))


def test_day_orders_meet_the_bar_that_holds_the_end_of_their_day() -> None:
    engine, morning = an_exchange(), at("2025-03-07 10:00")
    hours = engine.markets[BTC].hours
    midnight_utc = 1_741_392_000 * 10**9  # the bar of 2025-03-07 ends with it
    assert hours.day_end(morning, 24 * 60 * MINUTE) == midnight_utc + 1
    assert hours.day_end(morning, MINUTE) == at("2025-03-07 16:00") + 1
    engine.on_bar(a_bar(100, 101, 99, 100), morning)
    assert engine.markets[BTC].bars_alone_ns == MINUTE
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), morning)
    assert engine.markets[BTC].bars_alone_ns == 0
