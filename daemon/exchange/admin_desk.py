"""What the operator of any exchange can do: script faults, read the truth. JSON over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from aiohttp import web

from actors.errors import TradingError, UsageError
from daemon.exchange.faults import Fault, FaultBook
from daemon.exchange.settings import ExchangeAccount
from daemon.exchange.truth import TruthLog

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminDesk:
    """Routes that do not depend on the protocol."""

    def __init__(
        self, faults: FaultBook, truth: TruthLog, *, happen: Callable[[Fault], Awaitable[None]]
    ) -> None:
        """`happen` carries out a fault that waits for nothing."""
        self._faults, self._truth, self._happen = faults, truth, happen

    def routes(self) -> list[web.RouteDef]:
        """For an application."""
        return [
            web.get("/truth", self._tell_truth),
            web.get("/faults", self._list_faults),
            web.post("/faults", self._add_fault),
            web.delete("/faults", self._clear_faults),
            web.delete("/faults/{id:\\d+}", self._clear_faults),
        ]

    async def _tell_truth(self, request: web.Request) -> web.StreamResponse:
        accounts: dict[str, Any] = {}
        for name, account in self._truth.sum.accounts.items():
            accounts[name] = {
                "orders": list(account.orders.values()),
                "trades": account.trades,
                "balances": account.balances,
                "requests": account.requests,
                "rejected": account.rejected,
            }
        return as_json({"accounts": accounts})

    async def _list_faults(self, request: web.Request) -> web.StreamResponse:
        faults = self._faults
        return as_json(
            {
                "waiting": faults.waiting(),
                "happened": faults.happened,
                "kinds": {name: kind.meaning for name, kind in faults.kinds.items()},
                "fields": {name: ("count", *kind.fields) for name, kind in faults.kinds.items()},
                "methods": {name: kind.methods for name, kind in faults.kinds.items() if kind.methods},
            }
        )

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
        except msgspec.DecodeError as error:
            fields = [each.name for each in msgspec.structs.fields(Fault) if each.name not in ("kind", "id")]
            raise UsageError(
                f"no such fault ({error}): write JSON with kind and, where it takes them, {', '.join(fields)}"
            ) from None
        self._faults.add(fault)
        if self._faults.is_at_once(fault):
            self._faults.note(fault.kind)
            await self._happen(fault)
        return as_json(fault)

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info.get("id")
        return as_json({"cleared": self._faults.clear(int(number) if number else None)})


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What was asked wrongly is answered with its sentence."""
    try:
        return await handler(request)
    except TradingError as error:
        return as_json({"error": str(error)}, status=400)


def as_json(value: Any, status: int = 200) -> web.Response:
    """An answer."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")


def amount_for(account: str, text: str, accounts: Iterable[ExchangeAccount]) -> Decimal:
    """An amount that is to move.

    Raises:
        UsageError: There is no such account, or it is no amount.
    """
    if account not in {each.name for each in accounts}:
        raise UsageError(f"there is no account {account!r}: see --account")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise UsageError(f"amount is {text}: write a number above 0")
    return amount
