"""Statements: which executions they tell, and how far they say they went."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages.orders import AcceptReport, StatusReport
from tests.venues.ib.rig import trading
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
