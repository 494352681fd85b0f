"""A small client of the exchange for tests: signs as the venue's documentation says, and nothing more."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp

from actors.venues.binance.sockets import abort
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import DEMO_KEY, DEMO_SECRET

PATIENCE_SECONDS = 10.0


def sign(payload: str, secret: str = DEMO_SECRET) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Client:
    """REST, admin and WebSockets of one exchange, as one account; the sockets it opened end with it."""

    def __init__(
        self,
        exchange: ExchangeServer,
        session: aiohttp.ClientSession,
        key: str = DEMO_KEY,
        secret: str = DEMO_SECRET,
    ) -> None:
        self.exchange, self.session, self.key, self.secret = exchange, session, key, secret
        self.headers: dict[str, str] = {}
        self._opened: list[aiohttp.ClientWebSocketResponse] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # A socket left to the garbage collector may be found unclosed by it, which is a warning.
        for socket in self._opened:
            abort(socket)

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.exchange.port}{path}"

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        return await self._request("GET", path, urlencode(params))

    async def signed(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        params.setdefault("timestamp", self.now_ms())
        query = urlencode(params)
        return await self._request(method, path, f"{query}&signature={sign(query, self.secret)}")

    async def order(self, **params: Any) -> tuple[int, Any]:
        return await self.signed("POST", "/order", **(a_limit_order() | params))

    async def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.exchange.admin_port}{path}"
        async with self.session.request(method, url, json=body) as response:
            return response.status, await response.json()

    async def fault(self, kind: str, **fields: Any) -> None:
        status, answer = await self.admin("POST", "/faults", {"kind": kind, **fields})
        assert status == 200, answer

    async def stream(self, names: str) -> Socket:
        return await self._open(f"/stream?streams={names}")

    async def raw_stream(self, names: str = "") -> Socket:
        return await self._open(f"/ws/{names}")

    async def ws_api(self) -> Socket:
        return await self._open("/ws-api/v3")

    async def user_data(self) -> Socket:
        socket = await self.ws_api()
        reply = await socket.call("userDataStream.subscribe.signature", signed=True)
        assert reply["result"] == {"subscriptionId": 0}
        return socket

    async def best(self, symbol: str = "BTCUSDT") -> tuple[str, str]:
        """Best bid and ask prices."""
        _, ticker = await self.get("/ticker/bookTicker", symbol=symbol)
        return ticker["bidPrice"], ticker["askPrice"]

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def _open(self, path: str) -> Socket:
        socket = await self.session.ws_connect(self.url(path, "ws"))
        self._opened.append(socket)
        return Socket(socket, self)

    async def _request(self, method: str, path: str, query: str) -> tuple[int, Any]:
        url = self.url(f"/api/v3{path}?{query}")
        headers = {"X-MBX-APIKEY": self.key}
        async with self.session.request(method, url, headers=headers) as response:
            self.headers = dict(response.headers)
            return response.status, await response.json()


class Socket:
    """One WebSocket whose messages are looked through in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, client: Client) -> None:
        self.socket, self._client = socket, client
        self._last_id = 0

    async def next(self, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next message that is wanted; the others are skipped."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.socket.receive_json()
                if wanted(message):
                    return message

    async def event(self, kind: str, **fields: Any) -> Any:
        """The next user data event of this kind with these fields."""
        message = await self.next(
            lambda m: (
                m.get("event", {}).get("e") == kind
                and all(m["event"].get(name) == value for name, value in fields.items())
            )
        )
        return message["event"]

    async def send(self, method: str, *, signed: bool = False, **params: Any) -> str:
        self._last_id += 1
        request: dict[str, Any] = {"id": str(self._last_id), "method": method}
        if signed:
            params |= {"apiKey": self._client.key, "timestamp": self._client.now_ms()}
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
            params["signature"] = sign(payload, self._client.secret)
        await self.socket.send_json(request | ({"params": params} if params else {}))
        return str(self._last_id)

    async def call(self, method: str, *, signed: bool = False, **params: Any) -> Any:
        sent = await self.send(method, signed=signed, **params)
        return await self.next(lambda message: message.get("id") == sent)

    async def control(self, method: str, params: Any = None) -> Any:
        self._last_id += 1
        sent = self._last_id
        await self.socket.send_json({"method": method, "params": params, "id": sent})
        return await self.next(lambda message: message.get("id") == sent)

    async def ended(self) -> bool:
        """Wait until the other side has closed or cut the line."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.socket.receive()
                if message.type in (
                    aiohttp.WSMsgType.CLOSE,
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                ):
                    return True

    async def close(self) -> None:
        await self.socket.close()


def a_limit_order(**params: Any) -> dict[str, Any]:
    """Rests far below the market."""
    terms = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
        "price": "50000.00",
    }  # fmt: skip
    return terms | params


def a_market_order(**params: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"} | params
