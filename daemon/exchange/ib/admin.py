"""The admin endpoint of the fake TWS: faults, money, switches, truth. JSON over HTTP, its own port."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from actors.errors import UsageError
from daemon.exchange.admin_desk import AdminDesk, amount_for, as_json, errors_as_json
from daemon.exchange.faults import Fault
from daemon.exchange.ib.order_request import market_order
from daemon.exchange.ib.sessions import Switches

if TYPE_CHECKING:
    from daemon.exchange.ib.server import IbServer

SYSTEM_TEXTS = {
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
    1300: "TWS socket port has been reset and this connection is being dropped.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    2105: "HMDS data farm connection is broken:ushmds",
    2106: "HMDS data farm connection is OK:ushmds",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
}
BY_HAND = 0
"""The client that orders by hand belong to."""


class Transfer(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a deposit or a withdrawal."""

    account: str
    asset: str
    amount: str


class IbAdmin:
    """Routes of the operator of the fake."""

    def __init__(self, server: IbServer) -> None:
        self._server = server
        self._by_hand = 0
        self._desk = AdminDesk(server.faults, server.truth, happen=self._happen)

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(middlewares=[errors_as_json])
        app.add_routes(
            [
                web.get("/status", self._status),
                *self._desk.routes(),
                web.post("/deposit", self._deposit),
                web.post("/withdraw", self._withdraw),
                web.post("/switches", self._switch),
            ]
        )
        return app

    async def _status(self, request: web.Request) -> web.StreamResponse:
        server = self._server
        return as_json(
            {
                "server_time_ms": server.clock.now_ms(),
                "symbols": list(server.market.symbols),
                "events": server.market.events_taken,
                "clients": list(server.sessions.lines),
                "faults_happened": server.faults.happened,
                "truth_lines": server.truth.lines,
            }
        )

    async def _happen(self, fault: Fault) -> None:
        self.happen(fault)

    def happen(self, fault: Fault) -> None:
        """What happens at once."""
        server, seconds = self._server, fault.milliseconds / 1_000
        match fault.kind:
            case "drop":
                server.cut_all()
            case "stall":
                for line in server.sessions.all_lines:
                    line.stall(seconds)
            case "system_message":
                code = fault.code or 1100
                server.sessions.system_message(code, SYSTEM_TEXTS.get(code, f"message {code}"))
            case "order_message":
                live = server.desk.live()
                if not live:
                    raise UsageError("no order is live: place one first")
                server.sessions.on_error(live[-1], fault.code or 399, f"message {fault.code or 399}")
            case "reset":
                server.sessions.system_message(1100, SYSTEM_TEXTS[1100])
                server.close_for(seconds)
                for line in list(server.sessions.all_lines):
                    line.hang_up()
            case "reset_order_ids":
                server.sessions.forget_ids()
            case "correct_execution" | "correct_quantity" | "bust_execution":
                self._correct(fault)
            case "trade_by_hand":
                self._trade_by_hand(fault)
            case "midnight":
                server.sessions.replies.executions_from_ns = server.clock.now_ns()
            case "clock_skew":
                server.clock.skew_ms = fault.milliseconds

    def _correct(self, fault: Fault) -> None:
        executions = self._server.desk.executions
        if not executions:
            raise UsageError("nothing has been executed yet: trade first")
        newest, desk, amount = executions[-1], self._server.desk, fault.code or 1
        match fault.kind:
            case "correct_quantity":
                desk.correct(newest.exec_id, quantity=Decimal(amount))
            case "bust_execution":
                desk.correct(newest.exec_id, quantity=Decimal(0))
            case _:
                step = newest.order.contract.instrument.tick_size
                desk.correct(newest.exec_id, price=newest.price + step * amount)

    def _trade_by_hand(self, fault: Fault) -> None:
        server, quantity = self._server, fault.code or 1
        contract = server.catalogue.by_symbol.get(fault.symbol or "")
        if contract is None:
            raise UsageError(f"{fault.symbol!r} is not listed: GET /status shows the symbols")
        self._by_hand -= 1
        account = fault.account or server.settings.accounts[0].name
        request = market_order(self._by_hand, account, contract, quantity)
        server.desk.place(BY_HAND, request, server.market.symbols)

    async def _deposit(self, request: web.Request) -> web.StreamResponse:
        return self._transfer(await request.read(), 1)

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        return self._transfer(await request.read(), -1)

    def _transfer(self, body: bytes, sign: int) -> web.StreamResponse:
        try:
            transfer = msgspec.json.decode(body, type=Transfer)
        except msgspec.DecodeError as error:
            raise UsageError(f'write {{"account": …, "asset": …, "amount": "1.5"}} ({error})') from None
        server = self._server
        amount = amount_for(transfer.account, transfer.amount, server.settings.accounts)
        if not server.engine.transfer(transfer.account, transfer.asset, sign * amount):
            raise UsageError(f"less than {amount} {transfer.asset} is free: withdraw less")
        server.records.transferred(transfer.account, transfer.asset, sign * amount)
        server.sessions.replies.on_values(transfer.account)
        balance = server.engine.balances(transfer.account)[transfer.asset]
        return as_json({"free": balance.free, "locked": balance.locked})

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        try:
            self._server.sessions.switches = msgspec.json.decode(await request.read(), type=Switches)
        except msgspec.DecodeError as error:
            raise UsageError(f"no such switch ({error})") from None
        return as_json(self._server.sessions.switches)
