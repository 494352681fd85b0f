"""REST: /api/v3 over HTTP, and of the wallet (/sapi) and perpetuals (/fapi) their histories."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from daemon.exchange.binance.endpoints import ENDPOINTS, FUTURES_ENDPOINTS, WALLET_ENDPOINTS, Endpoint
from daemon.exchange.binance.format import encoded
from daemon.exchange.binance.gateway import Call, Gateway, Reply, error_body
from daemon.exchange.binance.services import Services
from daemon.exchange.binance.signatures import split_signature

PREFIX = "/api/v3"
WALLET = "/sapi/"
GONE = ("/userDataStream", "/userDataStream/isolated")
BODY_MAX = 65_536


class RestApi:
    """Turns HTTP requests into calls."""

    def __init__(self, services: Services, gateway: Gateway) -> None:
        self._services, self._gateway = services, gateway

    def add_routes(self, app: web.Application) -> None:
        """Every endpoint that REST has; the withdrawn listen keys answer 410."""
        for endpoint in ENDPOINTS:
            app.router.add_route(endpoint.method, PREFIX + endpoint.path, self._handler(endpoint))
        for endpoint in (*WALLET_ENDPOINTS, *FUTURES_ENDPOINTS):
            app.router.add_route(endpoint.method, endpoint.path, self._handler(endpoint))
        for path in GONE:
            app.router.add_route("*", PREFIX + path, self._gone)

    def _handler(self, endpoint: Endpoint) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = (await request.content.read(BODY_MAX)).decode("utf-8", "replace")
            payload, signature = split_signature(request.url.raw_query_string, body)
            # on a clash the query wins
            pairs = [
                *parse_qsl(body, keep_blank_values=True),
                *parse_qsl(request.url.raw_query_string, keep_blank_values=True),
            ]
            call = Call(
                endpoint=endpoint,
                params=dict(pairs),
                payload=payload,
                signature=signature,
                key=request.headers.get("X-MBX-APIKEY"),
                address=request.remote or "",
                transport="rest",
            )
            reply = await self._gateway.perform(call)
            if reply is None:
                return _cut(request)
            return self._response(reply, call)

        return handle

    def _response(self, reply: Reply, call: Call) -> web.Response:
        services = self._services
        now_ms = services.clock.now_ms()
        weight = str(services.limits.used_weight(call.address, now_ms))
        headers = {"X-MBX-USED-WEIGHT": weight, "X-MBX-USED-WEIGHT-1M": weight}
        if call.endpoint.path.startswith(WALLET):
            headers = {"X-SAPI-USED-IP-WEIGHT-1M": weight}
        if reply.account is not None and call.endpoint.name == "order.place":
            short, day = services.limits.order_counts(reply.account, now_ms)
            headers |= {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1D": str(day)}
        if reply.error is not None and reply.error.retry_at_ms is not None:
            seconds = max(1, -(-(reply.error.retry_at_ms - now_ms) // 1_000))
            headers["Retry-After"] = str(seconds)
        content = reply.result if reply.error is None else error_body(reply.error)
        return web.Response(
            status=reply.status,
            body=encoded(content),
            headers=headers,
            content_type="application/json",
            charset="utf-8",
        )

    async def _gone(self, request: web.Request) -> web.StreamResponse:
        text = "Listen keys are gone: subscribe with userDataStream.subscribe.signature on the WebSocket API."
        body = encoded({"code": -1000, "msg": text})
        return web.Response(status=410, body=body, content_type="application/json", charset="utf-8")


def _cut(request: web.Request) -> web.StreamResponse:
    """The reply is lost with its connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)
