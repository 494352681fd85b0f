"""The REST side: reads that are repeated until they have an answer, and orders that are sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from actors.core.effects import effect
from actors.errors import OutcomeUnknown, VenueUnreachable
from actors.venues.backoff import Backoff
from actors.venues.binance.codes import Meaning, Refusal, refusal_from
from actors.venues.binance.limits import RateBudget
from actors.venues.binance.signing import Signer, signed_query
from actors.venues.binance.sockets import abort_all, quick_to_die
from actors.venues.binance.wire import SERVER_TIME

T = TypeVar("T")
Params = Mapping[str, str | int]

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
READ_WINDOW_MS = 10_000
PAUSE_MAX_SECONDS = 120.0
"""A ban longer than this is reported instead of waited for."""
CLOCK_SAMPLES = 3


class NotHandedOver(Exception):
    """Not one byte of an order left; its text says why."""


class _OnceBody(aiohttp.Payload):
    """A form whose bytes are handed to the transport only if the request is still in time at that instant.

    The parameters of an order travel in the body alone: as long as it is withheld the venue has nothing to
    execute.
    """

    def __init__(self, text: str, *, refusal: Callable[[], str | None]) -> None:
        super().__init__(text.encode(), content_type="application/x-www-form-urlencoded")
        self._size = len(self._value)
        self._refusal = refusal
        self.handed_over = False
        self.why_not = ""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        text: bytes = self._value
        return text.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        self.why_not = self._refusal() or ""
        if self.why_not or self.handed_over:
            raise NotHandedOver(self.why_not or "handed over already")
        self.handed_over = True
        effect("rest.send order")
        await writer.write(self._value)


class RestClient:
    """One base address with one budget; made before the loop runs, connected at the first request."""

    def __init__(
        self,
        *,
        url: str,
        clock: Callable[[], int],
        api_key: str = "",
        signer: Signer | None = None,
        timeout_seconds: float = 10.0,
        attempts: int = 5,
        pause_seconds: float = 0.25,
        patience_seconds: float = PAUSE_MAX_SECONDS,
        budget: RateBudget | None = None,
    ) -> None:
        """A read that would have to wait for its budget for longer than `patience_seconds` is given up.

        The budget is shared by all who ask the venue from one address; None: nobody else does.
        """
        self.budget = budget or RateBudget()
        self.offset_ms = 0
        """The venue's clock minus ours, as last measured."""
        self._url = url.rstrip("/")
        self._clock = clock
        self._headers = {"X-MBX-APIKEY": api_key}
        self._signer = signer
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._attempts = attempts
        self._pause_seconds = pause_seconds
        self._patience_seconds = patience_seconds
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    def beside(self, *, attempts: int, patience_seconds: float) -> RestClient:
        """The same address, owner and clock with a budget of its own, for calls that are counted apart."""
        return RestClient(
            url=self._url,
            clock=lambda: self.venue_now_ms() * NS_PER_MS,
            api_key=self._headers["X-MBX-APIKEY"],
            signer=self._signer,
            timeout_seconds=self._timeout.total or 0.0,
            attempts=attempts,
            pause_seconds=self._pause_seconds,
            patience_seconds=patience_seconds,
        )

    def venue_now_ms(self) -> int:
        """The venue's clock as far as it was measured."""
        return self._clock() // NS_PER_MS + self.offset_ms

    async def close(self) -> None:
        """Give all connections up; who still asks gets no answer."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            abort_all(session)
            await session.close()

    async def read(
        self,
        path: str,
        decoder: msgspec.json.Decoder[T],
        params: Params | None = None,
        *,
        signed: bool = False,
    ) -> T:
        """GET, repeated after back-off while the venue cannot answer.

        Raises:
            Refusal: The venue has answered with a code that repeating does not change.
            VenueUnreachable: No answer after all attempts, or a ban longer than is worth waiting for.
        """
        backoff = Backoff(first_seconds=self._pause_seconds, cap_seconds=5.0)
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(backoff.next())
            await self._wait_for_budget()
            try:
                body = await self._get(path, params or {}, signed=signed)
                return decoder.decode(body)
            except Refusal as refusal:
                if not refusal.is_repeatable:
                    raise
                if refusal.meaning is Meaning.CLOCK:
                    await self.measure_clock()
                problem = str(refusal)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                problem = f"{type(error).__name__} {error}".strip()
            except msgspec.MsgspecError as error:
                raise VenueUnreachable(
                    f"{self._url}{path} answers in another form than documented ({error}): check the base URL"
                ) from error
        raise VenueUnreachable(
            f"no answer from {self._url}{path} after {self._attempts} attempts, the last one: {problem}"
        )

    async def measure_clock(self) -> int:
        """The venue's clock minus ours in milliseconds, from the quickest of a few questions."""
        quickest: tuple[int, int] | None = None
        for _ in range(CLOCK_SAMPLES):
            asked = self._clock()
            if quickest is not None and self.budget.pause(asked / NS_PER_S):
                break  # one answer is better than three of the next minute
            answer = await self.read("/api/v3/time", SERVER_TIME)
            answered = self._clock()
            offset = answer.time - (asked + answered) // 2 // NS_PER_MS
            if quickest is None or answered - asked < quickest[0]:
                quickest = (answered - asked, offset)
        assert quickest is not None
        self.offset_ms = quickest[1]
        return self.offset_ms

    async def send_once(
        self, method: str, path: str, params: Params, *, refusal: Callable[[], str | None]
    ) -> bytes:
        """Hand a signed command over once; `refusal` is asked directly before its first byte.

        Raises:
            NotHandedOver: Not one byte of it has left.
            Refusal: The venue's answer, certain or not.
            OutcomeUnknown: It left, and no answer came.
        """
        assert self._signer is not None
        body = _OnceBody(signed_query(params, self._signer), refusal=refusal)
        try:
            return await self._request(method, path, data=body, headers=self._headers)
        except (aiohttp.ClientError, OSError, TimeoutError, VenueUnreachable) as error:
            reason = f"{type(error).__name__} {error}".strip()
            if not body.handed_over:
                raise NotHandedOver(body.why_not or reason) from error
            raise OutcomeUnknown(f"no answer to {method} {path}: {reason}") from error

    async def _get(self, path: str, params: Params, *, signed: bool) -> bytes:
        if not signed:
            return await self._request("GET", path, params=params)
        assert self._signer is not None
        stamped = {**params, "recvWindow": READ_WINDOW_MS, "timestamp": self.venue_now_ms()}
        # `encoded`: what is sent must be, character for character, what was signed.
        query = signed_query(stamped, self._signer)
        return await self._request("GET", f"{path}?{query}", headers=self._headers)

    async def _request(self, method: str, path: str, **more: Any) -> bytes:
        session = self._opened()
        url = self._url + path
        effect("rest.request")
        # A followed redirect would send an order a second time.
        async with session.request(
            method, _as_is(url), allow_redirects=False, timeout=self._timeout, **more
        ) as answer:
            body = await answer.read()
            now = self._clock() / NS_PER_S
            self.budget.note_headers(answer.headers, now)
            if answer.status == 200:
                return body
            self.budget.note_refusal(answer.status, answer.headers, now)
            raise refusal_from(answer.status, body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise VenueUnreachable(f"the line to {self._url} was given up")
        if self._session is None:
            connector = aiohttp.TCPConnector(socket_factory=quick_to_die)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def _wait_for_budget(self) -> None:
        pause = self.budget.pause(self._clock() / NS_PER_S)
        if pause > self._patience_seconds:
            raise VenueUnreachable(
                f"{self._url} refuses all requests for another {pause:.0f} s: wait, or lower the request rate"
            )
        if pause > 0:
            await asyncio.sleep(pause)


def _as_is(url: str) -> URL:
    return URL(url, encoded=True)
