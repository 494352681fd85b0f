"""How long commands and answers of a session travelled, and a simulated venue on which they take as long."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import msgspec

from actors.core.actor import Handler
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.control import ClockMeasured, Started, Timer
from actors.messages.market import Bar, BookDelta, BookSnapshot, MarketData, Quote, Trade
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    CancelReport,
    FillReport,
    QueryAccount,
    RejectReport,
    ReplaceOrder,
    ReplaceReport,
    SubmitOrder,
)
from actors.messages.venue import VenueArrival, VenueReply
from actors.venues.simulated.actor import SimulatedVenueActor
from daemon.research.parity.session import Session

MILLISECOND_NS = 1_000_000
SEEN_BY_ORDERS: tuple[type[MarketData], ...] = (Quote, Trade, Bar, BookSnapshot, BookDelta)
"""What fills orders; all else reaches a simulated venue when it reaches us."""
_STAMPED = (AcceptReport, FillReport, CancelReport)
"""What venues give the time of."""
Kind = Literal["submit", "cancel", "replace", "account"]


class Travel(NamedTuple):
    """One command: when it set out, how long it took to the venue, and its answer back; nanoseconds."""

    ts: int
    out_ns: int
    back_ns: int
    order: str = ""
    """Client order id; empty for a question about the account."""


class _Course:
    """Travels of one kind in order of time; each is used once where its time is met exactly."""

    def __init__(self, travels: list[Travel]) -> None:
        self._travels = sorted(travels)
        self._times = [travel.ts for travel in self._travels]
        self._exact: dict[int, deque[Travel]] = {}
        for travel in travels:
            self._exact.setdefault(travel.ts, deque()).append(travel)

    def at(self, now: int, order: str = "") -> Travel:
        """The one that set out now, of several that of this order if it is there; else the last before."""
        exact = self._exact.get(now)
        if exact:
            own = next((place for place, each in enumerate(exact) if each.order == order), 0)
            exact.rotate(-own)
            return exact.popleft()
        return self._travels[max(bisect_right(self._times, now) - 1, 0)]


class _Asked(NamedTuple):
    ts: int
    kind: Kind


class RecordedTimes:
    """All that a session tells of the times to and from the venues of its real accounts."""

    def __init__(self, session: Session) -> None:
        self.travels: dict[tuple[str, Kind], list[Travel]] = {}
        """By account and kind of command, in the order of the answers."""
        self.reports: dict[str, list[tuple[int, int]]] = {}
        """Account → (venue's time, nanoseconds until the fill was known)."""
        self.made: dict[str, list[tuple[int, FillReport]]] = {}
        """Instrument → fills of resting orders of real accounts, by our clock."""
        self._by_fill: dict[tuple[str, str], list[Travel]] = {}
        """Submits of which a fill was the first answer."""
        self._asked: dict[tuple[str, str], deque[_Asked]] = {}
        self._offset_ns: dict[str, int] = dict.fromkeys(session.real_accounts, 0)
        self.uncut = {
            taken.message.account
            for taken in session.inputs()
            if isinstance(taken.message, _STAMPED) and taken.message.ts_event % MILLISECOND_NS
        }
        """Accounts of venues whose times are finer than milliseconds."""
        for taken in session.inputs():
            self._answered(taken.message, taken.ts_init)
            for message in taken.sent:
                self._sent(message)

    def _sent(self, message: Message) -> None:
        kinds: dict[type[Message], Kind] = {
            SubmitOrder: "submit", CancelOrder: "cancel", ReplaceOrder: "replace"
        }  # fmt: skip
        if isinstance(message, QueryAccount):
            self._asked.setdefault((message.account, ""), deque()).append(_Asked(message.ts_event, "account"))
        elif isinstance(message, SubmitOrder | CancelOrder | ReplaceOrder):
            key = message.account, message.client_order_id
            self._asked.setdefault(key, deque()).append(_Asked(message.ts_event, kinds[type(message)]))

    def _answered(self, message: Message, now: int) -> None:
        match message:
            case ClockMeasured(account=account, offset_ms=offset) if account in self._offset_ns:
                self._offset_ns[account] = offset * MILLISECOND_NS
            case AccountEvidence(account=account):
                self._travelled(account, "", message.venue_time_ms * MILLISECOND_NS, now)
            case FillReport(account=account):
                self._filled(message, now)
                at = self.here(account, message.ts_event, now)
                self.reports.setdefault(account, []).append((at, now - at))
                if message.liquidity == "maker" and account in self._offset_ns:
                    self.made.setdefault(message.instrument, []).append((at, message))
            case AcceptReport():
                self._accepted(message, now)
            case RejectReport() | CancelReport() | ReplaceReport():
                self._travelled(message.account, message.client_order_id or "", message.ts_event, now)
            case _:
                pass

    def _travelled(self, account: str, order: str, ts_venue: int, now: int, kind: Kind | None = None) -> None:
        """Book the answer to the oldest command that waits for one; `kind`: only if it is such a one."""
        waiting = self._asked.get((account, order))
        if not waiting or account not in self._offset_ns or (kind is not None and waiting[0].kind != kind):
            return
        self._book(account, order, waiting.popleft(), ts_venue, now)

    def _book(self, account: str, order: str, asked: _Asked, ts_venue: int, now: int) -> None:
        at = max(self.here(account, ts_venue, now), asked.ts)
        travel = Travel(asked.ts, at - asked.ts, now - at, order)
        self.travels.setdefault((account, asked.kind), []).append(travel)

    def _filled(self, fill: FillReport, now: int) -> None:
        """A fill may come before the word that the order was taken, which was earlier at the venue."""
        key = fill.account, fill.client_order_id or ""
        waiting = self._asked.get(key)
        if waiting and waiting[0].kind == "submit":
            self._travelled(*key, fill.ts_event, now)
            self._by_fill[key] = self.travels.get((fill.account, "submit"), [])[-1:]

    def _accepted(self, report: AcceptReport, now: int) -> None:
        key = report.account, report.client_order_id or ""
        for guessed in self._by_fill.pop(key, ()):
            self.travels[report.account, "submit"].remove(guessed)
            self._book(*key, _Asked(guessed.ts, "submit"), report.ts_event, now)
            return
        self._travelled(*key, report.ts_event, now, "submit")

    def here(self, account: str, ts_venue: int, now: int) -> int:
        """A venue's time by our clock; it cannot lie after we knew.

        A time of a venue that cuts its times to milliseconds is taken for the middle of its millisecond.
        """
        offset = self._offset_ns.get(account)
        if offset is None:
            return min(ts_venue, now)  # a simulated venue has our clock
        half = 0 if account in self.uncut else MILLISECOND_NS // 2
        return min(ts_venue + half - offset, now)


class Course:
    """The recorded times as one simulation uses them up."""

    def __init__(self, times: RecordedTimes) -> None:
        self._courses = {key: _Course(travels) for key, travels in times.travels.items()}
        self._reports = {account: _Course([Travel(ts, 0, back) for ts, back in found])
                         for account, found in times.reports.items()}  # fmt: skip
        self._back: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}

    def out(self, message: VenueArrival, now: int) -> int | None:
        """How long this command travels; None for an account nothing was recorded of."""
        command = message.command
        kinds: dict[type[Message], Kind] = {
            SubmitOrder: "submit", CancelOrder: "cancel", ReplaceOrder: "replace", QueryAccount: "account"
        }  # fmt: skip
        kind = kinds.get(type(command), "submit")
        course = self._courses.get((command.account, kind)) or self._courses.get((command.account, "submit"))
        if course is None:
            return None
        order = getattr(command, "client_order_id", "")
        travel = course.at(now, order)
        self._back[command.account, order] = travel.back_ns
        return travel.out_ns

    def back(self, message: VenueReply, now: int) -> int | None:
        """How long this answer travels: as recorded where it is the one; others overtake no other."""
        answer = message.answer
        account, order = answer.account, getattr(answer, "client_order_id", None) or ""
        delay = None
        if not isinstance(answer, FillReport):  # a fill answers no command
            delay = self._back.pop((account, order), None)
        if delay is None and account in self._reports:
            report = self._reports[account].at(now)
            delay = report.back_ns
            if report.ts != now:
                delay = max(delay, self._last.get(account, 0) - now)
        if delay is None:
            return None
        self._last[account] = max(now + delay, self._last.get(account, 0))
        return delay


class VenueSees(Timer, frozen=True, kw_only=True):
    """Timed venue: it has this now; we have it later."""

    data: Quote | Trade | Bar | BookSnapshot | BookDelta


class TimedVenue(SimulatedVenueActor):
    """The simulated venue; for some of its accounts recorded times take the place of the configured ones.

    Their `report_latency_ms` must not be 0, so that answers travel at all. Whether their brokers are there is
    told by the recorded inputs, not by the venue.

    Reads   Started VenueSees   besides what the simulated venue reads
    Writes  as the simulated venue
    State   as the simulated venue
    Fails   as the simulated venue
    """

    course: Course | None = None
    timed: Collection[str] = ()
    """Accounts whose times are recorded."""
    is_ahead = False
    """Whether it sees what fills orders before we do, as `VenueSees`."""

    def follow(self, course: Course, accounts: Collection[str]) -> None:
        """Take the times of these accounts from the record."""
        self.course, self.timed = course, accounts
        self.is_ahead = all(account in accounts for account in self.engine.desk.accounts)

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """Nobody's, for what it has seen already."""
        return () if self.is_ahead and kind in SEEN_BY_ORDERS else super().market_handlers(kind, instrument)

    def on_venue_sees(self, sees: VenueSees) -> None:
        """The market moves where it is made."""
        for handler in super().market_handlers(type(sees.data), sees.data.instrument):
            handler(sees.data)

    def on_started(self, started: Started) -> None:
        """Accounts that are not timed are there from the start."""
        sent, self.send = self.send, self._unless_timed
        super().on_started(started)
        self.send = sent

    def _unless_timed(self, message: Message) -> None:
        if getattr(message, "account", None) not in self.timed:
            self._sequencer.queue.append(message)

    def set_timer(self, due: int, message: Timer) -> int:
        """What travels takes as long as it took."""
        delay: int | None = None
        match message:
            case VenueArrival(command=command) if self.course is not None and command.account in self.timed:
                delay = self.course.out(message, self.now)
            case VenueReply(answer=answer) if self.course is not None and answer.account in self.timed:
                delay = self.course.back(message, self.now)
            case _:
                pass
        if delay is not None:
            due = self.now + delay
            message = msgspec.structs.replace(message, ts_event=due)
        return super().set_timer(due, message)
