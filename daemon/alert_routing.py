"""Alerts on their way: repeats, quiet hours, routes and bounded inboxes. Pure: time is handed in."""

from __future__ import annotations

import contextlib
from collections import deque
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from daemon.alert_settings import SEVERITIES, ChannelSection, Severity, parse_quiet_hours

NEVER_REPEATS = frozenset({"halted"})
"""Lifted by an operator alone, with a second command: to happen again so soon is news each time."""
INBOX_MAX = 200
KEYS_MAX = 1_000
_MINUTE_S = 60


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should know."""

    severity: Severity
    kind: str
    subject: str
    """What it is about: an account, a scope, a venue."""
    text: str
    ts_ns: int
    """When it happened, nanoseconds UTC."""
    count: int = 1
    """How often it happened, this time included."""

    @property
    def headline(self) -> str:
        """One line."""
        often = f" (×{self.count})" if self.count > 1 else ""
        subject = f" {self.subject}" if self.subject else ""
        return f"{self.severity} {self.kind}{subject}{often}: {' '.join(self.text.split())}"

    @property
    def time(self) -> str:
        """ISO 8601, UTC."""
        return datetime.fromtimestamp(self.ts_ns / 1e9, UTC).isoformat(timespec="seconds")


class _Window(msgspec.Struct):
    ends_ns: int
    last: Alert
    repeats: int = 0


class Repeats:
    """The same alert passes once in a window; what came meanwhile is told at its end, as one with a count."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._windows: dict[tuple[str, str, str], _Window] = {}
        self.counted = 0
        """Alerts that another one stood for."""

    def take(self, alert: Alert) -> list[Alert]:
        """What goes out now: the alert itself, or nothing while its like is fresh."""
        if alert.kind in NEVER_REPEATS:
            return [alert]
        key = (alert.severity, alert.kind, alert.subject)
        window = self._windows.get(key)
        if window is not None and alert.ts_ns < window.ends_ns:
            window.last, window.repeats = alert, window.repeats + alert.count
            self.counted += 1
            return []
        told = [_summed(window)] if window is not None and window.repeats else []
        self._windows.pop(key, None)
        self._windows[key] = _Window(alert.ts_ns + self._window_ns, alert)
        if len(self._windows) > KEYS_MAX:
            oldest = self._windows.pop(next(iter(self._windows)))
            told += [_summed(oldest)] if oldest.repeats else []
        return [*told, alert]

    def due(self, now_ns: int, *, is_last: bool = False) -> list[Alert]:
        """Repeats whose window has ended; all of them when nothing comes after."""
        ended = [key for key, window in self._windows.items() if is_last or window.ends_ns <= now_ns]
        told = []
        for key in ended:
            window = self._windows.pop(key)
            if window.repeats:
                told.append(_summed(window))
                self._windows[key] = _Window(now_ns + self._window_ns, window.last)
        return told


def _summed(window: _Window) -> Alert:
    return msgspec.structs.replace(window.last, count=window.repeats)


class QuietHours:
    """A span of the day in a time zone; it may pass midnight."""

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        self._begin, self._end = parse_quiet_hours(text)
        self._zone = zone

    def covers(self, ts_ns: int) -> bool:
        """Whether this moment lies in it; the end does not."""
        local = datetime.fromtimestamp(ts_ns / 1e9, self._zone).time()
        if self._begin < self._end:
            return self._begin <= local < self._end
        return local >= self._begin or local < self._end


class Inbox:
    """What a channel has still to deliver, bounded: the oldest of the least severe makes room."""

    def __init__(self, size: int = INBOX_MAX) -> None:
        self._size = size
        self._waiting: dict[Severity, deque[Alert]] = {severity: deque() for severity in SEVERITIES}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, alert: Alert) -> Alert | None:
        """Take an alert; the one that had to go for it, if any."""
        self._waiting[alert.severity].append(alert)
        if len(self) <= self._size:
            return None
        return next(queue for queue in self._waiting.values() if queue).popleft()

    def take(self) -> Alert | None:
        """The oldest of the most severe."""
        for severity in reversed(SEVERITIES):
            with contextlib.suppress(IndexError):
                return self._waiting[severity].popleft()
        return None


class Route:
    """Decides for one channel: now, not at all, or after its quiet hours as one sum."""

    def __init__(self, section: ChannelSection, zone: ZoneInfo) -> None:
        self._severity_min = SEVERITIES.index(section.severity_min)
        self._kinds = frozenset(section.kinds)
        self._quiet = None if section.quiet_hours is None else QuietHours(section.quiet_hours, zone)
        self._held_back: dict[str, int] = {}

    def wants(self, alert: Alert) -> bool:
        """Whether severity and kind are the channel's."""
        return SEVERITIES.index(alert.severity) >= self._severity_min and (
            not self._kinds or alert.kind in self._kinds
        )

    def take(self, alert: Alert, now_ns: int) -> list[Alert]:
        """What the channel delivers now."""
        if not self.wants(alert):
            return []
        if alert.severity != "critical" and self._quiet is not None and self._quiet.covers(now_ns):
            self._held_back[alert.kind] = self._held_back.get(alert.kind, 0) + alert.count
            return []
        return [alert]

    def due(self, now_ns: int) -> list[Alert]:
        """What was held back, once the quiet hours are over."""
        if not self._held_back or (self._quiet is not None and self._quiet.covers(now_ns)):
            return []
        counts, self._held_back = self._held_back, {}
        text = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        return [
            Alert(
                severity="warning",
                kind="held_back",
                subject="",
                text=f"during quiet hours: {text}; see the log",
                ts_ns=now_ns,
                count=sum(counts.values()),
            )
        ]


def seconds_ns(seconds: float) -> int:
    """Whole nanoseconds."""
    return round(seconds * 1e9)


class Bursts:
    """Counts by name over the last minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: dict[str, deque[int]] = {}

    def add(self, name: str, ts_ns: int) -> int:
        """How many there were within a minute if that reaches the limit, which starts anew then; else 0."""
        times = self._times.setdefault(name, deque())
        times.append(ts_ns)
        while times[0] <= ts_ns - _MINUTE_S * 1_000_000_000:
            times.popleft()
        if len(times) < self._limit:
            return 0
        count = len(times)
        times.clear()
        return count
