"""One client's WebSocket: frames go out in batches, pings are checked, faults may stall or cut it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import WSCloseCode, WSMsgType, web

from daemon.exchange.settings import Timings

TEXT = 0x1
PING = 0x9
UNSENT_MAX = 64 * 1024 * 1024
"""A client that reads so slowly that this much waits is cut off."""
INCOMING_MAX = 1024 * 1024


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One unmasked, unfragmented frame (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


class Connection:
    """Lives from the handshake until either side closes.

    Frames are written to the transport by ourselves, all that one pass of the loop has brought in one write:
    a market stream at ten thousand messages a second spends its time there.
    """

    def __init__(self, *, timings: Timings, messages_per_second: int | None, address: str) -> None:
        self.address = address
        self.messages_sent = 0
        self._timings = timings
        self._response = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=INCOMING_MAX)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []
        self._flush_at: asyncio.Handle | None = None
        self._stalled_until = 0.0
        self._received: deque[float] = deque(maxlen=messages_per_second)
        self._awaited_pongs: dict[bytes, float] = {}

    async def serve(
        self, request: web.Request, on_text: Callable[[str], Awaitable[None]]
    ) -> web.WebSocketResponse:
        """Shake hands, then take messages until the end."""
        await self._response.prepare(request)
        # uvloop's transports are no subclasses of asyncio.Transport, and have all that it has
        self._transport = cast(asyncio.Transport, request.transport)
        pinging = asyncio.create_task(self._keep_alive())
        try:
            async for message in self._response:
                if message.type is WSMsgType.PING:
                    await self._response.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    self._awaited_pongs.pop(bytes(message.data), None)
                if message.type is WSMsgType.TEXT:
                    await on_text(message.data)
                if self._talks_too_much():
                    await self.close(WSCloseCode.POLICY_VIOLATION, b"Too many requests")
        finally:
            pinging.cancel()
            self._transport = None
            if self._flush_at is not None:
                self._flush_at.cancel()
        return self._response

    def push(self, framed: bytes) -> None:
        """Send a frame soon, in order."""
        self.messages_sent += 1
        self._unsent.append(framed)
        if self._flush_at is None:
            self._flush_at = self._loop.call_soon(self._flush)

    def stall(self, seconds: float) -> None:
        """Say nothing for so long, pings included."""
        self._stalled_until = self._loop.time() + seconds

    def abort(self) -> None:
        """Cut the line without a word."""
        if self._transport is not None:
            self._transport.abort()

    def hang_up(self) -> None:
        """Send what waits, then end the line without a close frame; nothing pushed later is sent."""
        self._stalled_until = 0.0
        self._flush()
        if self._transport is not None:
            self._transport.close()

    async def close(self, code: int = WSCloseCode.GOING_AWAY, message: bytes = b"") -> None:
        """Send what waits, then a close frame; the client may answer for a second."""
        self._stalled_until = 0.0
        self._flush()
        try:
            async with asyncio.timeout(1.0):
                await self._response.close(code=code, message=message)
        except TimeoutError:
            self.abort()

    def _flush(self) -> None:
        self._flush_at = None
        transport = self._transport
        if transport is None or transport.is_closing():
            self._unsent.clear()
            return
        wait = self._stalled_until - self._loop.time()
        if wait > 0:
            self._flush_at = self._loop.call_later(wait, self._flush)
            return
        if self._unsent:
            transport.write(b"".join(self._unsent))
            self._unsent.clear()
            if transport.get_write_buffer_size() > UNSENT_MAX:
                transport.abort()

    async def _keep_alive(self) -> None:
        """Ping, cut off who does not answer, close what is too old."""
        timings, started = self._timings, self._loop.time()
        while True:
            left = started + timings.life_seconds - self._loop.time()
            await asyncio.sleep(min(timings.ping_seconds, max(0.0, left)))
            now = self._loop.time()
            if now >= started + timings.life_seconds:
                await self.close(WSCloseCode.GOING_AWAY, b"24h limit")
                return
            if any(now - sent > timings.pong_deadline_seconds for sent in self._awaited_pongs.values()):
                self.abort()
                return
            payload = str(time.time_ns() // 1_000_000).encode()
            self._awaited_pongs.setdefault(payload, now)
            self.push(frame(payload, PING))

    def _talks_too_much(self) -> bool:
        """Whether one more message has come within a second than is allowed."""
        allowed = self._received.maxlen
        if allowed is None:
            return False
        now = self._loop.time()
        is_full = len(self._received) == allowed and now - self._received[0] < 1.0
        self._received.append(now)
        return is_full
