"""The fake TWS against the real client library over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from daemon.exchange.faults import Fault
from daemon.exchange.ib.server import IbServer
from daemon.exchange.ib.settings import IbSettings
from daemon.exchange.settings import ExchangeAccount

ACCOUNT = "DU1000001"
CLIENT = 7


def library() -> Any:
    """Whichever of the two is installed; imported late: it wants a running loop."""
    try:
        return import_module("ib_insync")
    except ModuleNotFoundError:
        return pytest.importorskip("ib_async", reason="neither the extra [ib] nor [ib-async] is installed")


@pytest.fixture
async def tws() -> AsyncIterator[IbServer]:
    account = ExchangeAccount(
        name=ACCOUNT, key="", secret="", balances={"USD": Decimal(1_000_000), "AAPL": Decimal(100)}
    )
    async with IbServer(IbSettings(accounts=(account,), symbols=("AAPL", "ES", "AAPL C 240"))) as server:
        yield server


@pytest.fixture
async def ib(tws: IbServer) -> AsyncIterator[Any]:
    client = library().IB()
    client.TimezoneTWS = "UTC"
    await client.connectAsync("127.0.0.1", tws.port, clientId=CLIENT, timeout=5)
    yield client
    client.disconnect()
    await asyncio.sleep(0)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (a library's state, which has no event)
            await asyncio.sleep(0.005)


async def contract_of(ib: Any, symbol: str = "AAPL") -> Any:
    (details,) = await ib.reqContractDetailsAsync(library().Stock(symbol, "SMART", "USD"))
    return details.contract


async def test_the_client_sees_account_positions_and_contracts(tws: IbServer, ib: Any) -> None:
    (position,) = ib.positions()
    assert (position.contract.symbol, position.position) == ("AAPL", 100)
    assert ib.managedAccounts() == [ACCOUNT]
    values = {value.tag: value.value for value in ib.accountValues() if value.currency in ("", "USD")}
    assert float(values["TotalCashValue"]) == 1_000_000
    found = await ib.reqContractDetailsAsync(library().Future("ES", exchange="CME", currency="USD"))
    assert [details.contract.multiplier for details in found] == ["50"]
    assert await ib.reqContractDetailsAsync(library().Stock("NOSUCH", "SMART", "USD")) == []


async def test_a_market_order_fills_and_its_commission_comes(tws: IbServer, ib: Any) -> None:
    contract = await contract_of(ib)
    order = library().MarketOrder("BUY", 10, orderRef="T1", tif="DAY", account=ACCOUNT)
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Filled" and trade.fills[-1].commissionReport.execId)
    (line,) = tws.truth.sum.accounts[ACCOUNT].trades
    (fill,) = trade.fills
    assert (fill.execution.orderRef, fill.execution.shares) == ("T1", 10)
    assert Decimal(str(fill.execution.price)) == line.price
    assert Decimal(str(fill.commissionReport.commission)) == line.fee
    assert line.venue_order_id == str(trade.orderStatus.permId)


async def test_a_resting_order_is_changed_in_place_and_cancelled(tws: IbServer, ib: Any) -> None:
    contract = await contract_of(ib)
    order = library().LimitOrder("BUY", 10, 100.0, orderRef="T2", tif="GTC", account=ACCOUNT)
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    perm_id = trade.orderStatus.permId
    order.lmtPrice = 99.0
    ib.placeOrder(contract, order)
    await until(lambda: [o.price for o in tws.engine.open_orders(ACCOUNT)] == [Decimal(99)])
    assert trade.orderStatus.permId == perm_id
    ib.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert tws.engine.open_orders(ACCOUNT) == []


async def test_a_client_id_in_use_is_turned_away(tws: IbServer, ib: Any) -> None:
    other, errors = library().IB(), []
    other.errorEvent += lambda number, code, text, contract: errors.append(code)
    with pytest.raises((ConnectionError, TimeoutError)):
        await other.connectAsync("127.0.0.1", tws.port, clientId=CLIENT, timeout=1)
    assert 326 in errors


async def test_a_burst_above_fifty_messages_a_second_cuts_the_line(tws: IbServer, ib: Any) -> None:
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    ib.client.MaxRequests = 0
    for _ in range(80):
        ib.client.reqCurrentTime()
    async with asyncio.timeout(5):
        await gone.wait()


async def test_a_cut_line_is_noticed_on_both_sides(tws: IbServer, ib: Any) -> None:
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    tws.faults.add(Fault(kind="cut_after", method="currentTime"))
    ib.client.reqCurrentTime()
    async with asyncio.timeout(5):
        await gone.wait()
    await until(lambda: not tws.sessions.lines)


async def test_an_execution_stated_anew_is_listed_by_its_newest_revision_only(tws: IbServer, ib: Any) -> None:
    """Cash, position, truth and what is told are one: bought, then fewer, dearer, and none."""
    contract = await contract_of(ib)
    order = library().MarketOrder("BUY", 10, orderRef="T1", tif="DAY", account=ACCOUNT)
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Filled" and trade.fills[-1].commissionReport.execId)
    truth, desk = tws.truth.sum.accounts[ACCOUNT], tws.desk
    price = desk.executions[-1].price
    for revision, (figures, quantity, paid) in enumerate(
        [
            ({"quantity": Decimal(4)}, 4, price),
            ({"price": price + 1}, 4, price + 1),
            ({"quantity": Decimal(0)}, 0, price + 1),
        ],
        2,
    ):
        assert desk.correct(desk.executions[-1].exec_id, **figures)
        (execution,) = desk.executions
        (told,) = await ib.reqExecutionsAsync()
        assert told.execution.execId.endswith(f".{revision:02}")
        assert (told.execution.shares, told.execution.price) == (quantity, float(paid))
        balances = {asset: each.total for asset, each in tws.engine.balances(ACCOUNT).items()}
        assert balances["AAPL"] == Decimal(100 + quantity)
        assert balances["USD"] == Decimal(1_000_000) - quantity * paid - execution.commission
        assert truth.balances == balances
        (true,) = truth.trades
        assert (true.quantity, true.price, true.fee) == (Decimal(quantity), paid, execution.commission)
    assert not desk.correct("0000.01", price=price)
