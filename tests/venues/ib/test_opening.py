"""A closed exchange: which orders leave, what the core is told, and how the hours stay fresh."""

from __future__ import annotations

import time

import msgspec
import pytest

from actors.messages.market import InstrumentUpdate
from actors.messages.orders import AcceptReport, NotSent
from actors.venues.ib.contracts import Listed
from actors.venues.ib.hours import Hours, parse_hours
from actors.venues.ib.opening import OpeningTimes, why_closed
from actors.venues.ib.orders import Known
from daemon.edges import Subscription
from tests.venues.ib.rig import AAPL, D, Rig, feeding, instrument_of, rig, trading
from tests.venues.ib.test_hours import ns

EXTENDED = parse_hours(
    "20261120:0400-20261120:2000;20261121:CLOSED;20261123:0400-20261123:2000", "US/Eastern"
)
REGULAR = parse_hours("20261120:0930-20261120:1600;20261121:CLOSED;20261123:0930-20261123:1600", "US/Eastern")
BEFORE = ns("2026-11-20 10:00")  # 05:00 in New York
DURING = ns("2026-11-20 15:00")
SATURDAY = ns("2026-11-21 15:00")
OF_NO_DAY = ("0000", "0001")


def listed(rigged: Rig, hours: Hours = EXTENDED, regular: Hours = REGULAR) -> Listed:
    return Listed(
        instrument=instrument_of(rigged, "AAPL"), contract=None, hours=hours, regular=regular,
        what_to_show="TRADES",
    )  # fmt: skip


def known(order_type: str, tif: str, *, outside: bool = False, parent: int = 0) -> Known:
    return Known(
        client_order_id="T", instrument=AAPL, side="buy", order_type=order_type, time_in_force=tif,
        quantity=D(1), limit_price=None, stop_price=None, outside_hours=outside, parent_id=parent,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "before", "saturday"),
    [
        (known("MKT", "GTC"), True, True),
        (known("MKT", "DAY"), True, True),
        (known("LMT", "DAY"), True, True),
        (known("LMT", "IOC"), True, True),
        (known("LMT", "FOK", outside=True), False, True),
        (known("LMT", "DAY", outside=True), False, False),
        (known("LMT", "GTC"), False, False),
        (known("STP", "GTD"), False, False),
        (known("MKT", "OPG"), False, False),
        (known("MOC", "DAY"), False, False),
        (known("STP", "DAY", parent=7), False, False),
    ],
)
async def test_what_could_not_work_while_it_is_closed_is_held_back(
    order: Known, before: bool, saturday: bool
) -> None:
    async with rig() as rigged:
        apple = listed(rigged)
    assert why_closed(order, apple, DURING) is None
    assert (why_closed(order, apple, BEFORE) is not None) is before
    assert (why_closed(order, apple, SATURDAY) is not None) is saturday


async def test_the_reason_says_when_it_opens() -> None:
    async with rig() as rigged:
        apple = listed(rigged)
    order = known("MKT", "DAY")
    assert why_closed(order, apple, SATURDAY) == f"EXCHANGE_CLOSED: {AAPL} opens 2026-11-23 14:30 UTC"
    never = parse_hours("20261121:CLOSED", "US/Eastern")
    assert "has not told" in (why_closed(order, listed(rigged, never, never), SATURDAY) or "")


@pytest.mark.slow
async def test_a_market_order_is_not_sent_to_a_closed_exchange_and_a_resting_one_is() -> None:
    async with trading(hours=OF_NO_DAY) as rigged:
        refused = rigged.submit()
        rests = rigged.submit(price="1")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        assert [each.client_order_id for each in rigged.told.all(AcceptReport)] == [rests]
        (report,) = rigged.told.all(NotSent)
        assert (report.client_order_id, report.reason[:24]) == (refused, f"EXCHANGE_CLOSED: {AAPL}")


async def test_the_core_is_told_when_trading_begins_and_ends_and_nothing_twice() -> None:
    async with rig() as rigged:
        apple = listed(rigged)
        clock = iter((0, BEFORE, DURING, SATURDAY, SATURDAY, ns("2026-11-23 15:00")))
        times = OpeningTimes(rigged.directory, rigged.told, lambda: next(clock))
        for _ in range(5):
            times.tell(apple)
        assert [each.is_trading for each in rigged.told.all(InstrumentUpdate)] == [True, False, True]


@pytest.mark.slow
async def test_hours_are_asked_anew_every_day_of_the_contract_that_is_known() -> None:
    async with trading() as rigged:
        now = time.time_ns()
        times = OpeningTimes(rigged.directory, rigged.told, lambda: now)
        (apple,) = await rigged.directory.find(["AAPL"])
        times.tell(apple)
        assert apple.hours.is_open(now)
        catalogue = rigged.tws.catalogue
        catalogue.all = tuple(msgspec.structs.replace(each, hours=OF_NO_DAY) for each in catalogue.all)
        catalogue.by_id = {each.con_id: each for each in catalogue.all}
        await times.look()
        assert rigged.told.all(InstrumentUpdate)[-1].is_trading
        now += 24 * 3_600 * 10**9
        await times.look()
        assert rigged.directory.of("AAPL") is not apple
        assert not rigged.told.all(InstrumentUpdate)[-1].is_trading


@pytest.mark.slow
async def test_a_feed_tells_whether_its_instruments_trade() -> None:
    async with rig(hours=OF_NO_DAY) as rigged, feeding(Subscription(instrument=AAPL), rigged=rigged):
        await rigged.told.until(lambda: rigged.told.all(InstrumentUpdate))
        assert not rigged.told.all(InstrumentUpdate)[0].is_trading
