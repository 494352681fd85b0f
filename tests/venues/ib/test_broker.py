"""The broker against the fake TWS, through the real library over a real socket."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.account import AccountEvidence
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    RejectReport,
    ReplaceReport,
    StatusReport,
)
from actors.venues.ib.settings import SessionSettings
from tests.venues.ib.rig import ACCOUNT, Rig, rig, trading

D = Decimal


def true_fills(rigged: Rig) -> list[tuple[str, str, Decimal, Decimal, Decimal]]:
    """What the fake knows to have happened."""
    trades = rigged.tws.truth.sum.accounts[ACCOUNT].trades
    return [(t.client_order_id, t.trade_id, t.quantity, t.price, t.fee) for t in trades]


def told_fills(rigged: Rig) -> list[tuple[str | None, str, Decimal, Decimal, Decimal]]:
    """What the core was told."""
    fills = rigged.told.all(FillReport)
    return [(f.client_order_id, f.trade_id, f.quantity, f.price, f.fee) for f in fills]


async def test_a_market_order_is_accepted_and_filled_once_with_its_commission() -> None:
    async with trading() as rigged:
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        (accepted,) = rigged.told.all(AcceptReport)
        assert accepted.client_order_id == name
        assert told_fills(rigged) == true_fills(rigged)
        assert rigged.told.all(FillReport)[0].fee_currency == "USD"


async def test_a_resting_order_is_replaced_in_place_and_cancelled() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        venue_id = rigged.told.all(AcceptReport)[0].venue_order_id
        assert venue_id is not None
        rigged.replace(name, "7", "99", venue_id)
        await rigged.told.until(lambda: rigged.told.all(ReplaceReport))
        (replaced,) = rigged.told.all(ReplaceReport)
        assert (replaced.quantity, replaced.price) == (D(7), D(99))
        rigged.cancel(name, venue_id)
        await rigged.told.until(lambda: rigged.told.all(CancelReport))
        assert rigged.tws.desk.live() == []
        assert rigged.told.all(CancelReport)[0].filled_quantity == 0


async def test_a_refused_order_is_rejected_with_the_venues_words() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100.001")
        await rigged.told.until(lambda: rigged.told.all(RejectReport))
        (rejected,) = rigged.told.all(RejectReport)
        assert (rejected.client_order_id, rejected.command, rejected.code) == (name, "submit", "110")
        assert "minimum price variation" in rejected.text


async def test_a_question_brings_fills_before_status_and_not_found_needs_all_lists() -> None:
    async with trading() as rigged:
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        rigged.query(name)
        rigged.query("TTEST99999999")
        await rigged.told.until(lambda: len(rigged.told.all(StatusReport)) == 2)
        filled, missing = sorted(rigged.told.all(StatusReport), key=lambda s: s.client_order_id or "")
        assert (filled.status, filled.filled_quantity) == ("filled", D(10))
        assert filled.fills_complete
        assert missing.status == "not_found"


async def test_a_statement_has_orders_fills_cash_and_shares() -> None:
    async with trading() as rigged:
        rigged.submit()
        rigged.submit(price="100")
        await rigged.told.until(lambda: len(rigged.told.all(AcceptReport)) == 2 and told_fills(rigged))
        rigged.query_account(seq=7)
        await rigged.told.until(lambda: rigged.told.all(AccountEvidence))
        (evidence,) = rigged.told.all(AccountEvidence)
        assert evidence.orders is not None
        assert evidence.fills is not None
        assert evidence.balances is not None
        assert [order.price for order in evidence.orders.orders] == [100]
        assert len(evidence.fills.fills) == 1
        truth = rigged.tws.truth.sum.accounts[ACCOUNT].balances
        assert evidence.balances.total == {"USD": truth["USD"], "AAPL": D(110)}


async def test_an_unanswered_positions_request_is_no_flat_account() -> None:
    async with trading() as rigged:
        rigged.fault("lose_request", method="reqPositions")
        rigged.query_account(seq=7)
        await rigged.told.until(lambda: rigged.told.all(AccountEvidence))
        (evidence,) = rigged.told.all(AccountEvidence)
        assert evidence.balances is None
        assert evidence.positions is None
        assert evidence.orders is not None


async def test_a_question_lost_while_the_line_came_up_is_asked_again() -> None:
    patient = SessionSettings(pause_seconds=0.02, connect_seconds=3.0, answer_seconds=0.3)
    async with rig(settings=patient) as rigged:
        rigged.fault("lose_request", method="reqContractDetails")
        rigged.broker = rigged.new_broker()
        rigged.start()
        try:
            await rigged.started()
            assert rigged.session.connections == 1
        finally:
            await rigged.stop()
