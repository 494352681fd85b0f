"""Which bars are built, from what, and where each of them begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from actors.errors import ConfigError
from actors.model.calendar import DAY_NS, AlwaysOpen, Calendar
from actors.model.intervals import format_interval

WEEK_NS = 7 * DAY_NS
FIRST_MONDAY_NS = 4 * DAY_NS
"""1970-01-05: weeks begin on Mondays."""

Bounds = Callable[[int], tuple[int, int] | None]
"""Instant → start and end of the bar that holds it; None while the market is closed."""


class BarSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription of bars that no venue hands over ready-made."""

    instrument: str
    interval_ns: int
    source: Literal["trades", "bars"] = "trades"
    source_interval_ns: int = 0
    """Of the smaller bars, when `source` is `bars`."""
    needs_backfill: bool = False
    """An edge hands over what was missed while the line was down, as `Bar` inputs and then `BackfillDone`."""

    def __str__(self) -> str:
        return f"{format_interval(self.interval_ns)} bars of {self.instrument}"

    def check(self) -> None:
        """
        Raises:
            ConfigError: The interval cannot be put together from the smaller one.
        """
        if self.interval_ns <= 0:
            raise ConfigError(f"{self.instrument}: an interval must be positive, not {self.interval_ns} ns")
        if self.source == "bars":
            smaller = self.source_interval_ns
            if not 0 < smaller < self.interval_ns or self.interval_ns % smaller:
                raise ConfigError(
                    f"{self} cannot be made of {format_interval(smaller)} bars: give a whole fraction"
                )


def bounds_of(spec: BarSpec, calendar: Calendar) -> Bounds:
    """How a subscription cuts time.

    Where trading never rests, bars are aligned to midnight UTC of 1970-01-01 (weeks to Mondays). Elsewhere
    they are aligned to the opening of each session, the last of a session ends with it and may be shorter,
    and a bar of one day is the session.

    Raises:
        ConfigError: Longer than a day where sessions count.
    """
    interval = spec.interval_ns
    if isinstance(calendar, AlwaysOpen):
        offset = 0 if interval % WEEK_NS else FIRST_MONDAY_NS

        def aligned(ts: int) -> tuple[int, int]:
            start = ts - (ts - offset) % interval
            return start, start + interval

        return aligned
    if interval > DAY_NS:
        raise ConfigError(f"{spec}: bars longer than a day are not built where sessions count; use 1d")

    def in_session(ts: int) -> tuple[int, int] | None:
        session = calendar.session_of(ts)
        if session is None:
            return None
        if interval == DAY_NS:
            return session.open, session.close
        start = ts - (ts - session.open) % interval
        return start, min(start + interval, session.close)

    return in_session
