"""One combined-stream connection for ever: reconnected, renewed before its end, watched for silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import aiohttp
import msgspec
import structlog

from actors.venues.backoff import Backoff
from actors.venues.binance.wire import FRAME, Frame

log = structlog.get_logger(__name__)

STREAMS_MAX = 1024
"""Per connection."""
STREAMS_IN_URL = 100
STREAMS_PER_REQUEST = 200
REQUEST_GAP_SECONDS = 0.25
"""The venue cuts a connection off that sends more than five messages a second, its pongs included."""
ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 1.0
SHUTDOWN = "serverShutdown"

Route = Callable[[msgspec.Raw], None]


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Patience with a connection."""

    silence_seconds: float = 30.0
    """Without a single event the connection counts as dead, however open its socket is."""
    renew_seconds: float = 23.5 * 3600
    """The venue ends every connection at 24 h."""
    overlap_seconds: float = 5.0
    """How long an old connection goes on beside its successor when the successor has nothing to say yet."""
    connect_seconds: float = 10.0
    pause_seconds: float = 0.5
    pause_cap_seconds: float = 30.0


class _Connection:
    """One socket; its reader ends when the socket does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, line: StreamLine) -> None:
        self.socket = socket
        self.events = 0
        self.last_frame = time.monotonic()
        self.first_event = asyncio.Event()
        self.renew_due = asyncio.Event()
        self.answers: dict[int, asyncio.Future[None]] = {}
        self._line = line
        self.reader = asyncio.create_task(self._read(), name="binance stream reader")

    async def _read(self) -> None:
        take = self._line.take
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                take(message.data, self)

    async def request(self, number: int, names: Sequence[str]) -> None:
        """Subscribe to more streams.

        Raises:
            ConnectionError: Refused.
            TimeoutError: Not answered.
        """
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        request = {"method": "SUBSCRIBE", "params": list(names), "id": number}
        await self.socket.send_str(msgspec.json.encode(request).decode())
        async with asyncio.timeout(ANSWER_SECONDS):
            await answer

    async def close(self) -> None:
        """Give the socket up; what still arrives is not wanted."""
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        await self.socket.close()


class StreamLine:
    """Delivers every event of its streams to their routes until cancelled."""

    def __init__(
        self,
        *,
        session: Callable[[], aiohttp.ClientSession],
        url: str,
        routes: Mapping[str, Route],
        on_up: Callable[[], None],
        on_down: Callable[[str, bool], None],
        settings: StreamSettings,
    ) -> None:
        """`on_down` is given the reason, and whether the socket was merely silent."""
        assert len(routes) <= STREAMS_MAX
        self.unknown_frames = 0
        self.connections = 0
        self._session = session
        self._url = url.rstrip("/")
        self._routes = routes
        self._on_up = on_up
        self._on_down = on_down
        self._settings = settings
        self._backoff = Backoff(first_seconds=settings.pause_seconds, cap_seconds=settings.pause_cap_seconds)

    def take(self, text: str, connection: _Connection) -> None:
        """Route one frame; what nobody here knows is counted."""
        try:
            frame = FRAME.decode(text)
        except msgspec.MsgspecError:
            self._unknown(text)
            return
        route = self._routes.get(frame.stream)
        if route is None:
            self._take_notice(frame, text, connection)
            return
        connection.events += 1
        if connection.events == 1:
            connection.first_event.set()
        connection.last_frame = time.monotonic()
        route(frame.data)

    async def run(self) -> None:
        """Connect, deliver, reconnect."""
        while True:
            try:
                reason, silent = await self._one_life()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                reason, silent = f"{type(error).__name__} {error}".strip(), False
            self._on_down(reason, silent)
            await asyncio.sleep(self._backoff.next())

    async def _one_life(self) -> tuple[str, bool]:
        """From connected to lost, over any number of renewals."""
        connection = await self._open()
        try:
            self._on_up()
            while True:
                ended = await self._watch(connection)
                if ended is not None:
                    return ended
                connection = await self._renewed(connection)
        finally:
            await connection.close()

    async def _watch(self, connection: _Connection) -> tuple[str, bool] | None:
        """Wait for the end of a connection, or (None) for the time to renew it."""
        renew = asyncio.create_task(connection.renew_due.wait())
        began = time.monotonic()
        renew_at = began + self._settings.renew_seconds
        try:
            while True:
                now = time.monotonic()
                if now - began >= self._settings.pause_cap_seconds:
                    # Not at the first event: a venue that lets us in only to cut us off is left alone, too.
                    self._backoff.reset()
                quiet_until = connection.last_frame + self._settings.silence_seconds
                if now >= quiet_until:
                    return f"no event for {self._settings.silence_seconds:g} s", True
                if now >= renew_at:
                    return None
                await asyncio.wait(
                    (connection.reader, renew),
                    timeout=min(quiet_until, renew_at) - now,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if connection.reader.done():
                    return _why_ended(connection), False
                if renew.done():
                    return None
        finally:
            renew.cancel()

    async def _renewed(self, old: _Connection) -> _Connection:
        """A successor that already delivers; the old connection has gone on until then and is closed now."""
        while True:
            fresh = await self._open_beside(old)
            await self._overlap(old, fresh)
            if old.reader.done() or not fresh.reader.done():
                await old.close()
                return fresh
            # The successor has died first: the old one goes on.
            await fresh.close()
            await asyncio.sleep(self._backoff.next())

    async def _open_beside(self, old: _Connection) -> _Connection:
        while True:
            try:
                return await self._open()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if old.reader.done():
                    raise
                log.warning("renewal failed", url=self._url, error=type(error).__name__)
                await asyncio.sleep(self._backoff.next())

    async def _overlap(self, old: _Connection, fresh: _Connection) -> None:
        first = asyncio.create_task(fresh.first_event.wait())
        try:
            await asyncio.wait(
                (first, fresh.reader, old.reader),
                timeout=self._settings.overlap_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        except BaseException:
            await fresh.close()
            raise
        finally:
            first.cancel()

    async def _open(self) -> _Connection:
        names = list(self._routes)
        url = f"{self._url}/stream?streams={'/'.join(names[:STREAMS_IN_URL])}"
        async with asyncio.timeout(self._settings.connect_seconds):
            socket = await self._session().ws_connect(
                url, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
            )
        connection = _Connection(socket, self)
        self.connections += 1
        try:
            for number, part in enumerate(_chunks(names[STREAMS_IN_URL:]), 1):
                await connection.request(number, part)
                await asyncio.sleep(REQUEST_GAP_SECONDS)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _take_notice(self, frame: Frame, text: str, connection: _Connection) -> None:
        if frame.stream == f"!{SHUTDOWN}" or frame.event == SHUTDOWN:
            connection.renew_due.set()
        elif isinstance(frame.id, int) and frame.id in connection.answers:
            answer = connection.answers.pop(frame.id)
            if answer.done():
                return
            if frame.code is None:
                answer.set_result(None)
            else:
                answer.set_exception(ConnectionError(f"subscription refused: {frame.code} {frame.msg}"))
        else:
            self._unknown(text)

    def _unknown(self, text: str) -> None:
        self.unknown_frames += 1
        if self.unknown_frames == 1:
            log.warning("unknown frame, counted from now on", url=self._url, frame=text[:200])


def _why_ended(connection: _Connection) -> str:
    # The socket reports its own end quietly: an exception here is a fault of ours, which no reconnect mends.
    connection.reader.result()
    return f"connection closed ({connection.socket.close_code})"


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), STREAMS_PER_REQUEST):
        yield names[start : start + STREAMS_PER_REQUEST]
