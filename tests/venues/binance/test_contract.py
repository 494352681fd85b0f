"""The same broker against two independent venues: the small local one, and the exchange process's server.

What both do must be the same; what only the exchange can do (match, lose, rename) is scripted by its faults.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.messages.account import AccountEvidence
from actors.messages.control import BrokerStarted
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    OutcomeUnknownReport,
    RejectReport,
    StatusReport,
)
from actors.venues.binance.broker import BinanceBroker
from daemon.exchange.faults import Fault
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import DEMO_KEY, DEMO_SECRET, PROFILES, ExchangeSettings, Synthetic
from tests.fakes.binance_server import API_KEY, SECRET, BinanceServer
from tests.venues.binance.broker_harness import (
    BTC,
    ID,
    PLACE,
    QUICK,
    a_broker,
    a_cancel,
    a_query,
    a_question,
    a_submit,
)
from tests.venues.binance.recorder import Recorder

IMPATIENT = msgspec.structs.replace(QUICK, answer_seconds=0.1)
Line = tuple[BinanceBroker, Recorder]


class Door(msgspec.Struct):
    """Where a venue listens, and who may come in."""

    rest_url: str
    trading_url: str
    key: str
    secret: str


@contextlib.asynccontextmanager
async def an_exchange(*faults: Fault) -> AsyncIterator[Door]:
    settings = ExchangeSettings(
        market=Synthetic(seed=1, rate=200.0), profile=PROFILES["fast"], history_hours=0.1
    )
    async with ExchangeServer(settings) as server:
        for fault in faults:
            server.services.faults.add(fault)
        address = f"127.0.0.1:{server.port}"
        yield Door(f"http://{address}", f"ws://{address}/ws-api/v3", DEMO_KEY, DEMO_SECRET)


@contextlib.asynccontextmanager
async def a_small_venue() -> AsyncIterator[Door]:
    async with BinanceServer() as server:
        yield Door(server.rest_url, server.trading_url, API_KEY, SECRET)


@contextlib.asynccontextmanager
async def a_line(door: Door) -> AsyncIterator[Line]:
    async with a_broker(door, settings=IMPATIENT, key=door.key, secret=door.secret) as line:
        yield line


@pytest.fixture(params=["small venue", "exchange"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    venue = a_small_venue() if request.param == "small venue" else an_exchange()
    async with venue as door, a_line(door) as opened:
        yield opened


def resting(number: int = 1) -> Any:
    return a_submit(number, price=Decimal("58000"), quantity=Decimal("0.01"))


def at_market(number: int = 1) -> Any:
    return a_submit(number, order_type="market", price=None, quantity=Decimal("0.01"))


async def test_an_order_rests_is_cancelled_and_cannot_be_cancelled_again(line: Line) -> None:
    broker, intake = line
    broker.submit(resting())
    accept = await intake.first(AcceptReport)
    broker.submit(a_cancel(accept.venue_order_id))
    cancelled = await intake.first(CancelReport)
    assert cancelled.client_order_id == ID
    assert cancelled.filled_quantity == 0
    broker.submit(a_cancel(accept.venue_order_id))
    assert (await intake.first(RejectReport)).code == "-2011"
    broker.submit(a_query(accept.venue_order_id))
    assert (await intake.first(StatusReport)).status == "cancelled"


async def test_an_id_that_is_open_already_is_a_question_not_a_refusal(line: Line) -> None:
    broker, intake = line
    broker.submit(resting())
    await intake.first(AcceptReport)
    broker.submit(resting())
    assert "Duplicate" in (await intake.first(OutcomeUnknownReport)).reason
    assert not intake.of(RejectReport)


async def test_questions_know_open_orders_and_unknown_ones(line: Line) -> None:
    broker, intake = line
    broker.submit(a_query())
    assert (await intake.first(StatusReport)).status == "not_found"
    broker.submit(resting())
    await intake.first(AcceptReport)
    broker.submit(a_query())
    assert (await intake.first(StatusReport, 2)).status == "accepted"
    broker.submit(a_question(BTCUSDT=""))
    evidence = await intake.first(AccountEvidence)
    assert evidence.orders is not None
    assert [order.client_order_id for order in evidence.orders.orders] == [ID]
    assert evidence.fills is not None
    assert (evidence.fills.fills, evidence.fills.read_to) == ((), {BTC: ""})
    assert evidence.balances is not None
    assert "USDT" in evidence.balances.total


@pytest.mark.parametrize("kind", ["accept_and_lose", "error_after"])
async def test_an_order_whose_answer_was_lost_is_found_with_its_fills(kind: Any) -> None:
    async with an_exchange(Fault(kind=kind, method=PLACE)) as door, a_line(door) as (broker, intake):
        broker.submit(at_market())
        await intake.first(OutcomeUnknownReport)
        broker.submit(a_query())
        status = await intake.first(StatusReport)
        assert (status.status, status.fills_complete) == ("filled", True)
        booked = {(fill.venue_order_id, fill.trade_id): fill.quantity for fill in intake.of(FillReport)}
        assert sum(booked.values()) == status.filled_quantity, "heard live or asked for, the key is the same"


@pytest.mark.parametrize("kind", ["lose_request", "error_before"])
async def test_an_order_that_never_arrived_is_not_found_and_not_sent_again(kind: Any) -> None:
    async with an_exchange(Fault(kind=kind, method=PLACE)) as door, a_line(door) as (broker, intake):
        broker.submit(resting())
        await intake.first(OutcomeUnknownReport)
        broker.submit(a_query())
        assert (await intake.first(StatusReport)).status == "not_found"
        broker.submit(a_question(BTCUSDT=""))
        evidence = await intake.first(AccountEvidence)
        assert evidence.orders is not None
        assert evidence.orders.orders == ()


async def test_fills_missed_with_the_line_are_in_the_next_statement() -> None:
    fault = Fault(kind="partial_fill_then_disconnect")
    async with an_exchange(fault) as door, a_line(door) as (broker, intake):
        broker.submit(at_market())
        await intake.first(BrokerStarted, 2)
        broker.submit(a_question(BTCUSDT=""))
        evidence = await intake.first(AccountEvidence)
        assert evidence.fills is not None
        assert evidence.fills.fills
        assert evidence.fills.read_to[BTC] == evidence.fills.fills[-1].trade_id
        heard = {fill.trade_id for fill in intake.of(FillReport)}
        assert heard <= {fill.trade_id for fill in evidence.fills.fills}


async def test_repeated_and_reordered_reports_make_each_fill_once() -> None:
    faults = Fault(kind="duplicate_report", count=3), Fault(kind="reorder_reports")
    async with an_exchange(*faults) as door, a_line(door) as (broker, intake):
        for number in (1, 2, 3):
            broker.submit(at_market(number))
        await intake.until(lambda: len({fill.client_order_id for fill in intake.of(FillReport)}) == 3)
        fills = [(fill.venue_order_id, fill.trade_id) for fill in intake.of(FillReport)]
        assert len(fills) == len(set(fills))


async def test_an_order_renamed_by_its_cancel_is_still_found_by_the_venues_id() -> None:
    fault = Fault(kind="rename_on_cancel", count=10)
    async with an_exchange(fault) as door, a_line(door) as (broker, intake):
        broker.submit(resting())
        accept = await intake.first(AcceptReport)
        broker.submit(a_cancel(accept.venue_order_id))
        assert (await intake.first(CancelReport)).client_order_id == ID
        broker.submit(a_query())
        status = await intake.first(StatusReport)
        assert status.status == "cancelled", "its id was learnt when it was placed"
