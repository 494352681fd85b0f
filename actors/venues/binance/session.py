"""The account's line: a subscribed WebSocket API connection, kept and renewed; and the venue's clock.

The core is told `BrokerStarted` only after user data are subscribed, so that nothing that happens after it is
missed, and `BrokerStopped` as soon as something might be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
import structlog

from actors.core.effects import effect
from actors.errors import TradingError, VenueUnreachable
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured
from actors.venues.backoff import Backoff
from actors.venues.binance.codes import Meaning, Refusal
from actors.venues.binance.rest import NS_PER_S, RestClient
from actors.venues.binance.signing import Signer
from actors.venues.binance.sockets import quick_to_die
from actors.venues.binance.trading import TradingSocket, note_limits
from actors.venues.binance.wire import TradingFrame
from actors.venues.ports import Intake

log = structlog.get_logger(__name__)

_NO_LINE = (VenueUnreachable, Refusal, aiohttp.ClientError, OSError, TimeoutError)


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Patience of an account's line."""

    answer_seconds: float = 5.0
    connect_seconds: float = 10.0
    renew_seconds: float = 23.5 * 3600
    """The venue ends every connection at 24 h."""
    clock_seconds: float = 300.0
    """Between measurements of the venue's clock."""
    pause_seconds: float = 0.5
    pause_cap_seconds: float = 30.0
    heartbeat_seconds: float = 10.0
    """Between our pings: a quiet line looks like a dead one, and what a dead one misses is not repeated."""
    timeout_seconds: float = 10.0
    """Of a REST request."""


class Session:
    """Always connected, or on its way there."""

    def __init__(
        self,
        *,
        account: str,
        url: str,
        api_key: str,
        signer: Signer,
        rest: RestClient,
        intake: Intake,
        clock: Callable[[], int],
        on_event: Callable[[msgspec.Raw], str],
        on_lost: Callable[[], None],
        settings: SessionSettings,
    ) -> None:
        self.socket: TradingSocket | None = None
        """What requests go over; None while there is nothing."""
        self.connections = 0
        self._account = account
        self._url = url
        self._api_key = api_key
        self._signer = signer
        self._rest = rest
        self._intake = intake
        self._clock = clock
        self._on_event = on_event
        self._on_lost = on_lost
        self._settings = settings
        self._http: aiohttp.ClientSession | None = None
        self._clock_due = asyncio.Event()
        self._is_up: bool | None = None

    async def stay_connected(self) -> None:
        """Connect, serve, reconnect, until cancelled."""
        backoff = self._backoff()
        while True:
            try:
                await self._measure_clock()
                self.socket = await self._connect()
            except _NO_LINE as error:
                self._down(_reason(error))
            else:
                began = self._clock()
                self._up()
                self._down(await self._serve())
                if self._clock() - began > self._settings.pause_cap_seconds * NS_PER_S:
                    backoff.reset()
            await asyncio.sleep(backoff.next())

    async def watch_clock(self) -> None:
        """Measure the venue's clock at intervals and when it is doubted, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._settings.clock_seconds):
                    await self._clock_due.wait()
            except TimeoutError:
                pass
            self._clock_due.clear()
            try:
                await self._measure_clock()
            except (VenueUnreachable, Refusal) as error:
                log.warning("clock not measured", account=self._account, error=str(error))

    def doubt_clock(self) -> None:
        """A request was refused for its timestamp."""
        self._clock_due.set()

    def drop(self, reason: str) -> None:
        """Abort the connection; a new one follows while `stay_connected` runs."""
        if self.socket is not None:
            self.socket.drop(reason)
            self.socket = None

    async def close(self) -> None:
        """Abort the connection for good."""
        self.drop("broker closed")
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _serve(self) -> str:
        """Until the connection is lost; renewals in between are not noticed outside."""
        socket = self.socket
        assert socket is not None
        while True:
            await _first_of(socket.lost, socket.renew_due, seconds=self._settings.renew_seconds)
            if not socket.lost.is_set():
                socket = await self._renewed(socket)
            if socket.lost.is_set():
                self.socket = None
                socket.raise_own_fault()
                return socket.reason

    async def _renewed(self, old: TradingSocket) -> TradingSocket:
        """A subscribed successor; the old connection stays for the answers it still owes."""
        backoff = self._backoff()
        fresh: TradingSocket | None = None
        while fresh is None and not old.lost.is_set():
            try:
                fresh = await self._connect()
            except _NO_LINE as error:
                log.warning("renewal failed", account=self._account, error=str(error))
                await asyncio.sleep(backoff.next())
        if fresh is None:
            return old
        if old.lost.is_set():
            # Events may have been missed in between: that is a new line, not a renewal.
            fresh.drop("the line before it was lost")
            return old
        self.socket = fresh
        try:
            await _first_of(old.idle, seconds=self._settings.answer_seconds)
        finally:
            old.drop("renewed")
        return fresh

    async def _connect(self) -> TradingSocket:
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=quick_to_die))
        async with asyncio.timeout(self._settings.connect_seconds):
            effect("socket.connect")
            connected = await self._http.ws_connect(
                self._url, max_msg_size=0, heartbeat=self._settings.heartbeat_seconds
            )
        self.connections += 1
        socket = TradingSocket(
            connected,
            on_event=self._on_event,
            on_limits=self._on_limits,
            answer_seconds=self._settings.answer_seconds,
        )
        try:
            await socket.subscribe(
                api_key=self._api_key, signer=self._signer, timestamp_ms=self._rest.venue_now_ms()
            )
        except BaseException as error:
            if isinstance(error, Refusal) and error.meaning is Meaning.SUBSCRIBED:
                return socket
            socket.drop("not subscribed")
            raise
        return socket

    def _up(self) -> None:
        self._is_up = True
        self._intake.offer(BrokerStarted(ts_event=self._clock(), account=self._account))

    def _down(self, reason: str) -> None:
        if self._is_up is False:
            return
        self._is_up = False
        self._on_lost()
        log.warning("broker down", account=self._account, reason=reason)
        self._intake.offer(BrokerStopped(ts_event=self._clock(), account=self._account, reason=reason))

    def _on_limits(self, frame: TradingFrame) -> None:
        now = self._clock() / NS_PER_S
        note_limits(frame, self._rest.budget, now, self._rest.offset_ms / 1000)

    async def _measure_clock(self) -> None:
        offset_ms = await self._rest.measure_clock()
        self._intake.offer(ClockMeasured(ts_event=self._clock(), account=self._account, offset_ms=offset_ms))

    def _backoff(self) -> Backoff:
        return Backoff(
            first_seconds=self._settings.pause_seconds, cap_seconds=self._settings.pause_cap_seconds
        )


def _reason(error: Exception) -> str:
    """Why there is no line, for people: our own errors speak for themselves."""
    if isinstance(error, Refusal) and error.meaning in (Meaning.KEY, Meaning.SIGNATURE):
        return f"{error}; check api_key and api_secret"
    return str(error) if isinstance(error, TradingError) else f"{type(error).__name__} {error}".strip()


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait until one of the events is set, or so long."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
