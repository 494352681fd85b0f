"""When a contract trades: the sessions of the coming days as its details list them, in their own zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import structlog

log = structlog.get_logger(__name__)

OLD_NAMES = {
    "EST": "America/New_York", "EST5EDT": "America/New_York", "CST": "America/Chicago",
    "CST6CDT": "America/Chicago", "MST": "America/Denver", "PST": "America/Los_Angeles",
    "JST": "Asia/Tokyo", "MET": "Europe/Berlin", "BST": "Europe/London",
}  # fmt: skip
"""What TWS writes and the zone tables do not know, or know without daylight saving."""
NS_PER_S = 1_000_000_000
MINUTE_NS = 60 * NS_PER_S
CLOSED = "CLOSED"


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, oldest first; beyond the last listed day nothing is known."""

    sessions: tuple[tuple[int, int], ...]
    """[open, close), ns UTC."""
    known_to: int
    """End of the last day that was listed, ns UTC; 0 when nothing is known."""

    def is_open(self, now_ns: int) -> bool:
        """Whether it trades; what is not known counts as open: TWS decides then."""
        return now_ns >= self.known_to or any(opens <= now_ns < closes for opens, closes in self.sessions)

    def next_open(self, now_ns: int) -> int | None:
        """When the next session begins; None when that is not known."""
        return next((opens for opens, _ in self.sessions if opens > now_ns), None)


UNKNOWN = Hours(sessions=(), known_to=0)


def parse_hours(text: str, zone_name: str) -> Hours:
    """From `20261120:0930-20261120:1600;20261121:CLOSED;…`, several sessions of a day with commas between.

    The older form leaves the second date out: `20261120:0930-1600`. What cannot be read is not known.
    """
    zone = zone_of(zone_name)
    if zone is None:
        log.warning("hours in a time zone that is not known", zone=zone_name)
        return UNKNOWN
    sessions: list[tuple[int, int]] = []
    known_to = 0
    try:
        for part in filter(None, (each.strip() for each in text.split(";"))):
            day, _, rest = part.partition(":")
            for span in rest.split(",") if rest.upper() != CLOSED else ():
                sessions.append(_session(day, span.strip(), zone))
            known_to = max([known_to, _instant(day, "2400", zone), *(closes for _, closes in sessions)])
    except ValueError:
        log.warning("hours that cannot be read", text=text)
        return UNKNOWN
    return Hours(sessions=tuple(sorted(sessions)), known_to=known_to)


def zone_of(name: str) -> ZoneInfo | None:
    """`US/Eastern`, `EST (Eastern Standard Time)`, `MET`; UTC for an empty one, None for an unknown one."""
    name = name.partition(" (")[0].strip() or "UTC"
    try:
        return ZoneInfo(OLD_NAMES.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _session(day: str, span: str, zone: ZoneInfo) -> tuple[int, int]:
    opens, dash, closes = span.partition("-")
    if not dash:
        raise ValueError(span)
    begin_day, _, begin_clock = opens.rpartition(":")
    end_day, _, end_clock = closes.rpartition(":")
    begin_day = begin_day or day
    # Without a date of its own an end before the beginning is the next day's.
    is_over_night = not end_day and end_clock <= begin_clock
    begin = _instant(begin_day, begin_clock, zone)
    return begin, _instant(end_day or begin_day, end_clock, zone, is_over_night=is_over_night)


def _instant(day: str, clock: str, zone: ZoneInfo, *, is_over_night: bool = False) -> int:
    """`2359` and `2400` stand for the end of the day."""
    is_end = clock in ("2359", "2400")
    at = datetime.strptime(day + ("0000" if is_end else clock), "%Y%m%d%H%M").replace(tzinfo=zone)
    return int((at + timedelta(days=is_end + is_over_night)).timestamp()) * NS_PER_S
