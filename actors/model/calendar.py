"""Trading calendars: when instruments trade, and when their trading days end. Pure: time in, time out.

Holidays are data that somebody must give; a calendar without them trades on every weekday, and its name says
so. An exchange's own sessions, holidays and half days included, come as `ListedSessions`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from actors.errors import ConfigError

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_SEARCH_DAYS = 60
"""No market rests longer; more means that the calendar's data are wrong."""


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One stretch of trading, [open, close), nanoseconds UTC."""

    open: int
    close: int


class Calendar(Protocol):
    """When one kind of instrument trades."""

    @property
    def name(self) -> str:
        """What `Instrument.calendar` calls it."""

    def session_of(self, ts: int) -> Session | None:
        """The session that holds this instant; None while closed."""

    def next_session(self, ts: int) -> Session:
        """The session that holds this instant, else the first one to open after it."""

    def day_close(self, ts: int) -> int:
        """When the trading day of this instant ends; while closed, that of the next trading day."""

    def next_close(self, ts: int) -> int:
        """The first close of a trading day after this instant, never this instant itself."""


Calendars = tuple[Calendar, ...]
"""Those that names are looked up in."""


class AlwaysOpen:
    """Trades without a break; its day is the UTC day."""

    name = "24/7"

    def session_of(self, ts: int) -> Session:
        """The UTC day."""
        start = ts - ts % DAY_NS
        return Session(start, start + DAY_NS)

    def next_session(self, ts: int) -> Session:
        """The UTC day."""
        return self.session_of(ts)

    def day_close(self, ts: int) -> int:
        """The coming midnight UTC."""
        return ts - ts % DAY_NS + DAY_NS

    def next_close(self, ts: int) -> int:
        """The coming midnight UTC."""
        return self.day_close(ts)


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """The same hours every week, in local time, except on days that the data name.

    A session whose `closes` is not after its `opens` ends on the next day. Sessions follow the local clock
    through changes of daylight saving time.
    """

    name: str
    zone: str
    opens: time
    closes: time
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    """0 is Monday; the day on which a session opens."""
    holidays: frozenset[date] = frozenset()
    """Days on which no session opens."""
    early_closes: Mapping[date, time] = {}

    def session_on(self, day: date) -> Session | None:
        """The session that opens on this local day."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return None
        closes = self.early_closes.get(day, self.closes)
        last_day = day if closes > self.opens else day + timedelta(days=1)
        return Session(self._instant(day, self.opens), self._instant(last_day, closes))

    def session_of(self, ts: int) -> Session | None:
        """The session that holds this instant; None while closed."""
        session = self.next_session(ts)
        return session if session.open <= ts else None

    def next_session(self, ts: int) -> Session:
        """The session that holds this instant, else the first one to open after it.

        Raises:
            ConfigError: There is none for two months: the holidays are wrong.
        """
        moment = datetime.fromtimestamp(ts // SECOND_NS, tz=ZoneInfo(self.zone))
        for days in range(-1, _SEARCH_DAYS):
            session = self.session_on(moment.date() + timedelta(days=days))
            if session is not None and session.close > ts:
                return session
        raise ConfigError(
            f"calendar {self.name} has no session in the {_SEARCH_DAYS} days from {moment.date()}:"
            " check its weekdays and holidays"
        )

    def day_close(self, ts: int) -> int:
        """When the trading day of this instant ends; while closed, that of the next trading day."""
        return self.next_session(ts).close

    def next_close(self, ts: int) -> int:
        """The first close after this instant."""
        return self.next_session(ts).close

    def _instant(self, day: date, local: time) -> int:
        moment = datetime.combine(day, local, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return int(moment.timestamp()) * SECOND_NS


class ListedSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions one by one, as an exchange holds them; a break at noon is part of its session."""

    name: str
    opens: tuple[int, ...]
    """Nanoseconds UTC, rising, at least one."""
    closes: tuple[int, ...]
    """Each after its opening and not after the next one."""

    def session_of(self, ts: int) -> Session | None:
        """The session that holds this instant; None while closed."""
        place = bisect_right(self.opens, ts) - 1
        if place < 0 or self.closes[place] <= ts:
            return None
        return Session(self.opens[place], self.closes[place])

    def next_session(self, ts: int) -> Session:
        """The session that holds this instant, else the first one to open after it.

        Raises:
            ConfigError: It lies behind the last one.
        """
        place = bisect_right(self.closes, ts)
        if place == len(self.closes):
            last = datetime.fromtimestamp(self.closes[-1] // SECOND_NS, tz=UTC).date()
            raise ConfigError(f"calendar {self.name} ends on {last}: end the run before, or use 'weekdays'")
        return Session(self.opens[place], self.closes[place])

    def day_close(self, ts: int) -> int:
        """When the trading day of this instant ends; while closed, that of the next trading day."""
        return self.next_session(ts).close

    def next_close(self, ts: int) -> int:
        """The first close after this instant."""
        return self.next_session(ts).close


ALWAYS_OPEN = AlwaysOpen()

BUILT_IN: Calendars = (
    ALWAYS_OPEN,
    WeeklyHours(name="weekdays", zone="UTC", opens=time(), closes=time()),
    WeeklyHours(
        name="new-york-0930-1600-without-holidays",
        zone="America/New_York",
        opens=time(9, 30),
        closes=time(16),
    ),
    WeeklyHours(
        name="mumbai-0915-1530-without-holidays", zone="Asia/Kolkata", opens=time(9, 15), closes=time(15, 30)
    ),
)
"""Regular hours only. A venue's real calendar is these hours with its holidays, given as data."""


def calendar_named(name: str, calendars: Calendars = BUILT_IN) -> Calendar:
    """The calendar that `Instrument.calendar` names.

    Raises:
        ConfigError: No such calendar.
    """
    for calendar in calendars:
        if calendar.name == name:
            return calendar
    names = [calendar.name for calendar in calendars]
    nearest = get_close_matches(name, names, 1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of: {', '.join(names)}"
    raise ConfigError(f"there is no calendar {name!r}; {hint}")
