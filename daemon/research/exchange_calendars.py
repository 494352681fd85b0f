"""Trading sessions of exchanges, holidays and half days included, as plain data: looked up once, at load."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.errors import ConfigError
from actors.model.calendar import BUILT_IN, DAY_NS, Calendar, Calendars, ListedSessions, calendar_named
from actors.model.instrument import Instrument
from daemon.config import Config

Times = npt.NDArray[np.int64]

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2050, 1, 1)
"""What is listed as far as it is known; fixed, so that a run does not depend on the day it is made."""


_BUILT_IN_NAMES = frozenset(calendar.name for calendar in BUILT_IN)
_REST_NS = 14 * DAY_NS
"""Data may begin while the market rests."""


class Sessions(NamedTuple):
    """Trading sessions of an exchange, [open, close), ns UTC, in order."""

    opens: Times
    closes: Times
    days: Times
    """Midnight UTC of each session's date."""


def calendars_for(config: Config, instruments: Mapping[str, Instrument]) -> Calendars:
    """The built-in calendars, and those of exchanges that instruments and simulated venues name.

    Raises:
        ConfigError: A name that no calendar has, or the library that knows exchanges is missing.
    """
    names = [each.calendar for each in instruments.values()]
    asked = [venue.simulated.hours.calendar for venue in config.venues.values()]
    names += [name for name in asked if name is not None and name != "instrument"]
    return (*BUILT_IN, *(listed(name) for name in dict.fromkeys(names) if name not in _BUILT_IN_NAMES))


def calendar_of(name: str) -> Calendar:
    """A built-in calendar, or that of an exchange.

    Raises:
        ConfigError: A name that no calendar has, or the library that knows exchanges is missing.
    """
    return calendar_named(name) if name in _BUILT_IN_NAMES else listed(name)


def must_reach(calendars: Calendars, begin: int) -> None:
    """
    Raises:
        ConfigError: The data begin before anybody knows when the exchange was open.
    """
    for calendar in calendars:
        if isinstance(calendar, ListedSessions) and begin < calendar.opens[0] - _REST_NS:
            raise ConfigError(
                f"calendar {calendar.name} is known from {_day(calendar.opens[0])} on, and the data begin on "
                f"{_day(begin)}: begin the run later, or use 'weekdays'"
            )


def listed(name: str) -> ListedSessions:
    """All sessions of an exchange that are known.

    Raises:
        ConfigError: The library is missing, or knows no such exchange.
    """
    some = _library(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library is ahead of its pandas, or behind it
            calendar = some.get_calendar(name)
            first, last = calendar.bound_min(), calendar.bound_max()
            begin = FIRST_DAY if first is None else max(FIRST_DAY, first.date())
            end = LAST_DAY if last is None else min(LAST_DAY, last.date())
            calendar = some.get_calendar(name, start=str(begin), end=str(end))
    except Exception as error:
        raise ConfigError(
            f"there is no calendar {name!r} ({error}): use {', '.join(each.name for each in BUILT_IN)}, or "
            "an exchange's code as XNYS, XNAS, XLON or XBOM"
        ) from error
    return ListedSessions(
        name=name, opens=tuple(calendar.opens_nanos.tolist()), closes=tuple(calendar.closes_nanos.tolist())
    )


def sessions_of(name: str, first: int, last: int) -> Sessions:
    """Sessions of an exchange by its code (ISO 10383, as XNYS), from ten days before `first` to ten behind.

    Raises:
        ConfigError: The library is missing, or knows no such exchange.
    """
    library = _library(name)
    begin, end = (_day(time) + timedelta(days=more) for time, more in ((first, -10), (last, 10)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            calendar: Any = library.get_calendar(name, start=str(begin), end=str(end))
        except Exception as error:
            raise ConfigError(
                f"there is no calendar {name!r} from {begin} to {end} ({error}): give 24/7, weekdays, or an "
                "exchange's code as XNYS, XNAS, XLON or XBOM"
            ) from error
        days = calendar.sessions.as_unit("ns").asi8
        return Sessions(np.asarray(calendar.opens_nanos), np.asarray(calendar.closes_nanos), np.asarray(days))


def _library(name: str) -> Any:
    try:
        import exchange_calendars
    except ImportError as error:
        raise ConfigError(
            f"the calendar {name} needs the library exchange_calendars: install tickerd[research], or use "
            "24/7 or weekdays"
        ) from error
    return exchange_calendars


def _day(time: int) -> date:
    return datetime.fromtimestamp(time / 1e9, tz=UTC).date()
