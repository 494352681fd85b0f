"""One client's socket: frames in, frames out, and what goes wrong between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import cast

from daemon.exchange.faults import FaultBook, Subject
from daemon.exchange.ib.faults import MESSAGES
from daemon.exchange.ib.wire import SERVER_VERSION, BadFrame, Field, FrameReader, frame, split

MESSAGES_PER_SECOND = 50
TOO_FAST = "Max rate of messages per second has been exceeded:max=50 rec={}"
UNSENT_MAX = 64 * 1024 * 1024


class Line(asyncio.Protocol):
    """Lives from the connection until either side closes."""

    def __init__(
        self,
        *,
        faults: FaultBook,
        on_frame: Callable[[Line, list[str]], None],
        on_end: Callable[[Line], None],
        connected_at: str,
        is_refused: bool,
    ) -> None:
        self._faults, self._on_frame, self._on_end = faults, on_frame, on_end
        self._connected_at, self._is_refused = connected_at, is_refused
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._is_greeted = False
        self._stalled_until = 0.0
        self._unsent: list[bytes] = []
        self._flush_at: asyncio.Handle | None = None
        self._held_back: bytes | None = None
        self._received: deque[float] = deque(maxlen=MESSAGES_PER_SECOND)
        self.client_id = -1
        self.account: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        # uvloop's transports are no subclasses of asyncio.Transport, and have all that it has
        self._transport = cast(asyncio.Transport, transport)
        if self._is_refused or self._faults.take("refuse_connection", Subject()):
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of a client."""
        try:
            for payload in self._reader.feed(data):
                if not self._is_greeted:
                    self._greet(payload)
                else:
                    self._take(split(payload))
        except BadFrame as error:
            self.send("error", [4, 2, -1, 320, f"Error reading request. {error}", ""])
            self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._transport = None
        if self._flush_at is not None:
            self._flush_at.cancel()
        self._on_end(self)

    # sending

    def send(self, name: str, fields: Iterable[Field]) -> None:
        """Send a message soon, in order, unless something goes wrong with it."""
        assert name in MESSAGES, "a fault that names it must be possible"
        subject = Subject(method=name, account=self.account)
        faults = self._faults
        if faults.take("cut_before", subject):
            self.abort()
            return
        self.stall_before(subject)
        if faults.take("swallow_report", subject):
            return
        data = frame(fields)
        late = faults.take("delay_reply", subject)
        if late is not None:
            self._loop.call_later(late.milliseconds / 1_000, self._push, data)
            return
        if faults.take("reorder_reports", subject):
            self._held_back = data
            return
        self._push(data)
        if self._held_back is not None:
            held, self._held_back = self._held_back, None
            self._push(held)
        if faults.take("duplicate_report", subject):
            self._push(data)
        if faults.take("cut_after", subject):
            self._flush()
            self.hang_up()

    def stall(self, seconds: float) -> None:
        """Say nothing for so long."""
        self._stalled_until = self._loop.time() + seconds

    def stall_before(self, subject: Subject) -> None:
        """Send what waits, and then say nothing, if that is to go wrong here."""
        stall = self._faults.take("stall_before", subject)
        if stall is not None:
            self._flush()
            self.stall(stall.milliseconds / 1_000)

    def abort(self) -> None:
        """Cut the line without a word."""
        if self._transport is not None:
            self._transport.abort()

    def hang_up(self) -> None:
        """Send what waits, then end the line."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _push(self, data: bytes) -> None:
        self._unsent.append(data)
        if self._flush_at is None:
            self._flush_at = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_at is not None:
            self._flush_at.cancel()
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

    # receiving

    def _greet(self, payload: bytes) -> None:
        text = payload.decode(errors="replace").split(" ", 1)[0]
        low, _, high = text.removeprefix("v").partition("..")
        high = high or low
        if not (low.isdigit() and high.isdigit() and int(low) <= SERVER_VERSION <= int(high)):
            raise BadFrame(f"versions {text}: {SERVER_VERSION} is not among them")
        self._is_greeted = True
        self.send("hello", [SERVER_VERSION, self._connected_at])

    def _take(self, fields: list[str]) -> None:
        now = self._loop.time()
        is_full = len(self._received) == MESSAGES_PER_SECOND
        if is_full and now - self._received[0] < 1.0:
            rate = MESSAGES_PER_SECOND + 1
            self.send("error", [4, 2, -1, 100, TOO_FAST.format(rate), ""])
            self.hang_up()
            return
        self._received.append(now)
        self._on_frame(self, fields)
