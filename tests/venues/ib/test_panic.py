"""Panic at TWS: what rests is cancelled, what is tickerd's is closed, what is uncertain is named."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest

from actors.errors import ConfigError
from actors.messages.orders import AcceptReport, FillReport
from actors.venues.ib.directory import Directory
from actors.venues.ib.panic import IbEmergency
from actors.venues.ib.session import Session
from daemon.exchange.ib.order_request import market_order
from daemon.exchange.ib.sessions import Switches
from daemon.panic import Orders, Panic, Report
from tests.venues.ib.rig import AAPL, ACCOUNT, Rig, rig, trading

D = Decimal
SYMBOLS = ("AAPL", "ESZ6")
FLAT = {"USD": D(1_000_000)}
pytestmark = pytest.mark.slow


@asynccontextmanager
async def emergency(rigged: Rig, account_id: str | None = ACCOUNT) -> AsyncIterator[IbEmergency]:
    session = Session("ib", rigged.session.settings, time.time_ns)
    made = IbEmergency(
        account_id=account_id, is_paper=True, session=session, directory=Directory(session, {}),
        symbols=SYMBOLS, clock=time.time_ns, fill_seconds=0.5, look_pause_seconds=0.1,
    )  # fmt: skip
    try:
        yield made
    finally:
        await made.close()


async def panic(rigged: Rig, *, keep: dict[str, Decimal] | None = None, may_sell: bool = True) -> Report:
    """Its steps 3 and 4."""
    report = Report(account="main")
    orders = Orders(account="main", account_id=ACCOUNT, base_currency="USD", symbols=SYMBOLS, keep=keep or {})
    async with emergency(rigged) as venue:
        now_ms = time.time_ns() // 1_000_000
        await Panic(venue, orders, report, lambda text: None, now_ms).run(may_sell=may_sell)
    return report


async def traded(rigged: Rig, side: str, quantity: str, instrument: str = AAPL) -> None:
    """A market order of tickerd's, filled."""
    name = rigged.submit(side, quantity, instrument=instrument)
    await rigged.told.until(
        lambda: (
            sum(f.quantity for f in rigged.told.all(FillReport) if f.client_order_id == name) >= D(quantity)
        )
    )


def by_hand(rigged: Rig, quantity: int, symbol: str = "AAPL") -> None:
    rigged.fault("trade_by_hand", symbol=symbol, code=quantity)


def held(rigged: Rig) -> dict[str, Decimal]:
    return {h.contract.listing.symbol: h.quantity for h in rigged.tws.holdings.of(ACCOUNT) if h.quantity}


async def test_what_rests_is_cancelled_whoever_has_placed_it_and_longs_and_shorts_are_closed() -> None:
    async with trading(balances=FLAT) as rigged:
        await traded(rigged, "buy", "10")
        await traded(rigged, "sell", "2", "ESZ6@ib")
        rigged.submit("buy", "5", price="1")
        await rigged.told.until(lambda: len(rigged.told.all(AcceptReport)) == 3)
        hand = market_order(-9, ACCOUNT, rigged.tws.catalogue.by_symbol["AAPL"], 3)
        resting = msgspec.structs.replace(hand, order_type="LMT", limit_price=D(1), time_in_force="GTC")
        rigged.tws.desk.place(0, resting, rigged.tws.market.symbols)
        await rigged.stop()
        report = await panic(rigged)
        assert report.is_done, report
        assert len(report.cancelled) == 2
        assert rigged.tws.desk.live() == []
        assert held(rigged) == {}
        assert {(sale.instrument, sale.side, sale.filled) for sale in report.sales} == {
            (AAPL, "sell", D(10)), ("ESZ6@ib", "buy", D(2)),
        }  # fmt: skip
        assert all(sale.client_order_id.startswith("panic-") for sale in report.sales)


async def test_a_position_that_todays_executions_do_not_make_up_is_left_and_keep_decides() -> None:
    async with trading(balances=FLAT) as rigged:
        await traded(rigged, "buy", "10")
        by_hand(rigged, 7)
        await traded(rigged, "sell", "3", "ESZ6@ib")
        rigged.fault("midnight")
        await rigged.stop()
        report = await panic(rigged)
        assert report.sales == []
        assert "--keep AAPL=AMOUNT" in report.left["AAPL"]
        assert "of -3 ESZ6" in report.left["ESZ6"]
        assert not report.is_done
        report = await panic(rigged, keep={"AAPL": D(7), "ESZ6": D(1)})
        assert report.is_done, report
        assert held(rigged) == {"AAPL": D(7), "ESZ6": D(-1)}


async def test_of_what_another_had_before_nothing_is_closed() -> None:
    async with rig(balances=FLAT) as rigged:
        by_hand(rigged, 7)
        report = await panic(rigged)
        assert report.sales == []
        assert "account for 0" in report.left["AAPL"]
        assert held(rigged) == {"AAPL": D(7)}


async def test_while_another_process_may_trade_orders_are_only_cancelled() -> None:
    async with trading(balances=FLAT) as rigged:
        await traded(rigged, "buy", "10")
        await rigged.stop()
        report = await panic(rigged, may_sell=False)
        assert report.sales == []
        assert held(rigged) == {"AAPL": D(10)}


async def test_an_order_whose_answer_is_lost_is_looked_for_and_never_sent_again() -> None:
    async with rig(balances=FLAT) as rigged:
        by_hand(rigged, 7)
        rigged.fault("accept_and_lose", method="placeOrder")
        report = await panic(rigged, keep={"AAPL": D(0)})
        (sale,) = report.sales
        assert (sale.outcome, sale.filled) == ("done", D(7))
        assert held(rigged) == {}
    async with rig(balances=FLAT) as rigged:
        by_hand(rigged, 7)
        rigged.fault("lose_request", method="placeOrder")
        report = await panic(rigged, keep={"AAPL": D(0)})
        assert [sale.outcome for sale in report.sales] == ["unknown"]
        assert "look before you trade" in report.left["AAPL"]
        assert held(rigged) == {"AAPL": D(7)}


async def test_a_refused_order_and_a_closed_exchange_are_said_and_leave_the_position() -> None:
    async with rig(balances=FLAT) as rigged:
        by_hand(rigged, 7)
        rigged.tws.sessions.switches = Switches(is_read_only=True)
        report = await panic(rigged, keep={"AAPL": D(0)})
        assert [sale.outcome for sale in report.sales] == ["refused"]
        assert "untick" in report.left["AAPL"]
    async with rig(balances=FLAT | {"AAPL": D(7)}, hours=("0000", "0001")) as rigged:
        report = await panic(rigged, keep={"AAPL": D(0)})
        assert [sale.outcome for sale in report.sales] == ["not_sent"]
        assert "the exchange is closed" in report.left["AAPL"]
        assert held(rigged) == {"AAPL": D(7)}


async def test_another_account_than_configured_ends_it_before_anything_is_done() -> None:
    async with rig(balances=FLAT) as rigged, emergency(rigged, "DU9999999") as venue:
        with pytest.raises(ConfigError, match="not DU9999999"):
            await venue.open_orders()
