"""The admin endpoint: scripts faults, moves money, tells the truth. JSON over HTTP, its own port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
from aiohttp import web

from actors.errors import UsageError
from daemon.exchange.admin_desk import AdminDesk, amount_for, as_json, errors_as_json
from daemon.exchange.binance.connection import Connection
from daemon.exchange.binance.protocol import BinanceProtocol
from daemon.exchange.binance.services import Services
from daemon.exchange.faults import Fault, Target
from daemon.exchange.wallet import Way

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Transfer(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a deposit or a withdrawal."""

    account: str
    asset: str
    amount: str
    way: Way = "chain"


class Conversion(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a conversion of a small balance."""

    account: str
    asset: str
    amount: str
    into: str
    received: str


class Admin:
    """Routes of the operator of the exchange."""

    def __init__(self, services: Services, protocol: BinanceProtocol) -> None:
        self._services, self._protocol = services, protocol
        self._desk = AdminDesk(services.faults, services.truth, happen=self._happen)

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(middlewares=[errors_as_json])
        app.add_routes(
            [
                web.get("/status", self._status),
                *self._desk.routes(),
                web.post("/deposit", self._deposit),
                web.post("/withdraw", self._withdraw),
                web.post("/convert", self._convert),
            ]
        )
        return app

    async def _status(self, request: web.Request) -> web.StreamResponse:
        services = self._services
        return as_json(
            {
                "server_time_ms": services.clock.now_ms(),
                "symbols": list(services.market.symbols),
                "events": services.market.events_taken,
                "market_ended": services.market.ended,
                "connections": {
                    target: len(self._protocol.connections(target))
                    for target in ("streams", "ws_api", "user_data")
                },
                "faults_happened": services.faults.happened,
                "truth_lines": services.truth.lines,
            }
        )

    async def _happen(self, fault: Fault) -> None:
        seconds = fault.milliseconds / 1_000
        match fault.kind:
            case "clock_skew":
                self._services.clock.skew_ms = fault.milliseconds
            case "drop":
                for connection in self._connections(fault):
                    connection.abort()
            case "stall":
                for connection in self._connections(fault):
                    connection.stall(seconds)
            case "server_shutdown":
                await self._protocol.shut_connections(fault.target)

    def _connections(self, fault: Fault) -> list[Connection]:
        target: Target = fault.target
        return self._protocol.connections(target, fault.account)

    async def _deposit(self, request: web.Request) -> web.StreamResponse:
        return self._transfer(await request.read(), 1)

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        return self._transfer(await request.read(), -1)

    def _transfer(self, body: bytes, sign: int) -> web.StreamResponse:
        try:
            transfer = msgspec.json.decode(body, type=Transfer)
        except msgspec.DecodeError as error:
            raise UsageError(f'write {{"account": …, "asset": …, "amount": "1.5"}} ({error})') from None
        amount = self._amount(transfer.account, transfer.amount)
        wallet, asset = self._services.venue.wallet, transfer.asset
        if not wallet.transfer(transfer.account, asset, sign * amount, transfer.way):
            raise UsageError(f"less than {amount} {asset} is free: withdraw less")
        return self._held(transfer.account, asset)

    async def _convert(self, request: web.Request) -> web.StreamResponse:
        try:
            wanted = msgspec.json.decode(await request.read(), type=Conversion)
        except msgspec.DecodeError as error:
            raise UsageError(
                'write {"account": …, "asset": …, "amount": "1.5", "into": "BNB", "received": "0.1"} '
                f"({error})"
            ) from None
        amount, received = (self._amount(wanted.account, text) for text in (wanted.amount, wanted.received))
        if not self._services.venue.wallet.convert(
            wanted.account, wanted.asset, amount, wanted.into, received
        ):
            raise UsageError(f"less than {amount} {wanted.asset} is free: convert less")
        return self._held(wanted.account, wanted.into)

    def _amount(self, account: str, text: str) -> Decimal:
        return amount_for(account, text, self._services.settings.accounts)

    def _held(self, account: str, asset: str) -> web.StreamResponse:
        balance = self._services.venue.balances(account)[asset]
        return as_json({"free": balance.free, "locked": balance.locked})
