"""Calendars by name: the built-in ones, and exchanges' own sessions as plain data, looked up at load."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from actors.errors import ConfigError
from actors.model.calendar import BUILT_IN, DAY_NS, Calendar, Calendars, ListedSessions, calendar_named
from actors.model.instrument import Instrument
from daemon.config import Config

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2050, 1, 1)
"""What a backtest lists as far as it is known; fixed, so that a run does not depend on the day it is made."""
YEARS_BEFORE, YEARS_AFTER = 3, 3
"""What a daemon lists around the year it starts in; the tape keeps it."""
ENDS_SOON_DAYS = 60

_BUILT_IN_NAMES = frozenset(calendar.name for calendar in BUILT_IN)
_REST_NS = 14 * DAY_NS
"""Data may begin while the market rests."""


def calendars_for(
    config: Config,
    calendars: Iterable[str],
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
) -> Calendars:
    """The built-in calendars, these, and those that simulated venues name.

    Raises:
        ConfigError: A name that no calendar has, or the library that knows exchanges is missing.
    """
    wanted = dict.fromkeys((*calendars, *hours_calendars(config).values()))
    exchanges = [name for name in wanted if name not in _BUILT_IN_NAMES]
    return (*BUILT_IN, *(listed(name, first, last) for name in exchanges))


def hours_calendars(config: Config) -> dict[str, str]:
    """Simulated venue → the calendar that its hours name; `instrument` names none."""
    asked = {name: venue.simulated.hours.calendar for name, venue in config.venues.items()}
    return {name: each for name, each in asked.items() if each is not None and each != "instrument"}


def live_calendars(config: Config, calendars: Iterable[str], now: int) -> Calendars:
    """The same, for some years around now.

    Raises:
        ConfigError: As above, or nobody knows when the exchange will be open.
    """
    year = _day(now).year
    found = calendars_for(
        config, calendars, date(year - YEARS_BEFORE, 1, 1), date(year + YEARS_AFTER, 12, 31)
    )
    for calendar in found:
        if isinstance(calendar, ListedSessions) and calendar.closes[-1] <= now + DAY_NS:
            raise ConfigError(f"{_known_until(calendar)}: install a newer exchange_calendars")
    return found


def ending_soon(calendars: Calendars, now: int) -> list[str]:
    """What a daemon that runs for months will miss, in words."""
    return [
        f"{_known_until(calendar)}: install a newer exchange_calendars before then"
        for calendar in calendars
        if isinstance(calendar, ListedSessions) and calendar.closes[-1] < now + ENDS_SOON_DAYS * DAY_NS
    ]


def _known_until(calendar: ListedSessions) -> str:
    return f"calendar {calendar.name} is known until {_day(calendar.closes[-1])} only"


def with_calendars(config: Config, instruments: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Definitions of venues, which know no calendars, with those that the configuration names."""
    return {
        name: msgspec.structs.replace(each, calendar=config.instruments[name].calendar)
        if name in config.instruments
        else each
        for name, each in instruments.items()
    }


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


def listed(name: str, first: date = FIRST_DAY, last: date = LAST_DAY) -> ListedSessions:
    """All sessions of an exchange between two days that are known.

    Raises:
        ConfigError: The library is missing, or knows no such exchange.
    """
    some = exchange_library(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library is ahead of its pandas, or behind it
            calendar = some.get_calendar(name)
            low, high = calendar.bound_min(), calendar.bound_max()
            begin = first if low is None else max(first, low.date())
            end = last if high is None else min(last, high.date())
            calendar = some.get_calendar(name, start=str(begin), end=str(end))
    except Exception as error:
        raise ConfigError(
            f"there is no calendar {name!r} ({error}): use {', '.join(each.name for each in BUILT_IN)}, or "
            "an exchange's code as XNYS, XNAS, XLON or XBOM"
        ) from error
    return ListedSessions(
        name=name, opens=tuple(calendar.opens_nanos.tolist()), closes=tuple(calendar.closes_nanos.tolist())
    )


def exchange_library(name: str) -> Any:
    """What knows exchanges.

    Raises:
        ConfigError: It is missing; `name` is the calendar that was wanted.
    """
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
