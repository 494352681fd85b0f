"""The WebSocket API: /ws-api/v3, requests by id, sessions, user data subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from daemon.exchange.binance.connection import Connection, frame
from daemon.exchange.binance.endpoints import BY_NAME, Endpoint
from daemon.exchange.binance.errors import ApiError, missing
from daemon.exchange.binance.format import encoded
from daemon.exchange.binance.gateway import Call, Gateway, Reply, error_body, refused_handshake
from daemon.exchange.binance.services import Services
from daemon.exchange.binance.signatures import parameter_text, websocket_payload
from daemon.exchange.binance.user_data import UserData

CONNECT_WEIGHT = 2
SUBSCRIBE_WEIGHT = 2


class Request(msgspec.Struct):
    """What a client sends."""

    method: str
    id: int | str | None = None
    params: dict[str, Any] = {}


class Session(Connection):
    """One client of the WebSocket API."""

    def __init__(self, *, connected_ms: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.connected_ms = connected_ms
        self.account: str | None = None
        """Set by `session.logon`."""
        self.api_key: str | None = None
        self.logged_on_ms: int | None = None
        self.tasks: set[asyncio.Task[None]] = set()


class WebSocketApi:
    """Answers requests; those of one connection may overtake each other only while a fault delays them."""

    def __init__(self, services: Services, gateway: Gateway, user_data: UserData) -> None:
        self._services, self._gateway, self._user_data = services, gateway, user_data
        self.sessions: dict[Session, None] = {}
        self._own: dict[str, Callable[[Session, Request], Any]] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._subscriptions,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def add_routes(self, app: web.Application) -> None:
        """One path."""
        app.router.add_get("/ws-api/v3", self._serve)

    def announce_shutdown(self) -> None:
        """`serverShutdown` to everybody."""
        payload = encoded({"event": {"e": "serverShutdown", "E": self._services.clock.now_ms()}})
        for session in self.sessions:
            session.push(frame(payload))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        address, now_ms = request.remote or "", self._services.clock.now_ms()
        refused = refused_handshake(self._services, request, "ws_api", weight=CONNECT_WEIGHT)
        if refused is not None:
            return refused
        session = Session(
            connected_ms=now_ms,
            timings=self._services.settings.timings,
            messages_per_second=None,
            address=address,
        )
        self.sessions[session] = None

        async def on_text(text: str) -> None:
            # a reply that a fault delays must not hold up the next request
            task = asyncio.create_task(self._answer(session, text))
            session.tasks.add(task)
            task.add_done_callback(session.tasks.discard)

        try:
            return await session.serve(request, on_text)
        finally:
            self._user_data.forget(session)
            self.sessions.pop(session, None)
            for task in session.tasks:
                task.cancel()

    async def _answer(self, session: Session, text: str) -> None:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.DecodeError as error:
            refusal = ApiError(-1135, f"Invalid JSON Request: {error}")
            session.push(frame(encoded(self._failure(session, None, refusal))))
            return
        own = self._own.get(request.method)
        if own is not None:
            session.push(frame(encoded(self._answer_own(session, request, own))))
            return
        endpoint = BY_NAME.get(request.method)
        if endpoint is None:
            refusal = ApiError(-1000, f"Unknown method '{request.method}'.")
            session.push(frame(encoded(self._failure(session, request.id, refusal))))
            return
        reply = await self._gateway.perform(self._call(session, request, endpoint))
        if reply is not None:
            session.push(frame(encoded(self._reply(session, request, reply))))

    def _call(self, session: Session, request: Request, endpoint: Endpoint) -> Call:
        params = request.params
        signature = params.get("signature")
        return Call(
            endpoint=endpoint,
            params={name: parameter_text(value) for name, value in params.items()},
            payload=websocket_payload(params),
            signature=None if signature is None else str(signature),
            key=None if params.get("apiKey") is None else str(params["apiKey"]),
            address=session.address,
            transport="ws_api",
            logged_on=session.account,
        )

    def _reply(self, session: Session, request: Request, reply: Reply) -> dict[str, Any]:
        if reply.error is not None:
            return self._failure(session, request.id, reply.error)
        answer = self._success(session, request.id, reply.result)
        if request.method == "order.place" and reply.account is not None:
            counts = self._services.limits.order_status(reply.account, self._services.clock.now_ms())
            answer["rateLimits"] = counts + answer["rateLimits"]
        return answer

    def _success(self, session: Session, request_id: Any, result: Any) -> dict[str, Any]:
        limits = self._services.limits.weight_status(session.address, self._services.clock.now_ms())
        return {"id": request_id, "status": 200, "result": result, "rateLimits": [limits]}

    def _failure(self, session: Session, request_id: Any, error: ApiError) -> dict[str, Any]:
        now_ms = self._services.clock.now_ms()
        body: dict[str, Any] = error_body(error)
        if error.retry_at_ms is not None:
            body["data"] = {"serverTime": now_ms, "retryAfter": error.retry_at_ms}
        limits = self._services.limits.weight_status(session.address, now_ms)
        return {"id": request_id, "status": error.status, "error": body, "rateLimits": [limits]}

    # sessions and user data

    def _answer_own(
        self, session: Session, request: Request, call: Callable[[Session, Request], Any]
    ) -> dict[str, Any]:
        services = self._services
        try:
            services.limits.charge(session.address, SUBSCRIBE_WEIGHT, services.clock.now_ms())
            result = call(session, request)
        except ApiError as error:
            services.truth.write(
                "request", None, method=request.method, transport="ws_api", refused=error.code
            )
            return self._failure(session, request.id, error)
        services.truth.write("request", session.account, method=request.method, transport="ws_api")
        return self._success(session, request.id, result)

    def _authenticated(self, session: Session, request: Request) -> str:
        endpoint = BY_NAME["account.status"]
        if "signature" not in request.params:
            raise missing("signature")
        return self._gateway.authenticate(self._call(session, request, endpoint))

    def _log_on(self, session: Session, request: Request) -> dict[str, Any]:
        account = self._authenticated(session, request)
        key = str(request.params.get("apiKey"))
        if not self._services.keys[key].is_ed25519:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        session.account, session.api_key = account, key
        session.logged_on_ms = self._services.clock.now_ms()
        return self._status(session, request)

    def _log_out(self, session: Session, request: Request) -> dict[str, Any]:
        session.account = session.api_key = session.logged_on_ms = None
        return self._status(session, request)

    def _status(self, session: Session, request: Request) -> dict[str, Any]:
        return {
            "apiKey": session.api_key,
            "authorizedSince": session.logged_on_ms,
            "connectedSince": session.connected_ms,
            "returnRateLimits": True,
            "serverTime": self._services.clock.now_ms(),
            "userDataStream": bool(self._user_data.active(session)),
        }

    def _subscriptions(self, session: Session, request: Request) -> list[dict[str, Any]]:
        return [{"subscriptionId": number} for number in self._user_data.active(session)]

    def _subscribe(self, session: Session, request: Request) -> dict[str, Any]:
        if session.account is None:
            raise ApiError(-2015, "Session is not authenticated: send session.logon first.", status=401)
        return {"subscriptionId": self._user_data.subscribe(session, session.account)}

    def _subscribe_signed(self, session: Session, request: Request) -> dict[str, Any]:
        account = self._authenticated(session, request)
        return {"subscriptionId": self._user_data.subscribe(session, account)}

    def _unsubscribe(self, session: Session, request: Request) -> dict[str, Any]:
        number = request.params.get("subscriptionId")
        if number is not None and not isinstance(number, int):
            raise ApiError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
        self._user_data.unsubscribe(session, number)
        return {}
