"""Market streams: raw (/ws) and combined (/stream), with subscriptions that change while they run."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from daemon.exchange.binance import format as wire
from daemon.exchange.binance.connection import Connection, frame
from daemon.exchange.binance.gateway import refused_handshake
from daemon.exchange.binance.services import Services
from daemon.exchange.faults import Subject
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, Level, PublicTrade, Top
from daemon.exchange.market_data.klines import INTERVALS, interval_end, interval_start
from daemon.exchange.market_data.market import SymbolMarket

STREAMS_MAX = 1_024
KLINE_EVERY_MS = 2_000
SLOW_DEPTH_MS = 1_000


class StreamConnection(Connection):
    """One client of market data."""

    def __init__(self, *, combined: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.combined = combined
        self.names: dict[str, None] = {}


class Request(msgspec.Struct):
    """What a client sends."""

    method: str
    params: Any = None
    id: int | str | None = None


class MarketStreams:
    """Formats an event once, and only when somebody listens."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.connections: dict[StreamConnection, None] = {}
        self._listeners: dict[str, dict[StreamConnection, None]] = {}
        self._klines = _KlineClock()
        self._slow_depth: dict[str, _DepthSum] = {}
        self._names = {symbol: _Names(symbol.lower()) for symbol in services.market.symbols}

    def add_routes(self, app: web.Application) -> None:
        """`/ws`, `/ws/<name>`, `/ws/<name>/<name>`, `/stream?streams=a/b`."""
        app.router.add_get("/ws", self._raw)
        app.router.add_get("/ws/{names:.*}", self._raw)
        app.router.add_get("/stream", self._combined)

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.match_info.get("names", ""), combined=False)

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.query.get("streams", ""), combined=True)

    async def _serve(self, request: web.Request, names: str, *, combined: bool) -> web.StreamResponse:
        services = self._services
        refused = refused_handshake(services, request, "streams")
        if refused is not None:
            return refused
        connection = StreamConnection(
            combined=combined,
            timings=services.settings.timings,
            messages_per_second=services.settings.profile.messages_per_second,
            address=request.remote or "",
        )
        wanted = [name for name in names.split("/") if name]
        if len(wanted) > STREAMS_MAX:
            return web.Response(status=400, text=f"more than {STREAMS_MAX} streams")
        self.connections[connection] = None
        for name in wanted:
            self._subscribe(connection, name)

        async def on_text(text: str) -> None:
            connection.push(frame(wire.encoded(self._answer(connection, text))))

        try:
            return await connection.serve(request, on_text)
        finally:
            for name in list(connection.names):
                self._unsubscribe(connection, name)
            self.connections.pop(connection, None)

    # live control

    def _answer(self, connection: StreamConnection, text: str) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.ValidationError:
            return {"code": 2, "msg": "Invalid request: method, params and id are needed", "id": None}
        except msgspec.DecodeError as error:
            return {"code": 3, "msg": f"Invalid JSON: {error}", "id": None}
        names = request.params
        match request.method:
            case "SUBSCRIBE" | "UNSUBSCRIBE" if not _is_list_of_names(names):
                return {"code": 2, "msg": "Invalid request: params must be a list of names", "id": request.id}
            case "SUBSCRIBE":
                if len(connection.names) + len(names) > STREAMS_MAX:
                    return {"code": 2, "msg": "Invalid request: too many streams", "id": request.id}
                for name in names:
                    self._subscribe(connection, name)
                return {"result": None, "id": request.id}
            case "UNSUBSCRIBE":
                for name in names:
                    self._unsubscribe(connection, name)
                return {"result": None, "id": request.id}
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(connection.names), "id": request.id}
            case "SET_PROPERTY" | "GET_PROPERTY":
                return self._property(connection, request)
        return {"code": 2, "msg": f"Invalid request: unknown method {request.method}", "id": request.id}

    def _property(self, connection: StreamConnection, request: Request) -> dict[str, Any]:
        params = request.params
        if not isinstance(params, list) or not params or params[0] != "combined":
            return {"code": 0, "msg": "Unknown property", "id": request.id}
        if request.method == "GET_PROPERTY":
            return {"result": connection.combined, "id": request.id}
        if len(params) != 2 or not isinstance(params[1], bool):
            return {"code": 1, "msg": "Invalid value type: expected Boolean", "id": request.id}
        connection.combined = params[1]
        return {"result": None, "id": request.id}

    def _subscribe(self, connection: StreamConnection, name: str) -> None:
        connection.names[name] = None
        self._listeners.setdefault(name, {})[connection] = None

    def _unsubscribe(self, connection: StreamConnection, name: str) -> None:
        connection.names.pop(name, None)
        listeners = self._listeners.get(name)
        if listeners is not None:
            listeners.pop(connection, None)
            if not listeners:
                del self._listeners[name]

    def publish(self, name: str, payload: bytes) -> None:
        """Send one event to who listens to this name."""
        raw = combined = b""
        for connection in self._listeners.get(name, ()):
            if connection.combined:
                combined = combined or frame(b'{"stream":"%b","data":%b}' % (name.encode(), payload))
                connection.push(combined)
            else:
                raw = raw or frame(payload)
                connection.push(raw)

    def announce_shutdown(self) -> None:
        """`serverShutdown` to everybody."""
        payload = wire.encoded({"e": "serverShutdown", "E": self._services.clock.now_ms()})
        combined = b'{"stream":"!serverShutdown","data":%b}' % payload
        for connection in self.connections:
            connection.push(frame(combined if connection.combined else payload))

    # the market

    def on_top(self, market: SymbolMarket, top: Top) -> None:
        """Best bid and ask have changed."""
        name = self._names[market.symbol].top
        if name in self._listeners:
            self.publish(name, wire.top_event(top))

    def on_trade(self, market: SymbolMarket, trade: PublicTrade) -> None:
        """Others have traded."""
        names = self._names[market.symbol]
        if names.trade in self._listeners:
            self.publish(names.trade, wire.trade_event(trade))
        if names.aggregate in self._listeners:
            self.publish(names.aggregate, wire.aggregate_event(trade))

    def on_depth(self, market: SymbolMarket, change: DepthChange) -> None:
        """Levels have changed."""
        names = self._names[market.symbol]
        if self._services.faults.take("depth_gap", Subject(market.symbol)):
            self._slow_depth.pop(market.symbol, None)
            return
        if names.depth_fast in self._listeners:
            self.publish(names.depth_fast, wire.depth_event(change))
        for name, levels in names.partial:
            if name in self._listeners:
                self.publish(name, _partial_book(market, levels))
        if names.depth_slow not in self._listeners:
            self._slow_depth.pop(market.symbol, None)
        else:
            waiting = self._slow_depth.setdefault(market.symbol, _DepthSum(change))
            waiting.add(change)
            if waiting.is_due(change.event_ms):
                del self._slow_depth[market.symbol]
                self.publish(names.depth_slow, wire.depth_event(waiting.change()))

    def on_snapshot(self, market: SymbolMarket, snapshot: DepthSnapshot) -> None:
        """Streams carry no snapshots."""

    def on_pause(self, now_ms: int) -> None:
        """Klines go out by the clock, not by trades."""
        for market in self._services.market.symbols.values():
            for interval, name in self._names[market.symbol].klines:
                if name not in self._listeners:
                    self._klines.forget(name)
                    continue
                for open_ms, is_closed in self._klines.due(name, interval, now_ms):
                    bar = market.klines.bar_at(interval, open_ms)
                    payload = wire.kline_event(
                        market.symbol, interval, bar, event_ms=now_ms, is_closed=is_closed
                    )
                    self.publish(name, payload)


class _Names:
    """Stream names of one symbol, made once."""

    def __init__(self, symbol: str) -> None:
        self.top = f"{symbol}@bookTicker"
        self.trade = f"{symbol}@trade"
        self.aggregate = f"{symbol}@aggTrade"
        self.depth_fast = f"{symbol}@depth@100ms"
        self.depth_slow = f"{symbol}@depth"
        self.klines = [(interval, f"{symbol}@kline_{interval}") for interval in INTERVALS]
        self.partial = [
            (f"{symbol}@depth{levels}{speed}", levels) for levels in (5, 10, 20) for speed in ("", "@100ms")
        ]


class _KlineClock:
    """Which bars of a stream are due: every two seconds (one for `1s`) the open one, each closed one once."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[int, int]] = {}
        """Name → (open time of the bar last sent, when)."""

    def forget(self, name: str) -> None:
        """Nobody listens any more."""
        self._sent.pop(name, None)

    def due(self, name: str, interval: str, now_ms: int) -> list[tuple[int, bool]]:
        """(open time, whether it is closed), oldest first."""
        current = interval_start(interval, now_ms)
        sent = self._sent.get(name)
        if sent is None:
            self._sent[name] = (current, now_ms)
            return [(current, False)]
        found: list[tuple[int, bool]] = []
        open_ms, sent_ms = sent
        while open_ms < current:
            found.append((open_ms, True))
            open_ms = interval_end(interval, open_ms)
        every = 1_000 if interval == "1s" else KLINE_EVERY_MS
        if now_ms - sent_ms >= every or found:
            found.append((current, False))
            self._sent[name] = (current, now_ms)
        return found


class _DepthSum:
    """Changes of one second as one change."""

    def __init__(self, first: DepthChange) -> None:
        self._first = self._last = first
        self._bids: dict[str, Level] = {}
        self._asks: dict[str, Level] = {}

    def add(self, change: DepthChange) -> None:
        """The next change."""
        self._last = change
        self._bids |= {level[0]: level for level in change.bids}
        self._asks |= {level[0]: level for level in change.asks}

    def is_due(self, event_ms: int) -> bool:
        """Whether a second has gone by since the first."""
        return event_ms - self._first.event_ms >= SLOW_DEPTH_MS - 100

    def change(self) -> DepthChange:
        """All of them."""
        first, last = self._first, self._last
        bids, asks = list(self._bids.values()), list(self._asks.values())
        return DepthChange(first.symbol, first.first_id, last.last_id, last.event_ms, bids, asks)


def _partial_book(market: SymbolMarket, levels: int) -> bytes:
    book = market.book
    return wire.encoded({"lastUpdateId": book.last_id, "bids": book.bids(levels), "asks": book.asks(levels)})


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
