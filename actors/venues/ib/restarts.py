"""The gateway's daily restart and IB's own resets: known in advance, so nothing is sent into a dying line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Restart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One that comes again and again."""

    at: str
    """`23:45`, in `time_zone`."""
    time_zone: str = "America/New_York"
    days: tuple[str, ...] = ()
    """`sunday`, …; empty for every day."""
    minutes: float = 5.0
    """How long it lasts at most; a line that holds through it is trusted again after."""

    def __post_init__(self) -> None:
        if not _CLOCK.fullmatch(self.at):
            raise ValueError(f"at is {self.at!r}: write hour and minute as in 23:45")
        if strange := [day for day in self.days if day not in DAYS]:
            raise ValueError(f"there is no day {strange[0]!r}: write {', '.join(DAYS)}")
        if not 0 < self.minutes < 24 * 60:
            raise ValueError(f"minutes is {self.minutes:g}: write more than 0 and less than a day")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {self.time_zone!r}: write America/New_York") from None

    def beginnings(self, now: float) -> Iterator[float]:
        """When it begins around now, seconds UTC; an hour that comes twice counts twice."""
        hour, _, minute = self.at.partition(":")
        today = datetime.fromtimestamp(now, tz=ZoneInfo(self.time_zone))
        for days in (-1, 0, 1):
            day = today + timedelta(days=days)
            if self.days and DAYS[day.weekday()] not in self.days:
                continue
            begins = day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            for fold in (0, 1):
                yield begins.replace(fold=fold).timestamp()


class Restarts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that are configured."""

    planned: tuple[Restart, ...] = ()
    lead_seconds: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """No order within so long before one."""

    def why_now(self, now_ns: int, ahead_seconds: float = 0.0) -> str | None:
        """Why nothing may be sent now, or will not until it is asked again; None when it may."""
        lasting = max(self._at(now_ns / 1e9, ahead_seconds), key=lambda found: found[1], default=None)
        if lasting is None:
            return None
        each, end = lasting
        over = datetime.fromtimestamp(end, tz=ZoneInfo(each.time_zone))
        when = f"{each.at} {each.time_zone}, over by {over:%H:%M}"
        return f"the gateway restarts at {when}: nothing need be done"

    def seconds_left(self, now_ns: int, ahead_seconds: float = 0.0) -> float:
        """How long those of now may still last; 0 when there is none."""
        now = now_ns / 1e9
        return max((end - now for _, end in self._at(now, ahead_seconds)), default=0.0)

    def _at(self, now: float, ahead: float = 0.0) -> Iterator[tuple[Restart, float]]:
        """Those that nothing is sent for, with their ends."""
        for each in self.planned:
            for begins in each.beginnings(now):
                end = begins + each.minutes * 60
                if begins - self.lead_seconds - ahead <= now < end:
                    yield each, end
