"""When a simulated market is open."""

from __future__ import annotations

from datetime import time
from typing import Literal

from actors.errors import ConfigError
from actors.model.calendar import BUILT_IN, Calendar, Calendars, Session, WeeklyHours, calendar_named
from actors.model.instrument import Instrument
from actors.venues.simulated.settings import TradingTimes

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}


class TradingHours:
    """Sessions of a calendar; without one the market is always open, and its days are the instrument's."""

    __slots__ = ("_calendar", "_days", "_lag_ns", "_session", "has_calendar", "outside")

    def __init__(
        self,
        times: TradingTimes,
        instrument: Instrument,
        calendars: Calendars = BUILT_IN,
        lag_ns: int = 0,
    ) -> None:
        """Find the calendar.

        Args:
            lag_ns: How long after an instant its market data come: `now` less this is the market's time.
        Raises:
            ConfigError: No such calendar, or hours that are none.
        """
        self._calendar = trading_calendar(times, instrument, calendars)
        self.has_calendar = self._calendar is not None
        self._days = self._calendar or calendar_named(instrument.calendar, calendars)
        self._lag_ns = lag_ns
        self.outside: Literal["wait", "reject"] = times.outside
        self._session = Session(0, 0)
        """The one last looked at, or the one after it: derived, so never part of a snapshot."""

    def is_open(self, now: int) -> bool:
        """Whether orders may fill now."""
        return self._is_in_session(now - self._lag_ns)

    def _is_in_session(self, ts: int) -> bool:
        if self._calendar is None:
            return True
        session = self._session
        if not session.open <= ts < session.close:
            session = self._session = self._calendar.next_session(ts)
        return session.open <= ts

    def overlap(self, start: int, end: int) -> bool:
        """Whether the market is open at any time from `start` until before `end`, the market's own time."""
        return self._calendar is None or self._is_in_session(start) or self._session.open < end

    def day_end(self, now: int, bars_alone_ns: int = 0) -> int:
        """When DAY orders of this instant expire.

        Where there is nothing but bars, the bar that holds the end of the day is only known at its own end:
        they still meet it.
        """
        close = self._days.next_close(now - self._lag_ns)
        if bars_alone_ns:
            close = -(-close // bars_alone_ns) * bars_alone_ns + 1
        return close + self._lag_ns


def trading_calendar(times: TradingTimes, instrument: Instrument, calendars: Calendars) -> Calendar | None:
    """The calendar that the settings ask for.

    Raises:
        ConfigError: No such calendar, or hours that are none.
    """
    if times.calendar is not None:
        name = instrument.calendar if times.calendar == "instrument" else times.calendar
        return calendar_named(name, calendars)
    return own_hours(times)


def own_hours(times: TradingTimes) -> Calendar | None:
    """The hours that the settings themselves give.

    Raises:
        ConfigError: They are none, or stand beside a calendar.
    """
    if times.opens is None and times.closes is None:
        return None
    if times.calendar is not None:
        raise ConfigError("hours are either a calendar's, or opens and closes: leave one of them out")
    if times.opens is None or times.closes is None:
        raise ConfigError("opens and closes go together: give both, such as 09:30 and 16:00")
    return WeeklyHours(
        name="configured",
        zone=times.zone,
        opens=_local_time(times.opens),
        closes=_local_time(times.closes),
        weekdays=tuple(_WEEKDAYS[day] for day in times.weekdays),
    )


def _local_time(text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise ConfigError(f"{text!r} is no time of day: write it as 09:30")
    return found
