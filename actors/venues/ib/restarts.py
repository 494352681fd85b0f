"""The gateway's daily restart and IB's own resets: known in advance, so nothing is sent into a dying line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NS_PER_S = 1_000_000_000


class Restart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One that comes again and again."""

    at: str
    """`23:45`, in `time_zone`."""
    time_zone: str = "America/New_York"
    days: tuple[str, ...] = ()
    """`sunday`, …; empty for every day."""
    minutes: float = 5.0
    """How long it lasts at most; a line that holds through it is trusted again after."""


class Restarts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that are configured."""

    planned: tuple[Restart, ...] = ()
    lead_seconds: float = 60.0
    """No order within so long before one."""

    def why_now(self, now_ns: int) -> str | None:
        """Why nothing may be sent now; None when it may."""
        for each in self.planned:
            begins = self._latest(each, now_ns + round(self.lead_seconds * NS_PER_S))
            if begins is None:
                continue
            ends = begins + timedelta(minutes=each.minutes)
            if datetime.fromtimestamp(now_ns / 1e9, tz=UTC) < ends:
                return f"the gateway restarts at {each.at} {each.time_zone}"
        return None

    def _latest(self, restart: Restart, by_ns: int) -> datetime | None:
        """The newest beginning by then, within the last two days."""
        zone = ZoneInfo(restart.time_zone)
        by = datetime.fromtimestamp(by_ns / 1e9, tz=zone)
        hour, _, minute = restart.at.partition(":")
        for back in range(2):
            day = by - timedelta(days=back)
            begins = day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            if begins <= by and (not restart.days or DAYS[begins.weekday()] in restart.days):
                return begins.astimezone(UTC)
        return None
