"""One connection to the WebSocket API: requests are matched with their answers, the rest is user data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
import structlog

from actors.core.effects import effect
from actors.errors import VenueUnreachable
from actors.venues.binance.codes import Refusal
from actors.venues.binance.limits import RateBudget
from actors.venues.binance.signing import Signer, signed_params
from actors.venues.binance.sockets import abort
from actors.venues.binance.wire import NOTHING, TRADING_FRAME, TradingFrame

log = structlog.get_logger(__name__)

Answer = Callable[[TradingFrame | None, str], None]
"""Takes the answer, or None and the reason why none will come. Called exactly once."""

SHUTDOWN = "serverShutdown"
SUBSCRIBE = "userDataStream.subscribe.signature"
_ENCODER = msgspec.json.Encoder()


class TradingSocket:
    """An open connection; once lost it stays lost."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        *,
        on_event: Callable[[msgspec.Raw], str],
        on_limits: Callable[[TradingFrame], None],
        answer_seconds: float,
    ) -> None:
        """`on_event` answers with a text when user data over this connection cannot be relied on any more."""
        self.lost = asyncio.Event()
        self.renew_due = asyncio.Event()
        self.idle = asyncio.Event()
        """No request waits for an answer."""
        self.idle.set()
        self.reason = ""
        self.unknown_frames = 0
        self._socket = socket
        self._on_event = on_event
        self._on_limits = on_limits
        self._answer_seconds = answer_seconds
        self._loop = asyncio.get_running_loop()
        self._pending: dict[str, tuple[Answer, asyncio.TimerHandle]] = {}
        self._count = 0
        self.reader = self._loop.create_task(self._read(), name="binance trading reader")

    @property
    def is_open(self) -> bool:
        """Whether a request may be handed over."""
        return not self.lost.is_set() and not self._socket.closed

    def raise_own_fault(self) -> None:
        """Raise what went wrong in our own reading, if that is why the connection was lost."""
        if self.reader.done() and not self.reader.cancelled():
            self.reader.result()

    def prepare(self, method: str, params: dict[str, str | int]) -> tuple[str, bytes]:
        """Number and encode a request; nothing is sent."""
        self._count += 1
        number = f"r{self._count}"
        return number, _ENCODER.encode({"id": number, "method": method, "params": params})

    async def hand_over(self, number: str, request: bytes, answer: Answer) -> None:
        """Give a prepared request to the transport before anything is awaited; its fate goes to `answer`."""
        timer = self._loop.call_later(self._answer_seconds, self._expire, number)
        self._pending[number] = (answer, timer)
        self.idle.clear()
        try:
            # aiohttp writes an uncompressed frame at once and waits only afterwards, if its buffers are full.
            effect("socket.send")
            await self._socket.send_frame(request, aiohttp.WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError) as error:
            self.drop(f"{type(error).__name__} {error}".strip())

    async def call(self, method: str, params: dict[str, str | int]) -> msgspec.Raw:
        """Ask and wait.

        Raises:
            Refusal: The venue's answer is no 200.
            VenueUnreachable: No answer.
        """
        done: asyncio.Future[TradingFrame] = self._loop.create_future()

        def settle(frame: TradingFrame | None, reason: str) -> None:
            if done.done():
                return
            if frame is None:
                done.set_exception(VenueUnreachable(f"no answer to {method}: {reason}"))
            else:
                done.set_result(frame)

        number, request = self.prepare(method, params)
        await self.hand_over(number, request, settle)
        frame = await done
        if frame.status != 200:
            raise refusal_of(frame)
        return frame.result

    async def subscribe(self, *, api_key: str, signer: Signer, timestamp_ms: int) -> None:
        """Have the account's events sent over this connection."""
        params: dict[str, str | int] = {"apiKey": api_key, "timestamp": timestamp_ms}
        await self.call(SUBSCRIBE, signed_params(params, signer))

    def drop(self, reason: str) -> None:
        """Abort the connection; whatever waits for an answer learns that none will come."""
        if self.lost.is_set():
            return
        self.reason = reason
        self.lost.set()
        abort(self._socket)
        if asyncio.current_task() is not self.reader:
            self.reader.cancel()
        pending, self._pending = self._pending, {}
        self.idle.set()
        for answer, timer in pending.values():
            timer.cancel()
            answer(None, reason)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
            self.drop(f"connection closed ({self._socket.close_code})")
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # A fault of ours: the connection must not look alive, and the one who serves it re-raises this.
            self.drop(f"reader failed: {type(error).__name__}")
            raise

    def _take(self, text: str) -> None:
        try:
            frame = TRADING_FRAME.decode(text)
        except msgspec.MsgspecError:
            self._unknown(text)
            return
        if frame.event is not NOTHING:
            if fault := self._on_event(frame.event):
                self.drop(fault)
        elif frame.id is not None and (entry := self._pop(str(frame.id))):
            entry[1].cancel()
            if frame.rate_limits or frame.error:
                self._on_limits(frame)
            entry[0](frame, "")
        elif frame.notice == SHUTDOWN:
            self.renew_due.set()
        elif frame.id is None and frame.error is not None:
            self.drop(str(refusal_of(frame)))
        else:
            self._unknown(text)

    def _expire(self, number: str) -> None:
        entry = self._pop(number)
        if entry is not None:
            entry[0](None, f"no answer within {self._answer_seconds:g} s")

    def _pop(self, number: str) -> tuple[Answer, asyncio.TimerHandle] | None:
        entry = self._pending.pop(number, None)
        if not self._pending:
            self.idle.set()
        return entry

    def _unknown(self, text: str) -> None:
        self.unknown_frames += 1
        if self.unknown_frames == 1:
            log.warning("unknown frame, counted from now on", frame=text[:200])


def refusal_of(frame: TradingFrame) -> Refusal:
    """The refusal in an answer."""
    error = frame.error
    if error is None:
        return Refusal(frame.status or 0)
    retry = (error.data or {}).get("retryAfter")
    return Refusal(frame.status or 0, error.code, error.msg, retry if isinstance(retry, int) else None)


def note_limits(frame: TradingFrame, budget: RateBudget, now: float, offset_seconds: float) -> None:
    """Take an answer's figures into the budget; `offset_seconds` is the venue's clock minus ours."""
    for limit in frame.rate_limits:
        if limit.count is None:
            continue
        if limit.rate_limit_type == "REQUEST_WEIGHT" and limit.interval == "MINUTE":
            budget.weight_limit = limit.limit  # the venue changes it from time to time
            budget.note_weight(limit.count, now)
        elif limit.rate_limit_type == "ORDERS" and (limit.interval, limit.interval_num) == ("SECOND", 10):
            budget.orders_10s = limit.count
    if frame.error is None:
        return
    refusal = refusal_of(frame)
    if refusal.retry_at_ms is not None:
        budget.block(refusal.retry_at_ms / 1000 - offset_seconds)
    else:
        budget.note_refusal(refusal.status, {}, now)
