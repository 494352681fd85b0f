"""The question what an order would do to the margin, at the fake TWS through the real library."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from actors.messages.margin import MarginAnswered, QueryMargin
from actors.messages.orders import AcceptReport, NotSent, OrderTerms
from actors.venues.ib.claims import has_margin_figures, margin_figures
from actors.venues.ib.settings import SessionSettings
from daemon.exchange.ib.sessions import Switches
from tests.venues.ib.rig import D, Rig, trading

pytestmark = pytest.mark.slow
UNSET = "1.7976931348623157E308"


async def asked(rigged: Rig, terms: OrderTerms) -> MarginAnswered:
    """The answer to a question about an order."""
    before = len(rigged.told.all(MarginAnswered))
    rigged.broker.submit(QueryMargin(ts_event=time.time_ns(), account="main", terms=terms))
    await rigged.told.until(lambda: len(rigged.told.all(MarginAnswered)) > before)
    return rigged.told.all(MarginAnswered)[-1]


async def test_the_fake_answers_by_its_own_margin_rules_and_no_order_comes_of_it() -> None:
    async with trading(balances={"USD": D(1_000_000)}) as rigged:
        mark = rigged.tws.catalogue.by_symbol["AAPL"].listing.start_price
        answer = await asked(rigged, rigged.terms("buy", "100", price="150"))
        # Regulation T: half to open, a quarter to keep, at mark; a cent for two shares
        assert answer.figures is not None
        figures = answer.figures
        assert float(figures.initial_change) == pytest.approx(100 * float(mark) / 2, rel=0.1)
        assert figures.initial_after == figures.initial_change == 2 * figures.maintenance_change
        assert figures.maintenance_after == figures.maintenance_change
        assert (figures.commission, figures.commission_currency) == (D(1), "USD")
        assert figures.equity_after == D(999_999)
        future = await asked(rigged, rigged.terms("sell", "1", instrument="ESZ6@ib"))
        assert future.figures is not None
        assert future.figures.initial_change > future.figures.maintenance_change > 0
        bracket = rigged.terms("buy", "10", price="190", parent="TNOWHERE00000001", more_follow=True)
        assert (await asked(rigged, bracket)).figures is not None
        assert rigged.tws.desk.orders == []
        assert rigged.tws.desk.live() == []
        name = rigged.submit(price="150")  # and after it orders go as ever
        await rigged.accepted(name)
        assert [order.request.order_ref for order in rigged.tws.desk.orders] == [name]


async def test_a_warning_that_comes_before_the_figures_is_no_answer() -> None:
    async with trading() as rigged:
        rigged.tws.sessions.switches = Switches(warns_first=True)
        answer = await asked(rigged, rigged.terms(price="190"))
        assert answer.figures is not None
        assert answer.figures.initial_change > 0


async def test_a_question_that_is_refused_or_cannot_be_asked_says_why() -> None:
    settings = SessionSettings(pause_seconds=0.02, connect_seconds=3.0, answer_seconds=0.5)
    async with trading(settings=settings) as rigged:
        fraction = await asked(rigged, rigged.terms(quantity="0.5"))
        assert fraction.figures is None
        assert "(10243)" in fraction.text
        rigged.fault("lose_request", method="whatIf")
        assert "no answer within 0.5 s" in (await asked(rigged, rigged.terms())).text
        rigged.fault("system_message", code=1100)
        await asyncio.sleep(0)
        await rigged.told.until(lambda: not rigged.session.is_up)
        assert (await asked(rigged, rigged.terms())).text == "there is no line to IB"
        assert rigged.tws.desk.orders == []


async def test_questions_about_margin_share_what_tws_takes_with_orders() -> None:
    async with trading() as rigged:
        for _ in range(40):
            terms = rigged.terms(price="150", quantity="1")
            rigged.broker.submit(QueryMargin(ts_event=time.time_ns(), account="main", terms=terms))
        name = rigged.submit(price="150")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        assert rigged.session.budget.left() < 45
        assert len(rigged.told.all(MarginAnswered)) < 40, "the order has not waited for all of them"
        await rigged.told.until(lambda: len(rigged.told.all(MarginAnswered)) == 40)
        assert all(answer.figures for answer in rigged.told.all(MarginAnswered))
        assert rigged.session.connections == 1, "TWS has cut a line that asked too fast"
        assert rigged.told.all(NotSent) == []
        assert [order.request.order_ref for order in rigged.tws.desk.orders] == [name]


@pytest.mark.parametrize("unset", [UNSET, UNSET.lower(), 1.7976931348623157e308, "", None])
def test_figures_that_tws_leaves_unset_are_none(unset: object) -> None:
    state = SimpleNamespace(
        initMarginChange="12.50", maintMarginChange="1E+1", initMarginAfter="12.5", maintMarginAfter="10",
        equityWithLoanAfter="99.0", commission=unset, commissionCurrency="USD", warningText="",
    )  # fmt: skip
    assert has_margin_figures(state)
    assert margin_figures(state).commission is None
    assert margin_figures(state).initial_change == D("12.5")
    state.equityWithLoanAfter = unset
    assert not has_margin_figures(state)
