"""The history of transfers, asked of a local exchange that keeps one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
import structlog

from actors.messages.account import AccountEvidence, VenueTransfer
from actors.messages.orders import QueryAccount
from actors.venues.binance.transfers import TransferHistory
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import DEMO_KEY, DEMO_SECRET, ExchangeSettings
from tests.exchange.client import Client
from tests.venues.binance.broker_harness import a_broker

MS = 1_000_000


class At:
    """Where the local exchange listens."""

    def __init__(self, exchange: ExchangeServer) -> None:
        self.rest_url = f"http://127.0.0.1:{exchange.port}"
        self.trading_url = f"ws://127.0.0.1:{exchange.port}/ws-api/v3"


@contextlib.asynccontextmanager
async def an_account() -> AsyncIterator[tuple[Client, Any, Any]]:
    """A client that moves money, and a broker of the same account."""
    async with (
        ExchangeServer(ExchangeSettings()) as exchange,
        aiohttp.ClientSession() as session,
        a_broker(At(exchange), key=DEMO_KEY, secret=DEMO_SECRET) as (broker, intake),
    ):
        yield Client(exchange, session), broker, intake


async def moved(client: Client, how: str, **body: str) -> None:
    status, answer = await client.admin("POST", f"/{how}", {"account": "demo", **body})
    assert status == 200, answer


async def statement(broker: Any, intake: Any, since_ms: int | None, asked: int = 5) -> AccountEvidence:
    broker.submit(
        QueryAccount(
            ts_event=0, account="main", asked_seq=asked, fills_after={},
            transfers_since=None if since_ms is None else since_ms * MS,
        )
    )  # fmt: skip
    return await intake.first(AccountEvidence)  # type: ignore[no-any-return]


def told(rows: tuple[VenueTransfer, ...]) -> list[tuple[str, str, str, str]]:
    return sorted((row.transfer_id.split(":")[1], row.asset, str(row.amount), row.reason) for row in rows)


async def test_every_way_in_which_money_moves_is_in_the_history() -> None:
    async with an_account() as (client, broker, intake):
        began = client.now_ms()
        await moved(client, "deposit", asset="USDT", amount="250.5")
        await moved(client, "withdraw", asset="BTC", amount="0.25")
        await moved(client, "deposit", asset="USDT", amount="3", way="dividend")
        await moved(client, "deposit", asset="ETH", amount="2", way="funding")
        await moved(client, "withdraw", asset="ETH", amount="1", way="funding")
        await moved(client, "convert", asset="ETH", amount="0.0001", into="BNB", received="0.0007")
        evidence = await statement(broker, intake, began - 1_000)
        assert evidence.transfers is not None
        assert evidence.transfers.since == (began - 1_000) * MS
        assert told(evidence.transfers.transfers) == sorted(
            [
                ("deposit", "USDT", "250.50000000", "deposit"),
                ("withdrawal", "BTC", "-0.25000000", "withdrawal"),
                ("deposit", "USDT", "3.00000000", "deposit"),
                ("wallet", "ETH", "2.00000000", "deposit"),
                ("wallet", "ETH", "-1.00000000", "withdrawal"),
                ("conversion", "ETH", "-0.00010000", "conversion"),
                ("conversion", "BNB", "0.00070000", "conversion"),
            ]
        )
        assert len({row.transfer_id for row in evidence.transfers.transfers}) == 7


async def test_the_history_is_asked_for_only_when_something_needs_explaining() -> None:
    async with an_account() as (_, broker, intake):
        evidence = await statement(broker, intake, None)
        assert evidence.transfers is None
        assert broker._wallet_rest._session is None


async def test_a_key_without_the_right_to_read_a_piece_is_told_once_and_the_history_is_not_complete() -> None:
    async with an_account() as (client, broker, intake):
        began = client.now_ms()
        await client.fault("error_before", method="wallet.withdrawals", code=-2015, status=401, count=5)
        await moved(client, "deposit", asset="USDT", amount="1")
        with structlog.testing.capture_logs() as logs:
            first = await statement(broker, intake, began - 1_000)
            intake.messages.clear()
            second = await statement(broker, intake, began - 1_000, asked=6)
        for evidence in (first, second):
            assert evidence.transfers is not None
            assert evidence.transfers.since >= began * MS
            assert told(evidence.transfers.transfers) == [("deposit", "USDT", "1.00000000", "deposit")]
        refused = [each for each in logs if each["event"] == "history of transfers refused"]
        assert [each["part"] for each in refused] == ["withdrawals"]


async def test_a_history_that_cannot_be_had_just_now_leaves_the_rest_of_the_statement() -> None:
    async with an_account() as (client, broker, intake):
        await client.fault("error_before", method="wallet.dust", code=-1001, status=503, count=2)
        evidence = await statement(broker, intake, client.now_ms() - 1_000)
        assert evidence.transfers is None
        assert evidence.balances is not None
        assert evidence.orders is not None
        assert broker._rest.budget.blocked_for(0) == 0


async def test_a_statement_does_not_wait_for_the_wallet_to_take_requests_again() -> None:
    async with an_account() as (client, broker, intake):
        broker._wallet_rest.budget.block(client.now_ms() / 1_000 + 30)
        async with asyncio.timeout(5):
            evidence = await statement(broker, intake, client.now_ms() - 1_000)
        assert evidence.transfers is None
        assert evidence.balances is not None


async def test_what_the_wallet_has_cost_is_not_counted_with_the_orders() -> None:
    async with an_account() as (client, broker, intake):
        await statement(broker, intake, client.now_ms() - 1_000)
        assert broker._wallet_rest.budget.weight_used == 0
        assert broker._rest.budget.weight_used > 0


class Pages:
    """A wallet that answers from tables, as far as paging goes."""

    def __init__(self, **tables: list[Any]) -> None:
        self.tables = tables
        self.asked: list[str] = []

    async def read(self, path: str, decoder: Any, params: Any, *, signed: bool) -> Any:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        rows = self.tables.get(name, [])
        match name:
            case "hisrec" | "history":
                rows = rows[params["offset"] : params["offset"] + params["limit"]]
            case "assetDividend":
                rows = [row for row in rows if row["divTime"] <= params["endTime"]][: params["limit"]]
                rows = {"rows": rows, "total": len(rows)}  # type: ignore[assignment]
            case "transfer":
                rows = {"total": 0}  # type: ignore[assignment]
            case _:
                rows = {"total": 0, "userAssetDribblets": rows}  # type: ignore[assignment]
        return decoder.decode(msgspec.json.encode(rows))


def a_history(**tables: list[Any]) -> tuple[TransferHistory, Pages]:
    pages = Pages(**tables)
    return TransferHistory(rest=pages, venue="binance", account="main"), pages  # type: ignore[arg-type]


def a_deposit(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": str(number), "amount": "1", "coin": "USDT", "status": 1, "insertTime": number, **changes}


@pytest.mark.parametrize("count", [0, 999, 1_000, 1_001, 2_000])
async def test_every_page_of_deposits_is_read(count: int) -> None:
    history, _ = a_history(hisrec=[a_deposit(number) for number in range(count)])
    assert len((await history.since(0, 10**9)).rows) == count


async def test_distributions_beyond_a_page_are_read_by_an_earlier_end() -> None:
    rows = [
        {"id": number, "asset": "BNB", "amount": "0.1", "divTime": 10_000 - number // 2}
        for number in range(1_200)
    ]
    history, pages = a_history(assetDividend=rows)
    found = (await history.since(0, 10**9)).rows
    assert len(found) == len({row.transfer_id for row in found}) == 1_200
    assert pages.asked.count("assetDividend") == 3


async def test_only_what_is_in_the_spot_balance_counts() -> None:
    history, _ = a_history(
        hisrec=[
            a_deposit(1, status=0),
            a_deposit(2, status=6),
            a_deposit(3, status=7),
            a_deposit(4, walletType=1),
            a_deposit(5, completeTime=77),
        ],
        history=[
            {
                "id": f"w{status}", "amount": "8.9", "transactionFee": "0.1", "coin": "USDT",
                "status": status,
                "applyTime": "2025-01-02 03:04:05", "walletType": wallet,
            }
            for status, wallet in ((1, 0), (3, 0), (5, 0), (4, 0), (6, 1))
        ],
    )  # fmt: skip
    rows = (await history.since(0, 10**9)).rows
    assert [(row.transfer_id, row.amount, row.ts_event // MS) for row in rows] == [
        ("binance:deposit:2", Decimal(1), 2),
        ("binance:deposit:5", Decimal(1), 77),
        ("binance:withdrawal:w4", Decimal("-8.9"), 1_735_787_045_000),
        ("binance:withdrawal:w4:fee", Decimal("-0.1"), 1_735_787_045_000),
    ]


async def test_no_more_is_asked_than_the_venue_tells() -> None:
    history, _ = a_history()
    day = 86_400_000
    assert (await history.since(0, 400 * day)).since_ms == 314 * day
