"""When a day begins in an account's time zone, also where the clocks change. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND_NS = 1_000_000_000


def next_day_start(ts: int, zone: str) -> int:
    """The first instant after this one at which a new date begins there; nanoseconds UTC.

    Where clocks skip midnight the day begins when they skip; where midnight comes twice, at the first.
    """
    local = datetime.fromtimestamp(ts // SECOND_NS, tz=ZoneInfo(zone))
    for days in (1, 2):  # the second where a change of the calendar's side has skipped a whole date
        midnight = datetime.combine(local.date() + timedelta(days=days), time(), tzinfo=ZoneInfo(zone))
        start = int(midnight.astimezone(UTC).timestamp()) * SECOND_NS
        if start > ts:
            return start
    raise AssertionError(f"no day begins in {zone} within two dates of {ts}")
