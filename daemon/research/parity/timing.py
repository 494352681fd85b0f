"""How long commands and answers of a session travelled, and a simulated venue on which they take as long."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from typing import Literal, NamedTuple

import msgspec

from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.control import ClockMeasured, Started, Timer
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
Kind = Literal["submit", "cancel", "replace", "account"]


class Travel(NamedTuple):
    """One command: when it set out, how long it took to the venue, and its answer back; nanoseconds."""

    ts: int
    out_ns: int
    back_ns: int


class _Course:
    """Travels of one kind in order of time; each is used once where its time is met exactly."""

    def __init__(self, travels: list[Travel]) -> None:
        self._travels = sorted(travels)
        self._times = [travel.ts for travel in self._travels]
        self._exact: dict[int, deque[Travel]] = {}
        for travel in travels:
            self._exact.setdefault(travel.ts, deque()).append(travel)

    def at(self, now: int) -> Travel:
        """The one that set out now, else the last before."""
        exact = self._exact.get(now)
        if exact:
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
        self._asked: dict[tuple[str, str], deque[_Asked]] = {}
        self._offset_ns: dict[str, int] = dict.fromkeys(session.real_accounts, 0)
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
                self._travelled(account, message.client_order_id or "", message.ts_event, now, "submit")
                at = self.here(account, message.ts_event, now)
                self.reports.setdefault(account, []).append((at, now - at))
            case AcceptReport() | RejectReport() | CancelReport() | ReplaceReport():
                kind: Kind | None = "submit" if isinstance(message, AcceptReport) else None
                order = message.client_order_id or ""
                self._travelled(message.account, order, message.ts_event, now, kind)
            case _:
                pass

    def _travelled(self, account: str, order: str, ts_venue: int, now: int, kind: Kind | None = None) -> None:
        """Book the answer to the oldest command that waits for one; `kind`: only if it is such a one."""
        waiting = self._asked.get((account, order))
        if not waiting or account not in self._offset_ns or (kind is not None and waiting[0].kind != kind):
            return
        asked = waiting.popleft()
        at = max(self.here(account, ts_venue, now), asked.ts)
        self.travels.setdefault((account, asked.kind), []).append(Travel(asked.ts, at - asked.ts, now - at))

    def here(self, account: str, ts_venue: int, now: int) -> int:
        """A venue's time by our clock; it cannot lie after we knew.

        A time cut to whole milliseconds is taken for the middle of its millisecond.
        """
        offset = self._offset_ns.get(account)
        if offset is None:
            return min(ts_venue, now)  # a simulated venue has our clock
        half = 0 if ts_venue % MILLISECOND_NS else MILLISECOND_NS // 2
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
        travel = course.at(now)
        self._back[command.account, getattr(command, "client_order_id", "")] = travel.back_ns
        return travel.out_ns

    def back(self, message: VenueReply, now: int) -> int | None:
        """How long this answer travels; no answer overtakes another of its account."""
        answer = message.answer
        account, order = answer.account, getattr(answer, "client_order_id", None) or ""
        delay = self._back.pop((account, order), None)
        if delay is None and account in self._reports:
            delay = self._reports[account].at(now).back_ns
        if delay is None:
            return None
        due = max(now + delay, self._last.get(account, 0))
        self._last[account] = due
        return due - now


class TimedVenue(SimulatedVenueActor):
    """The simulated venue; for some of its accounts recorded times take the place of the configured ones.

    Their `report_latency_ms` must not be 0, so that answers travel at all. Whether their brokers are there is
    told by the recorded inputs, not by the venue.

    Reads   Started   besides what the simulated venue reads
    Writes  as the simulated venue
    State   as the simulated venue
    Fails   as the simulated venue
    """

    course: Course | None = None
    timed: Collection[str] = ()
    """Accounts whose times are recorded."""

    def follow(self, course: Course, accounts: Collection[str]) -> None:
        """Take the times of these accounts from the record."""
        self.course, self.timed = course, accounts

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
