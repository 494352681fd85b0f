"""A client of someone else, unchanged but for its base addresses, trades at the exchange."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import DEMO_KEY, DEMO_SECRET

with warnings.catch_warnings():
    # it imports websockets' old interface and its own helpers' old names
    warnings.simplefilter("ignore")
    from binance import AsyncClient, BinanceSocketManager
    from binance.exceptions import BinanceAPIException
    from binance.ws.depthcache import DepthCacheManager
    from binance.ws.reconnecting_websocket import ReconnectingWebsocket

PATIENCE_SECONDS = 10.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:binance"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
]


@pytest.fixture
async def third_party(exchange: ExchangeServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    host = f"127.0.0.1:{exchange.port}"
    monkeypatch.setattr(AsyncClient, "API_URL", f"http://{host}/api")
    monkeypatch.setattr(AsyncClient, "WS_API_URL", f"ws://{host}/ws-api/v3")
    monkeypatch.setattr(BinanceSocketManager, "STREAM_URL", f"ws://{host}/")
    # how long its reader sleeps before it sees that it should end
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 1.0)
    client = await AsyncClient.create(DEMO_KEY, DEMO_SECRET)
    yield client
    await client.close_connection()


async def test_it_reads_the_market(third_party: Any) -> None:
    info = await third_party.get_symbol_info("BTCUSDT")
    assert info["status"] == "TRADING"
    book = await third_party.get_order_book(symbol="BTCUSDT", limit=5)
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    klines = await third_party.get_klines(symbol="BTCUSDT", interval="1m", limit=50)
    assert len(klines) == 50
    history = await third_party.get_historical_klines("BTCUSDT", "1m", start_str=klines[10][0])
    assert [row[:5] for row in history[:30]] == [row[:5] for row in klines[10:40]]
    assert (await third_party.get_symbol_ticker(symbol="BTCUSDT"))["symbol"] == "BTCUSDT"
    assert await third_party.get_recent_trades(symbol="BTCUSDT") is not None


async def test_it_places_queries_and_cancels_an_order(third_party: Any) -> None:
    placed = await third_party.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="50000.00")
    assert placed["status"] == "NEW"
    queried = await third_party.get_order(symbol="BTCUSDT", origClientOrderId=placed["clientOrderId"])
    assert queried["orderId"] == placed["orderId"]
    assert len(await third_party.get_open_orders(symbol="BTCUSDT")) == 1
    cancelled = await third_party.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED"
    assert await third_party.get_open_orders() == []
    assert len(await third_party.get_all_orders(symbol="BTCUSDT")) == 1


async def test_its_market_order_shows_in_its_account_and_trades(third_party: Any) -> None:
    bought = await third_party.order_market_buy(symbol="BTCUSDT", quantity="0.01")
    assert bought["status"] == "FILLED"
    trades = await third_party.get_my_trades(symbol="BTCUSDT")
    assert sum(Decimal(trade["qty"]) for trade in trades) == Decimal("0.01")
    account = await third_party.get_account()
    held = {entry["asset"]: Decimal(entry["free"]) for entry in account["balances"]}
    assert held["BTC"] == Decimal("1.00999")


async def test_it_understands_a_refusal(third_party: Any) -> None:
    with pytest.raises(BinanceAPIException) as refused:
        await third_party.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="50000.001")
    assert (refused.value.status_code, refused.value.code) == (400, -1013)


async def test_it_trades_over_the_websocket_api(third_party: Any) -> None:
    placed = await third_party.ws_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="50000.00"
    )
    assert placed["status"] == "NEW"
    cancelled = await third_party.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED"


async def test_its_user_socket_hears_of_its_orders(third_party: Any) -> None:
    manager = BinanceSocketManager(third_party)
    async with manager.user_socket() as socket:
        await third_party.order_market_buy(symbol="BTCUSDT", quantity="0.01")
        kinds = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "outboundAccountPosition" not in kinds:
                kinds.append((await socket.recv())["e"])
    assert kinds == ["executionReport", "executionReport", "outboundAccountPosition"]


async def test_its_market_sockets_hear_the_market(third_party: Any) -> None:
    manager = BinanceSocketManager(third_party)
    names = ["btcusdt@bookTicker", "btcusdt@trade", "btcusdt@kline_1m", "btcusdt@depth@100ms"]
    seen: dict[str, Any] = {}
    async with manager.multiplex_socket(names) as socket, asyncio.timeout(PATIENCE_SECONDS):
        while len(seen) < len(names):
            message = await socket.recv()
            seen.setdefault(message["stream"], message["data"])
    assert seen["btcusdt@trade"]["s"] == "BTCUSDT"
    assert seen["btcusdt@kline_1m"]["k"]["i"] == "1m"


async def test_its_depth_cache_follows_the_book(third_party: Any) -> None:
    async with (
        DepthCacheManager(third_party, "BTCUSDT", ws_interval=100) as manager,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        for _ in range(5):
            cache = await manager.recv()
            (bid, _), (ask, _) = cache.get_bids()[0], cache.get_asks()[0]
            assert bid < ask
            assert len(cache.get_bids()) > 10
