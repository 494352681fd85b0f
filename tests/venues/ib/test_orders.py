"""Every kind of order that IB has and others may not, through the library: placed, changed, ended."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from actors.messages.account import AccountEvidence
from actors.messages.clearing import AdjustReport
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    NotSent,
    OrderTerms,
    RejectReport,
    ReplaceReport,
    StatusReport,
)
from actors.venues.ib.orders import good_till_text
from daemon.exchange.ib.orders import IbOrder
from daemon.exchange.settings import Synthetic
from tests.venues.ib.rig import Rig, trading

D = Decimal
pytestmark = pytest.mark.slow
STILL = Synthetic(rate=0.001)
"""The next quote of the fake's own market would be far from where a test has trailed it."""


def at_tws(rigged: Rig, name: str) -> IbOrder:
    """The order as the fake keeps it."""
    (found,) = [order for order in rigged.tws.desk.orders if order.request.order_ref == name]
    return found


def filled(rigged: Rig, name: str) -> list[FillReport]:
    return [fill for fill in rigged.told.all(FillReport) if fill.client_order_id == name]


def cancelled(rigged: Rig, name: str) -> list[CancelReport]:
    return [report for report in rigged.told.all(CancelReport) if report.client_order_id == name]


async def replaced(rigged: Rig, name: str) -> ReplaceReport:
    def reports() -> list[ReplaceReport]:
        return [each for each in rigged.told.all(ReplaceReport) if each.client_order_id == name]

    await rigged.told.until(reports)
    return reports()[-1]


def a_bracket(rigged: Rig, price: str | None = "100") -> tuple[OrderTerms, OrderTerms, OrderTerms]:
    entry = rigged.terms("buy", "10", price=price, more_follow=True)
    family = {"parent": entry.client_order_id, "oca_group": entry.client_order_id}
    profit = rigged.terms("sell", "10", price="400", more_follow=True, **family)
    loss = rigged.terms("sell", "10", stop_price="50", **family)
    return entry, profit, loss


async def test_a_trailing_stop_follows_the_best_price_and_sells_when_it_is_reached() -> None:
    async with trading(market=STILL) as rigged:
        name = rigged.send(rigged.terms("sell", trail=D("2.50")))
        venue_id = await rigged.accepted(name)
        order = at_tws(rigged, name)
        assert (order.request.order_type, order.request.aux_price) == ("TRAIL", D("2.5"))
        rigged.trail("900.00", "900.10")
        assert order.stop_price == D("897.50")
        rigged.replace(name, "7", None, venue_id, trail="1.50")
        changed = await replaced(rigged, name)
        assert (changed.quantity, changed.trail, changed.stop_price) == (D(7), D("1.5"), None)
        rigged.trail("950.00", "950.10")
        assert order.stop_price == D("948.50")
        rigged.trail("948.40", "948.50")
        await rigged.told.until(lambda: filled(rigged, name))
        assert sum(fill.quantity for fill in filled(rigged, name)) == 7


async def test_a_trail_may_be_a_fraction_and_its_change_is_known_after_a_restart() -> None:
    async with trading(market=STILL) as rigged:
        name = rigged.send(rigged.terms("sell", trail=D("0.05"), trail_is_fraction=True))
        venue_id = await rigged.accepted(name)
        order = at_tws(rigged, name)
        rigged.trail("1000.00", "1000.10")
        assert order.stop_price == D("950.00")
        await rigged.restarted()
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        rigged.replace(name, "10", None, venue_id, trail="0.1")
        assert (await replaced(rigged, name)).trail == D("0.1")
        assert order.request.trailing_percent == 10
        rigged.cancel(name, venue_id)
        await rigged.told.until(lambda: cancelled(rigged, name))


async def test_a_trailing_limit_keeps_its_offset_through_a_change_and_a_restart() -> None:
    async with trading(market=STILL) as rigged:
        special: dict[str, Any] = {"trail": D(100), "trail_start": D(200), "limit_offset": D("0.50")}
        name = rigged.send(rigged.terms("sell", **special))
        venue_id = await rigged.accepted(name)
        order = at_tws(rigged, name)
        assert (order.request.order_type, order.request.limit_offset) == ("TRAIL LIMIT", D("0.5"))
        rigged.trail("290.00", "290.10")
        assert (order.stop_price, order.limit_price) == (D(200), D("199.5"))
        rigged.trail("900.00", "900.10")
        assert (order.stop_price, order.limit_price) == (D(800), D("799.5"))
        await rigged.restarted()
        rigged.query_account()
        await rigged.told.until(lambda: rigged.told.all(AccountEvidence))
        shown = rigged.told.all(AccountEvidence)[-1].orders
        assert shown is not None
        (line,) = shown.orders
        assert (line.price, line.stop_price, line.trail) == (None, None, D(100))
        rigged.replace(name, "7", None, venue_id, trail="250")
        changed = await replaced(rigged, name)
        figures = changed.quantity, changed.price, changed.stop_price, changed.trail
        assert figures == (D(7), None, None, D(250))
        assert (order.request.trail_stop_price, order.request.limit_offset) == (D(800), D("0.5"))
        rigged.trail("799.80", "799.90")
        await rigged.told.until(lambda: filled(rigged, name))
        assert all(fill.price >= D("799.5") for fill in filled(rigged, name))


async def test_a_trail_without_a_limit_begins_where_it_is_told() -> None:
    async with trading(market=STILL) as rigged:
        name = rigged.send(rigged.terms("buy", trail=D("0.5"), trail_is_fraction=True, trail_start=D(300)))
        await rigged.accepted(name)
        order = at_tws(rigged, name)
        rigged.trail("239.90", "240.00")
        assert (order.request.order_type, order.stop_price) == ("TRAIL", D(300))
        rigged.trail("159.90", "160.00")
        assert order.stop_price == D(240)


async def test_orders_for_the_close_wait_for_it() -> None:
    async with trading() as rigged:
        market = rigged.send(rigged.terms("buy", tif="cls"))
        limit = rigged.send(rigged.terms("sell", price="1", tif="cls"))
        far = rigged.send(rigged.terms("sell", price="900", tif="cls"))
        await rigged.accepted(market)
        venue_id = await rigged.accepted(limit)
        kinds = [at_tws(rigged, name).request.order_type for name in (market, limit, far)]
        assert kinds == ["MOC", "LOC", "LOC"]
        rigged.replace(limit, "4", "2", venue_id)
        assert (await replaced(rigged, limit)).price == 2
        rigged.cancel(far, await rigged.accepted(far))
        await rigged.told.until(lambda: cancelled(rigged, far))
        assert rigged.told.all(FillReport) == []
        rigged.close_exchange()
        await rigged.told.until(lambda: filled(rigged, market) and filled(rigged, limit))
        assert filled(rigged, limit)[0].quantity == 4


async def test_orders_for_the_opening_are_marked_so() -> None:
    async with trading() as rigged:
        market = rigged.send(rigged.terms("buy", tif="opg"))
        limit = rigged.send(rigged.terms("buy", price="100", tif="opg"))
        await rigged.told.until(lambda: filled(rigged, market))
        venue_id = await rigged.accepted(limit)
        requests = [at_tws(rigged, name).request for name in (market, limit)]
        assert [(r.order_type, r.time_in_force) for r in requests] == [("MKT", "OPG"), ("LMT", "OPG")]
        rigged.replace(limit, "10", "99", venue_id)
        assert (await replaced(rigged, limit)).price == 99
        rigged.cancel(limit, venue_id)
        await rigged.told.until(lambda: cancelled(rigged, limit))


async def test_an_order_with_a_date_ends_then_and_keeps_it_through_a_change() -> None:
    async with trading() as rigged:
        till = time.time_ns() + 3_600 * 10**9
        name = rigged.send(rigged.terms("buy", price="100", tif="gtd", good_till=till, outside_hours=True))
        venue_id = await rigged.accepted(name)
        rigged.replace(name, "10", "101", venue_id)
        await replaced(rigged, name)
        request = at_tws(rigged, name).request
        assert (request.time_in_force, request.good_till) == ("GTD", good_till_text(till))
        assert request.outside_hours
        rigged.later(3_500)
        assert cancelled(rigged, name) == []
        rigged.later(200)
        await rigged.told.until(lambda: cancelled(rigged, name))
        assert cancelled(rigged, name)[0].filled_quantity == 0


async def test_the_adaptive_algorithm_is_asked_for_with_its_urgency() -> None:
    async with trading() as rigged:
        name = rigged.send(rigged.terms("buy", price="100", tif="day", adaptive="urgent"))
        venue_id = await rigged.accepted(name)
        rigged.replace(name, "10", "99", venue_id)
        await replaced(rigged, name)
        request = at_tws(rigged, name).request
        assert (request.algo, request.algo_params) == ("Adaptive", (("adaptivePriority", "Urgent"),))


async def test_of_a_group_the_first_execution_cancels_the_others() -> None:
    async with trading() as rigged:
        low = rigged.send(rigged.terms("buy", price="100", oca_group="either"))
        lower = rigged.send(rigged.terms("buy", price="90", oca_group="either"))
        alone = rigged.send(rigged.terms("buy", price="80", oca_group="another"))
        for name in (low, lower, alone):
            await rigged.accepted(name)
        assert {at_tws(rigged, name).request.oca_type for name in (low, lower)} == {1}
        rigged.market("98", "99")
        await rigged.told.until(lambda: filled(rigged, low) and cancelled(rigged, lower))
        assert cancelled(rigged, lower)[0].filled_quantity == 0
        assert cancelled(rigged, alone) == []
        assert filled(rigged, lower) == []


async def test_of_a_group_that_reduces_an_execution_takes_its_quantity_off_the_others() -> None:
    async with trading(market=STILL) as rigged:
        low = rigged.send(rigged.terms("buy", "4", price="100", oca_group="both", oca_kind="reduce"))
        more = rigged.send(rigged.terms("buy", "10", price="90", oca_group="both", oca_kind="reduce"))
        for name in (low, more):
            await rigged.accepted(name)
        assert {at_tws(rigged, name).request.oca_type for name in (low, more)} == {2}
        rigged.market("98", "99")
        await rigged.told.until(lambda: filled(rigged, low) and rigged.told.all(AdjustReport))
        (reduced,) = rigged.told.all(AdjustReport)
        assert (reduced.client_order_id, reduced.quantity, reduced.price) == (more, D(6), D(90))
        rigged.replace(more, "5", "91", await rigged.accepted(more))
        assert (await replaced(rigged, more)).quantity == 5
        assert at_tws(rigged, more).request.oca_type == 2
        assert len(rigged.told.all(AdjustReport)) == 1
        rigged.market("88", "89")
        await rigged.told.until(lambda: filled(rigged, more))
        assert sum(fill.quantity for fill in filled(rigged, more)) == 5


async def test_the_exits_of_a_bracket_work_once_the_entry_has_filled_and_one_ends_the_other() -> None:
    async with trading() as rigged:
        entry, profit, loss = (rigged.send(terms) for terms in a_bracket(rigged))
        for name in (entry, profit, loss):
            await rigged.accepted(name)
        assert at_tws(rigged, profit).held == at_tws(rigged, loss).held == "parent"
        rigged.replace(loss, "10", None, await rigged.accepted(loss), stop_price="60")
        assert (await replaced(rigged, loss)).stop_price == 60
        assert at_tws(rigged, loss).request.parent_id == at_tws(rigged, entry).order_id
        rigged.market("98", "99")
        await rigged.told.until(lambda: filled(rigged, entry))
        rigged.later(0)
        assert at_tws(rigged, profit).held is None
        rigged.market("401", "402")
        await rigged.told.until(lambda: filled(rigged, profit) and cancelled(rigged, loss))
        assert cancelled(rigged, loss)[0].filled_quantity == 0
        assert rigged.tws.desk.live() == []


async def test_a_cancelled_entry_takes_its_exits_along() -> None:
    async with trading() as rigged:
        entry, profit, loss = (rigged.send(terms) for terms in a_bracket(rigged))
        rigged.cancel(entry, await rigged.accepted(entry))
        names = (entry, profit, loss)
        await rigged.told.until(lambda: all(cancelled(rigged, name) for name in names))
        assert rigged.tws.desk.live() == []


async def test_what_is_held_back_of_a_bracket_is_taken_back_when_its_last_order_is_refused() -> None:
    async with trading() as rigged:
        entry, profit, _ = a_bracket(rigged)
        off_tick = rigged.terms("sell", stop_price="50.001", parent=entry.client_order_id)
        for terms in (entry, profit, off_tick):
            rigged.send(terms)
        await rigged.told.until(lambda: len(rigged.told.all(CancelReport)) == 2)
        (refused,) = rigged.told.all(RejectReport)
        assert (refused.client_order_id, refused.command) == (off_tick.client_order_id, "submit")
        assert not rigged.told.all(AcceptReport)
        assert not rigged.told.all(FillReport)
        assert not rigged.tws.desk.live()


async def test_an_entry_whose_exits_never_left_is_not_found_after_a_restart_and_never_works() -> None:
    async with trading() as rigged:
        entry, profit, loss = a_bracket(rigged, price=None)
        rigged.send(entry)
        await rigged.accepted(rigged.submit(price="80"))  # so the entry has come too
        await rigged.restarted()
        rigged.send(profit)
        await rigged.told.until(lambda: rigged.told.all(NotSent))
        (unsent,) = rigged.told.all(NotSent)
        assert (unsent.command, unsent.client_order_id) == ("submit", profit.client_order_id)
        rigged.query(entry.client_order_id)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert [report.status for report in rigged.told.all(StatusReport)] == ["not_found"]
        assert rigged.told.all(FillReport) == []
        assert loss.client_order_id not in [order.request.order_ref for order in rigged.tws.desk.orders]
