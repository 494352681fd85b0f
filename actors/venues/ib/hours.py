"""When a contract trades: the sessions of the coming days as its details list them, in their own zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

OLD_NAMES = {"EST": "America/New_York", "EST5EDT": "America/New_York", "CST": "America/Chicago",
             "CST6CDT": "America/Chicago", "JST": "Asia/Tokyo", "MET": "Europe/Berlin",
             "US/Eastern": "America/New_York", "US/Central": "America/Chicago"}  # fmt: skip
NS_PER_S = 1_000_000_000


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, oldest first; beyond the last one nothing is known."""

    sessions: tuple[tuple[int, int], ...]
    """[open, close), ns UTC."""
    known_to: int
    """End of the last day that was listed, ns UTC."""

    def is_open(self, now_ns: int) -> bool:
        """Whether it trades; what is not known counts as open: TWS decides then."""
        if not self.sessions or now_ns >= self.known_to:
            return True
        return any(opens <= now_ns < closes for opens, closes in self.sessions)

    def next_open(self, now_ns: int) -> int | None:
        """When the next session begins; None when that is not known."""
        return next((opens for opens, _ in self.sessions if opens > now_ns), None)


def parse_hours(text: str, zone_name: str) -> Hours:
    """From `20261120:0930-20261120:1600;20261121:CLOSED;…`, or the older form without the second date."""
    zone = _zone(zone_name)
    sessions: list[tuple[int, int]] = []
    known_to = 0
    for part in filter(None, text.split(";")):
        day, _, rest = part.partition(":")
        for span in rest.split(",") if rest != "CLOSED" else ():
            opens, _, closes = span.partition("-")
            end_day, _, end_time = closes.rpartition(":")
            begin = _instant(day, opens.rpartition(":")[2], zone)
            end = _instant(end_day or day, end_time, zone)
            # 2359 stands for the end of the day.
            sessions.append((begin, end + 60 * NS_PER_S if end_time == "2359" else end))
        known_to = max(known_to, _instant(day, "2359", zone) + 60 * NS_PER_S)
    return Hours(sessions=tuple(sorted(sessions)), known_to=known_to)


def _instant(day: str, clock: str, zone: ZoneInfo) -> int:
    return int(datetime.strptime(day + clock, "%Y%m%d%H%M").replace(tzinfo=zone).timestamp()) * NS_PER_S


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(OLD_NAMES.get(name, name or "UTC"))
    except ZoneInfoNotFoundError:
        return ZoneInfo("UTC")
