"""One door for both transports: limits, signature, faults, then the call itself."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from daemon.exchange.binance.endpoints import Endpoint
from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.format import encoded
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services
from daemon.exchange.binance.signatures import check_timing
from daemon.exchange.faults import Subject

BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")
BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."
UNKNOWN_OUTCOME = (
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
)
_ERROR_TEXTS = {-1008: BUSY, -1007: UNKNOWN_OUTCOME}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, whichever way it came."""

    endpoint: Endpoint
    params: dict[str, str]
    payload: str
    """What the signature is over."""
    signature: str | None
    key: str | None
    address: str
    transport: str
    logged_on: str | None = None
    """Account of a session that needs no signature."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back; `error` instead of `result` when the status is not 200."""

    status: int
    account: str | None
    result: Any = None
    error: ApiError | None = None


class Gateway:
    """Carries calls out."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def perform(self, call: Call) -> Reply | None:
        """The reply, or None when a fault keeps it back for ever."""
        services, endpoint = self._services, call.endpoint
        account: str | None = None
        refused: ApiError | None = None
        try:
            account = self._admit(call)
        except ApiError as error:
            refused = error
        faults, about = services.faults, Subject(call.params.get("symbol"), endpoint.name, account)
        if faults.take("lose_request", about):
            return None
        self._write(call, account, refused)
        reply = self._carry_out(call, account, refused)
        after = faults.take("error_after", about)
        if after is not None:
            reply = _failed(
                ApiError(after.code or -1007, _text(after.code or -1007), status=after.status), account
            )
        if faults.take("accept_and_lose", about):
            return None
        late = faults.take("delay_reply", about)
        if late is not None:
            await asyncio.sleep(late.milliseconds / 1_000)
        return reply

    def _admit(self, call: Call) -> str | None:
        services = self._services
        now_ms = services.clock.now_ms()
        storm = services.faults.take(
            "rate_limit_storm", Subject(call.params.get("symbol"), call.endpoint.name)
        )
        if storm is not None:
            raise services.limits.violation(call.address, now_ms, retry_ms=storm.milliseconds)
        services.limits.charge(call.address, call.endpoint.cost(call.params), now_ms)
        return self.authenticate(call) if call.endpoint.is_signed else None

    def authenticate(self, call: Call) -> str:
        """The account that signed.

        Raises:
            ApiError: Nobody we know did, or not in time.
        """
        now_ms = self._services.clock.now_ms()
        if call.logged_on is not None and call.signature is None:
            check_timing(call.params.get("timestamp"), call.params.get("recvWindow"), now_ms)
            return call.logged_on
        if not call.key:
            raise ApiError(-2014, "API-key format invalid.", status=401)
        key = self._services.keys.get(call.key)
        if key is None:
            raise ApiError(*BAD_KEY, status=401)
        if not call.signature:
            raise ApiError(
                -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
            )
        check_timing(call.params.get("timestamp"), call.params.get("recvWindow"), now_ms)
        if not key.verify(call.payload, call.signature):
            raise ApiError(-1022, "Signature for this request is not valid.")
        return key.account

    def _carry_out(self, call: Call, account: str | None, refused: ApiError | None) -> Reply:
        if refused is not None:
            return _failed(refused, account)
        services, endpoint = self._services, call.endpoint
        before = services.faults.take(
            "error_before", Subject(call.params.get("symbol"), endpoint.name, account)
        )
        params = Parameters(call.params)
        try:
            if before is not None:
                code = before.code or -1008
                raise ApiError(code, _text(code), status=before.status)
            result = endpoint.handler(services, Caller(address=call.address, account=account), params)
            params.refuse_unread()
        except ApiError as error:
            return _failed(error, account)
        if endpoint.name == "order.place":
            services.limits.refund(call.address, 1)
        return Reply(status=200, account=account, result=result)

    def _write(self, call: Call, account: str | None, refused: ApiError | None) -> None:
        hidden = ("signature", "apiKey")
        self._services.truth.write(
            "request",
            account,
            method=call.endpoint.name,
            transport=call.transport,
            params={name: value for name, value in call.params.items() if name not in hidden},
            refused=refused.code if refused else None,
        )


def error_body(error: ApiError) -> dict[str, Any]:
    """What a refused request gets."""
    return {"code": error.code, "msg": error.msg}


def refused_handshake(
    services: Services, request: web.Request, target: str, *, weight: int = 0
) -> web.Response | None:
    """The answer to a WebSocket handshake that is not let in."""
    now_ms, address = services.clock.now_ms(), request.remote or ""
    try:
        if services.faults.take("refuse_connection", Subject(method=target)):
            raise ApiError(-1016, "This service is no longer available.", status=503)
        services.limits.connect(address, now_ms)
        if weight:
            services.limits.charge(address, weight, now_ms)
    except ApiError as error:
        return web.Response(status=error.status, body=encoded(error_body(error)))
    return None


def _failed(error: ApiError, account: str | None) -> Reply:
    return Reply(status=error.status, account=account, error=error)


def _text(code: int) -> str:
    return _ERROR_TEXTS.get(code, "An unknown error occurred while processing the request.")
