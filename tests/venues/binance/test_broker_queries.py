"""What a broker answers to questions: all of it, or nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages.account import AccountEvidence
from actors.messages.orders import (
    AcceptReport,
    FillReport,
    Report,
    StatusReport,
)
from tests.fakes.binance_server import BinanceServer, Refused
from tests.venues.binance.broker_harness import (
    BTC,
    ID,
    PLACE,
    a_broker,
    a_query,
    a_question,
    a_submit,
)


async def test_a_query_gives_the_fills_and_then_the_status(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.script[PLACE].append("lose")
        broker.submit(a_submit())
        await server.until(lambda: len(server.orders) == 1)
        await server.fill(server.orders[0], "0.004", "60000.00", tell=False)
        broker.submit(a_query())
        status = await intake.first(StatusReport)
        assert (status.status, status.venue_order_id) == ("partially_filled", "28")
        assert (status.filled_quantity, status.fills_complete) == (Decimal("0.004"), True)
        reports = intake.of(Report)
        assert [type(report) for report in reports] == [FillReport, StatusReport]
        assert (reports[0].client_order_id, reports[0].venue_order_id) == (ID, "28")


async def test_fills_the_history_does_not_show_yet_make_the_answer_incomplete(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit())
        await intake.first(AcceptReport)
        await server.fill(server.orders[0], "0.004", "60000.00", tell=False)
        server.trades.clear()
        broker.submit(a_query("28"))
        status = await intake.first(StatusReport)
        assert not status.fills_complete
        assert status.filled_quantity == Decimal("0.004")


async def test_an_order_nobody_knows_is_not_found_after_a_second_look(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_query())
        assert (await intake.first(StatusReport)).status == "not_found"
        assert server.count("GET /api/v3/allOrders") == 1
        broker.submit(a_submit())
        await intake.first(AcceptReport)
        server.script["GET /api/v3/order"].append(Refused(400, -2013, "Order does not exist."))
        broker.submit(a_query())
        assert (await intake.first(StatusReport, 2)).status == "accepted", "seen in the list of all orders"


@pytest.mark.slow
async def test_a_query_without_an_answer_says_nothing(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.script["GET /api/v3/order"].append(Refused(401, -2015, "Invalid API-key"))
        broker.submit(a_query())
        server.script["GET /api/v3/openOrders"].append(Refused(401, -2015, "Invalid API-key"))
        broker.submit(a_question())
        evidence = await intake.first(AccountEvidence)
        assert not intake.of(StatusReport)
        assert evidence.orders is None, "no answer never means that there are none"
        assert evidence.fills is not None
        assert evidence.balances is not None


async def test_a_statement_has_orders_fills_of_all_pages_and_balances(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit(quantity=Decimal(5)))
        await intake.first(AcceptReport)
        for _ in range(1_203):
            await server.fill(server.orders[0], "0.001", "60000.00", tell=False)
        broker.submit(a_question(BTCUSDT="57", ETHBTC=""))
        evidence = await intake.first(AccountEvidence)
        assert evidence.orders is not None
        assert evidence.fills is not None
        assert evidence.balances is not None
        [order] = evidence.orders.orders
        assert (order.client_order_id, order.status, order.filled_quantity) == (
            ID,
            "partially_filled",
            Decimal("1.203"),
        )
        ids = [int(fill.trade_id) for fill in evidence.fills.fills]
        assert ids == list(range(58, 56 + 1_203))
        assert {fill.client_order_id for fill in evidence.fills.fills} == {ID}
        assert evidence.fills.read_to == {BTC: "1258", "ETHBTC@binance": ""}
        assert evidence.balances.total == {"USDT": Decimal("1000.0")}
        asked = {part.asked_seq for part in (evidence.orders, evidence.fills, evidence.balances)}
        assert asked == {77}
        assert evidence.positions is None
