"""Statements: which executions they tell, and how far they say they went."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.messages.orders import AcceptReport, FillReport, StatusReport
from actors.venues.ib import statements
from actors.venues.ib.settings import SessionSettings
from tests.venues.ib.rig import ACCOUNT, trading
from tests.venues.ib.test_traps import statement

D = Decimal


@pytest.mark.slow
async def test_no_mark_passes_an_execution_whose_cost_is_not_known_yet() -> None:
    async with trading() as rigged:
        rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.stop()
        rigged.market("98", "99")
        rigged.fault("swallow_report", method="commissionReport")
        await rigged.restarted()
        waiting = await statement(rigged)
        assert waiting.fills is not None
        assert (waiting.fills.fills, waiting.fills.read_to) == ((), {})
        told = await statement(rigged)
        assert told.fills is not None
        assert [fill.fee for fill in told.fills.fills] == [D(1)]


@pytest.mark.slow
@pytest.mark.parametrize(("why_held", "status"), [("locate", "accepted"), ("", "rejected")])
async def test_an_inactive_short_sale_waits_for_its_shares_and_any_other_is_refused(
    why_held: str, status: str
) -> None:
    async with trading() as rigged:
        name = rigged.submit("sell", price="900")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        (order,) = rigged.tws.desk.live()
        order.status, order.why_held = "Inactive", why_held
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert rigged.told.all(StatusReport)[0].status == status
        evidence = await statement(rigged)
        assert evidence.orders is not None
        assert [each.status for each in evidence.orders.orders] == [status]


@pytest.mark.slow
async def test_an_order_that_rests_unseen_is_found_among_the_open_ones() -> None:
    async with trading() as rigged:
        rigged.fault("accept_and_lose", method="placeOrder")
        name = rigged.submit(price="100")
        async with asyncio.timeout(10):
            while not rigged.tws.desk.live():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        (status,) = rigged.told.all(StatusReport)
        assert (status.status, status.filled_quantity) == ("accepted", D(0))


@pytest.mark.slow
async def test_an_order_that_ended_while_away_is_found_among_the_completed_ones() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.stop()
        (order,) = rigged.tws.desk.live()
        rigged.tws.desk.cancel(order.client_id, order.order_id)
        await rigged.restarted()
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert rigged.told.all(StatusReport)[0].status == "cancelled"


@pytest.mark.slow
async def test_an_execution_alone_proves_its_order() -> None:
    async with trading() as rigged:
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        rigged.fault("swallow_report", method="completedOrder", count=10)
        await rigged.restarted()
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        (status,) = rigged.told.all(StatusReport)
        assert (status.status, status.filled_quantity) == ("partially_filled", D(10))
        assert rigged.told.all(FillReport)[-1].client_order_id == name


@pytest.mark.slow
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_an_order_that_has_lost_its_reference_is_found_by_its_permanent_id(is_restarted: bool) -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        venue_id = await rigged.accepted(name)
        (order,) = rigged.tws.desk.live()
        order.request = msgspec.structs.replace(order.request, order_ref="")
        if is_restarted:
            await rigged.restarted()
        rigged.query(name, venue_id if is_restarted else None)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        (status,) = rigged.told.all(StatusReport)
        assert (status.status, status.venue_order_id) == ("accepted", venue_id)


@pytest.mark.slow
async def test_over_midnight_the_sum_is_told_and_known_to_be_incomplete() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100", quantity="10")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.stop()
        rigged.market("98", "99")
        rigged.fault("midnight")
        await rigged.restarted()
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        (status,) = rigged.told.all(StatusReport)
        # The order has ended yesterday as well: only the position is left to tell of it.
        assert status.status == "not_found"
        evidence = await statement(rigged)
        assert evidence.balances is not None
        assert evidence.balances.total["AAPL"] == 110


@pytest.mark.slow
async def test_an_order_without_any_answer_is_found_and_not_sent_again() -> None:
    async with trading() as rigged:
        rigged.fault("accept_and_lose")
        name = rigged.submit()
        async with asyncio.timeout(10):
            while not rigged.tws.truth.sum.accounts[ACCOUNT].trades:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert rigged.told.all(FillReport) == []
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        (status,) = rigged.told.all(StatusReport)
        assert (status.status, status.filled_quantity) == ("filled", D(10))
        assert {fill.quantity for fill in rigged.told.all(FillReport)} == {D(10)}
        assert len(rigged.tws.truth.sum.accounts[ACCOUNT].orders) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "missing"),
    [
        ({"kind": "lose_request", "method": "reqOpenOrders"}, {"orders", "fills"}),
        ({"kind": "lose_request", "method": "reqCompletedOrders"}, {"orders", "fills"}),
        ({"kind": "lose_request", "method": "reqExecutions"}, {"orders", "fills"}),
        ({"kind": "lose_request", "method": "reqAccountUpdatesMulti"}, {"balances", "positions"}),
        ({"kind": "swallow_report", "method": "accountUpdateMulti", "count": 99}, {"balances", "positions"}),
    ],
    ids=lambda each: each["method"] if isinstance(each, dict) else "",
)
async def test_a_part_of_a_statement_without_an_answer_is_none_and_not_empty(
    fault: dict[str, Any], missing: set[str]
) -> None:
    hasty = SessionSettings(answer_seconds=0.2, pause_seconds=0.02)
    async with trading(settings=hasty) as rigged:
        rigged.fault(**fault)
        evidence = await statement(rigged)
        parts = ("orders", "fills", "balances", "positions")
        assert {part for part in parts if getattr(evidence, part) is None} == missing


@pytest.mark.slow
async def test_what_was_told_days_ago_is_forgotten_and_told_no_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process runs for months, and TWS may list a week of executions."""
    monkeypatch.setattr(statements, "KEPT_NS", 0)
    async with trading() as rigged:
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        first = await statement(rigged)
        assert first.fills is not None
        assert len(first.fills.fills) == 1
        reports = rigged.broker._reports
        assert len(reports.executions.all()) == 1, "what no statement has told before stays"
        assert reports.of(name, None) is not None
        for _ in range(2):
            again = await statement(rigged, first.fills.read_to)
            assert again.fills is not None
            assert (again.fills.fills, again.fills.corrected, reports.executions.all()) == ((), (), [])
            assert reports.of(name, None) is None, "its order is over"
        assert len(rigged.told.all(FillReport)) == 1
        rigged.fault("correct_execution", code=5)
        await rigged.told.until(lambda: len(rigged.told.all(FillReport)) == 2)
        (fill, corrected) = rigged.told.all(FillReport)
        assert (corrected.trade_id, corrected.price - fill.price) == (fill.trade_id, D("0.05"))
        assert corrected.revision > fill.revision
