"""Trading sessions of exchanges over arrays of times, for checks of data."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from actors.errors import ConfigError
from daemon.calendars import exchange_library

Times = npt.NDArray[np.int64]


class Sessions(NamedTuple):
    """Trading sessions of an exchange, [open, close), ns UTC, in order."""

    opens: Times
    closes: Times
    days: Times
    """Midnight UTC of each session's date."""


def sessions_of(name: str, first: int, last: int) -> Sessions:
    """Sessions of an exchange by its code (ISO 10383, as XNYS), from ten days before `first` to ten behind.

    Raises:
        ConfigError: The library is missing, or knows no such exchange.
    """
    library = exchange_library(name)
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


def _day(time: int) -> date:
    return datetime.fromtimestamp(time / 1e9, tz=UTC).date()
