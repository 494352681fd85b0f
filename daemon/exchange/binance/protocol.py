"""Binance's Spot protocol as a whole: REST, market streams, WebSocket API and user data on one port."""

from __future__ import annotations

import asyncio

from aiohttp import web

from daemon.exchange.binance.connection import Connection
from daemon.exchange.binance.gateway import Gateway
from daemon.exchange.binance.rest import RestApi
from daemon.exchange.binance.services import Services
from daemon.exchange.binance.streams import MarketStreams
from daemon.exchange.binance.user_data import UserData
from daemon.exchange.binance.ws_api import WebSocketApi
from daemon.exchange.faults import Target


class BinanceProtocol:
    """Everything a client of the venue can connect to."""

    def __init__(self, services: Services) -> None:
        self._services = services
        gateway = Gateway(services)
        self._user_data = UserData(services)
        self._rest = RestApi(services, gateway)
        self._streams = MarketStreams(services)
        self._ws_api = WebSocketApi(services, gateway, self._user_data)
        services.venue.listen(self._user_data)
        services.market.listen(self._streams)

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application()
        self._rest.add_routes(app)
        self._streams.add_routes(app)
        self._ws_api.add_routes(app)
        return app

    def connections(self, target: Target, account: str | None = None) -> list[Connection]:
        """Open WebSockets of this kind; `account` narrows those with user data."""
        match target:
            case "streams":
                return list(self._streams.connections)
            case "ws_api":
                return list(self._ws_api.sessions)
            case "user_data":
                return self._user_data.connections(account)
            case "all":
                return [*self._streams.connections, *self._ws_api.sessions]

    async def shut_connections(self, target: Target) -> None:
        """Announce `serverShutdown`, and close what was open then after the notice."""
        closing = self.connections(target)
        if target in ("streams", "all"):
            self._streams.announce_shutdown()
        if target in ("ws_api", "user_data", "all"):
            self._ws_api.announce_shutdown()
        await asyncio.sleep(self._services.settings.timings.shutdown_notice_seconds)
        await asyncio.gather(*(connection.close() for connection in closing))

    async def close(self) -> None:
        """Close every connection now."""
        await asyncio.gather(*(connection.close() for connection in self.connections("all")))
