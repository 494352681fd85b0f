"""A small local Binance Spot: real sockets, the documented protocol, faults on request.

It matches nothing: tests say what trades (`fill`), what is published (`publish`), what goes wrong (`script`).
Checks that a client must not fail are real: signatures, timestamps, duplicates of open client order ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

API_KEY = "test-key"
SECRET = "test-secret"

Json = dict[str, Any]
Answer = tuple[int, Json | list[Any]]

BTCUSDT: Json = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000", "stepSize": "0.00001000"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "120", "stepSize": "0.00000000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        {"filterType": "SOMETHING_NEW", "whatever": [1, 2]},
    ],
    "aNewField": {"nested": True},
}


class Drop(Exception):
    """Cut the connection instead of answering."""


class Refused(Exception):
    """Answer with a code."""

    def __init__(self, status: int, code: int, text: str = "") -> None:
        self.status, self.code, self.text = status, code, text


class BinanceServer:
    """One server for REST, streams and WebSocket API; `async with` it."""

    def __init__(self, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.clock_ms = clock_ms
        self.symbols: list[Json] = [dict(BTCUSDT), {**BTCUSDT, "symbol": "ETHBTC", "baseAsset": "ETH"}]
        self.klines: list[list[Any]] = []
        self.depth: Callable[[], Json] = lambda: {"lastUpdateId": 0, "bids": [], "asks": []}
        self.orders: list[Json] = []
        self.trades: list[Json] = []
        self.balances: list[Json] = [{"asset": "USDT", "free": "900.5", "locked": "99.5"}]
        self.requests: list[tuple[str, Json]] = []
        """(`GET /path` or WebSocket API method, parameters) of all that came."""
        self.script: dict[str, deque[str | Refused]] = defaultdict(deque)
        """Per request name, what happens instead of the next answers: `lose`, `ignore`, `drop`, `fail` or a
        refusal; `lose`, `drop` and `fail` (an HTTP 503 with -1007) come after the work was done."""
        self.headers: dict[str, str] = {}
        self.refusal_headers: dict[str, str] = {}
        self.retry_after_ms = 0
        """How long a 429 or 418 over the WebSocket API asks to wait."""
        self.streams: list[tuple[web.WebSocketResponse, list[str]]] = []
        self.users: list[web.WebSocketResponse] = []
        self.subscribed: set[web.WebSocketResponse] = set()
        self.accepting = True
        self.connections = 0
        """Stream connections so far."""
        self.answering_pings = True
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._changed = asyncio.Condition()
        self._execution_id = 0

    async def __aenter__(self) -> BinanceServer:
        app = web.Application()
        app.router.add_get("/stream", self._on_stream)
        app.router.add_get("/ws-api/v3", self._on_trading)
        app.router.add_route("*", "/api/v3/{name:.*}", self._on_rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.rest_url = f"http://127.0.0.1:{port}"
        self.stream_url = f"ws://127.0.0.1:{port}"
        self.trading_url = f"ws://127.0.0.1:{port}/ws-api/v3"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.accepting = False
        self.drop_streams()
        self.drop_users()
        await self._runner.cleanup()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that a request brings about."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    def count(self, name: str) -> int:
        """How often a request came."""
        return sum(1 for what, _ in self.requests if what == name)

    # market data

    async def publish(self, stream: str, data: Json) -> None:
        """Send an event to every connection that has subscribed to it."""
        for socket, names in self.streams:
            if stream in names:
                await socket.send_str(json.dumps({"stream": stream, "data": data}))

    async def say(self, text: str) -> None:
        """Send raw text over all stream connections."""
        for socket, _ in self.streams:
            await socket.send_str(text)

    def drop_streams(self) -> None:
        """Cut all stream connections."""
        for socket, _ in list(self.streams):
            self.cut(socket)

    def drop_users(self) -> None:
        """Cut all WebSocket API connections."""
        for socket in list(self.users):
            self.cut(socket)

    async def _on_stream(self, request: web.Request) -> web.StreamResponse:
        socket = await self._accept(request)
        names = [name for name in request.query.get("streams", "").split("/") if name]
        entry = (socket, names)
        self.streams.append(entry)
        self.connections += 1
        await self._tell()
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._control(socket, names, json.loads(message.data))
        self.streams.remove(entry)
        await self._tell()
        return socket

    async def _control(self, socket: web.WebSocketResponse, names: list[str], request: Json) -> None:
        if request["method"] == "SUBSCRIBE":
            names.extend(request["params"])
            await socket.send_str(json.dumps({"result": None, "id": request["id"]}))
        else:
            await socket.send_str(json.dumps({"code": 2, "msg": "invalid request", "id": request["id"]}))
        await self._tell()

    # REST

    async def _on_rest(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        what = f"{request.method} /api/v3/{name}"
        body = (await request.read()).decode()
        payload = request.query_string + body
        params: Json = dict(parse_qsl(payload))
        self.requests.append((what, params))
        await self._tell()
        try:
            fault = self._next_fault(what)
            if request.headers.get("X-MBX-APIKEY"):
                self._check(payload.rpartition("&signature=")[0], params)
            status, answer = self._answer(what, params)
            if fault in ("drop", "lose"):
                raise Drop
            if fault == "fail":
                raise Refused(503, -1007, "Timeout waiting for response from backend server.")
        except Refused as refused:
            text = {"code": refused.code, "msg": refused.text}
            return web.json_response(text, status=refused.status, headers=self.refusal_headers)
        except Drop:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.json_response(answer, status=status, headers=self.headers)

    # WebSocket API

    async def _on_trading(self, request: web.Request) -> web.StreamResponse:
        socket = await self._accept(request)
        self.users.append(socket)
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._on_request(socket, json.loads(message.data))
        self.users.remove(socket)
        self.subscribed.discard(socket)
        await self._tell()
        return socket

    async def _on_request(self, socket: web.WebSocketResponse, request: Json) -> None:
        method, params = request["method"], request["params"]
        self.requests.append((method, params))
        reply: Json = {"id": request["id"], "rateLimits": []}
        try:
            fault = self._next_fault(method)
            unsigned = {name: value for name, value in params.items() if name != "signature"}
            self._check("&".join(f"{name}={unsigned[name]}" for name in sorted(unsigned)), params)
            if fault == "ignore":
                return
            if method == "userDataStream.subscribe.signature":
                self.subscribed.add(socket)
                status, result = 200, {"subscriptionId": 0}
            else:
                status, result = self._answer(method, params)  # type: ignore[assignment]
            if fault == "drop":
                self.cut(socket)
            if fault in ("drop", "lose"):
                return
            if fault == "fail":
                raise Refused(503, -1007, "Timeout waiting for response from backend server.")
            reply |= {"status": status, "result": result}
        except Refused as refused:
            error: Json = {"code": refused.code, "msg": refused.text}
            if refused.status in (429, 418):
                error["data"] = {"retryAfter": self.clock_ms() + self.retry_after_ms}
            reply |= {"status": refused.status, "error": error}
        finally:
            await self._tell()
        await socket.send_str(json.dumps(reply))

    async def report(self, order: Json, execution: str, **more: Any) -> None:
        """Send an executionReport about an order."""
        self._execution_id += 1
        event = {
            "e": "executionReport", "E": self.clock_ms(), "s": order["symbol"], "c": order["clientOrderId"],
            "S": order["side"], "o": order["type"], "q": order["origQty"], "p": order["price"], "C": "",
            "x": execution, "X": order["status"], "r": "NONE", "i": order["orderId"], "l": "0", "L": "0",
            "z": order["executedQty"], "n": "0", "N": None, "T": self.clock_ms(), "t": -1,
            "I": self._execution_id, "w": True, "m": False, **more,
        }  # fmt: skip
        await self.tell_user(event)

    async def tell_user(self, event: Json) -> None:
        """Send a user data event."""
        for socket in list(self.subscribed):
            await socket.send_str(json.dumps({"subscriptionId": 0, "event": event}))

    async def fill(self, order: Json, quantity: str, price: str, *, tell: bool = True) -> Json:
        """Execute part of an order."""
        filled = Decimal(order["executedQty"]) + Decimal(quantity)
        order["executedQty"] = str(filled)
        order["status"] = "FILLED" if filled == Decimal(order["origQty"]) else "PARTIALLY_FILLED"
        trade = {
            "symbol": order["symbol"], "id": 56 + len(self.trades), "orderId": order["orderId"],
            "price": price, "qty": quantity, "commission": "0.00001", "commissionAsset": "BNB",
            "time": self.clock_ms(), "isBuyer": order["side"] == "BUY", "isMaker": True,
        }  # fmt: skip
        self.trades.append(trade)
        if tell:
            more = {"l": quantity, "L": price, "t": trade["id"], "n": "0.00001", "N": "BNB", "m": True}
            await self.report(order, "TRADE", **more)
        return trade

    # what both doors answer

    def _answer(self, what: str, params: Json) -> Answer:
        handlers: dict[str, Callable[[Json], Answer]] = {
            "GET /api/v3/time": lambda _: (200, {"serverTime": self.clock_ms()}),
            "GET /api/v3/exchangeInfo": self._exchange_info,
            "GET /api/v3/klines": self._klines,
            "GET /api/v3/depth": lambda _: (200, self.depth()),
            "POST /api/v3/order": self._place,
            "order.place": self._place,
            "DELETE /api/v3/order": self._cancel,
            "order.cancel": self._cancel,
            "GET /api/v3/order": lambda p: (200, self._find(p, -2013)),
            "GET /api/v3/openOrders": lambda _: (200, [o for o in self.orders if _is_open(o)]),
            "GET /api/v3/allOrders": lambda p: (200, [o for o in self.orders if o["symbol"] == p["symbol"]]),
            "GET /api/v3/myTrades": self._my_trades,
            "GET /api/v3/account": lambda _: (200, {"balances": self.balances, "canTrade": True}),
        }
        handler = handlers.get(what)
        if handler is None:
            raise Refused(404, -1000, f"no {what} here")
        return handler(params)

    def _exchange_info(self, params: Json) -> Answer:
        wanted = json.loads(params["symbols"]) if "symbols" in params else None
        listed = [info["symbol"] for info in self.symbols]
        if wanted is not None and any(symbol not in listed for symbol in wanted):
            raise Refused(400, -1121, "Invalid symbol.")
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
        chosen = [info for info in self.symbols if wanted is None or info["symbol"] in wanted]
        return 200, {"timezone": "UTC", "rateLimits": limits, "symbols": chosen}

    def _klines(self, params: Json) -> Answer:
        start, end = int(params["startTime"]), int(params["endTime"])
        rows = [row for row in self.klines if start <= row[0] <= end]
        return 200, rows[: int(params["limit"])]

    def _place(self, params: Json) -> Answer:
        client_id = params["newClientOrderId"]
        if any(o["clientOrderId"] == client_id and _is_open(o) for o in self.orders):
            raise Refused(400, -2010, "Duplicate order sent.")
        order = {
            "symbol": params["symbol"], "orderId": 28 + len(self.orders), "clientOrderId": client_id,
            "price": params.get("price", "0"), "origQty": params["quantity"], "executedQty": "0",
            "status": "NEW", "type": params["type"], "side": params["side"], "time": self.clock_ms(),
        }  # fmt: skip
        self.orders.append(order)
        return 200, {**order, "transactTime": self.clock_ms()}

    def _cancel(self, params: Json) -> Answer:
        order = self._find(params, -2011)
        if not _is_open(order):
            raise Refused(400, -2011, "Unknown order sent.")
        order["status"] = "CANCELED"
        return 200, {**order, "origClientOrderId": order["clientOrderId"], "clientOrderId": "made-by-venue"}

    def _find(self, params: Json, code: int) -> Json:
        for order in self.orders:
            if str(order["orderId"]) == str(params.get("orderId")):
                return order
            if order["clientOrderId"] == params.get("origClientOrderId"):
                return order
        raise Refused(400, code, "Order does not exist." if code == -2013 else "Unknown order sent.")

    def _my_trades(self, params: Json) -> Answer:
        rows = [row for row in self.trades if row["symbol"] == params["symbol"]]
        if "orderId" in params:
            rows = [row for row in rows if str(row["orderId"]) == str(params["orderId"])]
        rows = [row for row in rows if row["id"] >= int(params.get("fromId", 0))]
        return 200, rows[: int(params.get("limit", 500))]

    def _check(self, payload: str, params: Json) -> None:
        expected = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if params.get("signature") != expected:
            raise Refused(400, -1022, "Signature for this request is not valid.")
        behind = self.clock_ms() - int(params["timestamp"])
        if behind > int(params.get("recvWindow", 5000)) or behind <= -1000:
            raise Refused(400, -1021, "Timestamp for this request is outside of the recvWindow.")

    def _next_fault(self, what: str) -> str:
        fault = self.script[what].popleft() if self.script[what] else ""
        if isinstance(fault, Refused):
            raise fault
        return fault

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        if not self.accepting:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(autoping=self.answering_pings)
        await socket.prepare(request)
        assert request.transport is not None
        self._transports[socket] = request.transport
        return socket

    def cut(self, socket: web.WebSocketResponse) -> None:
        """End one connection without a word."""
        transport = self._transports.pop(socket, None)
        if transport is not None:
            transport.abort()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _is_open(order: Json) -> bool:
    return order["status"] in ("NEW", "PARTIALLY_FILLED")
