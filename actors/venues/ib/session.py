"""One line to TWS, shared by feed and broker: made anew for every connection, kept and watched.

A line is *open* when both sides have greeted, and *up* while TWS itself has its line to IB and nothing is
due to be restarted. Orders go out only while it is up. Everything in here ends with the line: a new
connection has a new client object, a new listener, and no memory of the old one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog

from actors.core.effects import effect
from actors.errors import VenueUnreachable
from actors.venues.backoff import Backoff
from actors.venues.ib.budget import MessageBudget
from actors.venues.ib.claims import Claim, Complaint, LineUser
from actors.venues.ib.codes import Meaning, meaning_of
from actors.venues.ib.greeting import greet
from actors.venues.ib.library import Library, load_library
from actors.venues.ib.listener import Answer, Listener
from actors.venues.ib.outage import Outage
from actors.venues.ib.reasons import RequestFailed, no_line_because, no_link_because
from actors.venues.ib.settings import SessionSettings
from actors.venues.mortal import make_mortal

log = structlog.get_logger(__name__)

NS_PER_S = 1_000_000_000
_NO_LINE = (VenueUnreachable, OSError, TimeoutError)


class Session:
    """Always connected while anyone uses it, or on its way there."""

    def __init__(self, venue: str, settings: SessionSettings, clock: Callable[[], int]) -> None:
        self.venue, self.settings = venue, settings
        self.library: Library | None = None
        self.is_up = False
        self.connections = 0
        self.budget = MessageBudget()
        self.pauses = Backoff(first_seconds=settings.pause_seconds, cap_seconds=settings.pause_cap_seconds)
        self.offset_ms = 0
        """The server's clock minus ours, known to the second."""
        self._clock = clock
        self._client: Any = None
        self._listener: Listener | None = None
        self._users: list[LineUser] = []
        self._holders = 0
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._reason = ""
        self._asking = asyncio.Lock()
        self._list_done: dict[str, asyncio.Future[None]] = {}
        self._heard_at = 0.0
        self._is_linked = True
        self._complaint = ""
        self.outage = Outage(venue, clock)
        self._fault: Exception | None = None
        self.accounts: tuple[str, ...] = ()

    def join(self, user: LineUser) -> None:
        """Tell this one too."""
        self._users.append(user)

    def leave(self, user: LineUser) -> None:
        """Tell it nothing more."""
        if user in self._users:
            self._users.remove(user)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the line for as long as the block lasts; who holds it first connects, who leaves last cuts it.

        Raises:
            ConfigError: The library is missing, or the account behind the line is another one.
        """
        if self.library is None:
            self.library = load_library()
        self._holders += 1
        if self._keeper is None or self._keeper.done():
            if self.outage.since_ns is None:
                self.outage.begin()
            self._keeper = asyncio.create_task(self._keep(), name=f"ib line {self.venue}")
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                keeper, self._keeper = self._keeper, None
                keeper.cancel()
                await asyncio.wait([keeper])
                self.cut("nobody uses it")

    async def wait_up(self, seconds: float) -> None:
        """Until the line is up.

        Raises:
            VenueUnreachable: Not within so long; with the last reason.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError:
            raise VenueUnreachable(self.outage.reason or f"{self.venue}: no line to TWS yet") from None

    async def watch(self) -> None:
        """Until the keeping of the line ends with an error, which is raised."""
        assert self._keeper is not None
        await asyncio.shield(self._keeper)

    # requests

    @property
    def is_linked(self) -> bool:
        """Whether TWS has its own line to IB, as far as it has said."""
        return self._is_linked and self._client is not None

    @property
    def client(self) -> Any:
        """The library's socket client.

        Raises:
            VenueUnreachable: There is no line.
        """
        if self._client is None or not self._client.isReady():
            raise VenueUnreachable(f"{self.venue}: there is no line to TWS")
        return self._client

    def next_number(self) -> int:
        """A number for a request or an order; orders and requests share one sequence."""
        return int(self.client.getReqId())

    def never_below(self, number: int) -> None:
        """Numbers below this one are taken."""
        if self._client is not None:
            self._client.updateReqId(number)

    def answer_to(self, number: int, answer: Answer | None) -> None:
        """Who gets what comes for a request; None when it is over."""
        if self._listener is None:
            return
        if answer is None:
            self._listener.answers.pop(number, None)
        else:
            self._listener.answers[number] = answer

    async def ask_list(self, name: str, send: Callable[[], None]) -> None:
        """Ask for a list that TWS answers without a number, and wait for its end.

        Raises:
            VenueUnreachable: No line, or no end within the deadline; what has come is not all there is.
        """
        async with self._asking:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._list_done[name] = done
            try:
                await self.budget.wait()
                send()
                await self._within(done, name)
            finally:
                self._list_done.pop(name, None)

    async def ask(
        self, name: str, end: str, send: Callable[[int], None], *, number: int | None = None
    ) -> list[tuple[Any, ...]]:
        """Ask under a number, and collect what comes until `end`.

        Raises:
            VenueUnreachable: No line, or no end within the deadline.
            RequestFailed: TWS says why not.
        """
        number = self.next_number() if number is None else number
        found: list[tuple[Any, ...]] = []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(kind: str, values: tuple[Any, ...]) -> None:
            if done.done():
                return
            if kind == "error":
                if meaning_of(values[0]) not in (Meaning.NEWS, Meaning.WARNING, Meaning.DELAYED):
                    done.set_exception(RequestFailed(name, *values))
            else:
                if values:
                    found.append(values)
                if kind == end:
                    done.set_result(None)

        self.answer_to(number, take)
        try:
            await self.budget.wait()
            send(number)
            await self._within(done, name)
        finally:
            self.answer_to(number, None)
        return found

    async def _within(self, done: asyncio.Future[None], name: str) -> None:
        lost = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait(
                (done, lost), timeout=self.settings.answer_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            lost.cancel()
        if not done.done():
            why = (
                self._reason
                if self._lost.is_set()
                else f"no answer within {self.settings.answer_seconds:g} s"
            )
            done.cancel()
            raise VenueUnreachable(f"{self.venue}: {name}: {why}")
        done.result()

    # what the listener hears

    def on_claim(self, claim: Claim) -> None:
        """Something about orders, money, or the line."""
        if isinstance(claim, Complaint) and claim.number < 0:
            self._take_news(claim)
        for user in list(self._users):
            user.on_claim(claim)

    def on_fault(self, error: Exception) -> None:
        """A fault of ours while a message was taken, which the library would only have logged."""
        self._fault = error
        self._lose(f"{type(error).__name__}: {error}")

    def on_end(self, name: str) -> None:
        """A list is complete."""
        done = self._list_done.get(name)
        if done is not None and not done.done():
            done.set_result(None)

    def on_time(self, seconds: int) -> None:
        """The server's clock."""
        self._heard_at = asyncio.get_running_loop().time()
        offset_ms = seconds * 1_000 - self._clock() // 1_000_000
        # The answer has no fraction: what is off by less than that is not off.
        self.offset_ms = offset_ms if abs(offset_ms) > 2_000 else 0

    def on_closed(self) -> None:
        """The line is gone."""
        self._lose(self._complaint or "TWS has closed the line")

    def _take_news(self, claim: Complaint) -> None:
        meaning = meaning_of(claim.code)
        if meaning not in (Meaning.NEWS, Meaning.FARM_BACK):
            self._complaint = f"{claim.text} ({claim.code})"
        match meaning:
            case Meaning.LINK_LOST:
                self._is_linked = False
                self._complaint = no_link_because(self._complaint)
                self._down(self._complaint)
            case Meaning.LINK_BACK | Meaning.LINK_BACK_DATA_LOST:
                self._is_linked = True
                self._down(self._complaint)
                self._raise_line()
            case Meaning.DROPPING | Meaning.TOO_FAST:
                self._lose(self._complaint)
            case _:
                pass

    # the line

    def cut(self, reason: str) -> None:
        """Abort the connection: no byte may leave after this."""
        self._lose(reason)
        client, self._client = self._client, None
        if client is not None and client.conn.transport is not None:
            effect("tws.abort")
            client.conn.transport.abort()
        if self._listener is not None:
            self._listener.answers.clear()
            self._listener = None

    async def _keep(self) -> None:
        while True:
            try:
                await self._connect()
            except _NO_LINE as error:
                self._tell_down(self._no_line_because(error))
            else:
                began = asyncio.get_running_loop().time()
                self._raise_line()
                await self._serve()
                # Not at the greeting: a gateway that greets only to hang up is left alone, too.
                if asyncio.get_running_loop().time() - began >= self.settings.pause_cap_seconds:
                    self.pauses.reset()
            finally:
                self.cut("the line is given up")
            fault, self._fault = self._fault, None
            if fault is not None:
                raise fault
            await asyncio.sleep(self.pauses.next())

    def _no_line_because(self, error: Exception) -> str:
        reason = no_line_because(error, self.settings, was_up=self.connections > 0)
        due = self._restart_due()
        if due is None:
            return reason
        return due if self.connections else f"{due}; if it does not come back then: {reason}"

    async def _connect(self) -> None:
        library = self.library
        assert library is not None
        self._lost.clear()
        self._is_linked, self._complaint, self._reason = True, "", ""
        listener = Listener(self)
        client = library.Client(listener)
        library.watch_codec(self.on_fault)
        client.MaxRequests = 0  # our own budget decides; the library's would let orders wait unseen
        self._client, self._listener = client, listener
        effect("tws.connect")
        transport = await greet(client, self.settings, self._lost, why=lambda: self._complaint)
        make_mortal(transport.get_extra_info("socket"))
        self.connections += 1
        self.accounts = tuple(client.getAccounts())
        self._heard_at = asyncio.get_running_loop().time()

    async def _serve(self) -> None:
        """Until the line is lost: heartbeats, and the restarts that are due."""
        loop, settings = asyncio.get_running_loop(), self.settings
        missed = 0
        while not self._lost.is_set():
            asked_at = loop.time()
            try:
                self.client.reqCurrentTime()
            except (VenueUnreachable, ConnectionError):
                self._lose("TWS has closed the line")
                return
            if await self._lost_within(settings.heartbeat_deadline_seconds):
                return
            missed = 0 if self._heard_at >= asked_at else missed + 1
            if missed >= 2:
                self._lose(f"no heartbeat for {2 * settings.heartbeat_seconds:g} s")
                return
            self._mind_restarts()
            rest = settings.heartbeat_seconds - settings.heartbeat_deadline_seconds
            if await self._lost_within(max(0.0, rest)):
                return

    async def _lost_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        except TimeoutError:
            return False
        return True

    def _restart_due(self) -> str | None:
        return self.settings.restarts.why_now(self._clock(), self.settings.heartbeat_seconds)

    def _mind_restarts(self) -> None:
        due = self._restart_due()
        if due is not None:
            self._down(due)
        else:
            self._raise_line()

    def _raise_line(self) -> None:
        if self.is_up or not self._is_linked or self._lost.is_set():
            return
        due = self._restart_due()
        if due is not None:
            self._tell_down(due)
            return
        self.is_up = True
        self._up.set()
        self.outage.end()
        log.info("line to TWS is up", venue=self.venue, accounts=len(self.accounts))
        for user in list(self._users):
            user.on_up()

    def _down(self, reason: str) -> None:
        if self.is_up:
            self.is_up = False
            self._up.clear()
            self._tell_down(reason)

    def _tell_down(self, reason: str) -> None:
        if self._holders:
            self.outage.go_on(reason)
        for user in list(self._users):
            user.on_down(reason)

    def _lose(self, reason: str) -> None:
        if not self._lost.is_set():
            self._reason = reason
            self._lost.set()
            self._down(reason)
