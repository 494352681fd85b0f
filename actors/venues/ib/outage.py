"""An outage of the line: since when, why, and when the log is told of it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 60.0
AGAIN_SECONDS_CAP = 3600.0
NS_PER_S = 1_000_000_000


class Outage:
    """Every attempt to reconnect fails anew; the log hears of the first, then at growing intervals."""

    def __init__(self, venue: str, clock: Callable[[], int]) -> None:
        self._venue, self._clock = venue, clock
        self.since_ns: int | None = None
        """None while there is no outage."""
        self.reason = ""
        self.told = asyncio.Event()
        """Set while there is an outage for a reason that is known."""
        self._told: dict[str, None] = {}
        self._again_at = 0
        self._pause = AGAIN_SECONDS

    def begin(self) -> None:
        """There is no line yet, which is nothing to tell."""
        self.since_ns = self._clock()
        self.reason = "not connected yet"
        self._told.clear()
        self._pause = AGAIN_SECONDS
        self._again_at = 0

    def go_on(self, reason: str) -> None:
        """There is no line, or none any more."""
        if self.since_ns is None:
            self.begin()
        assert self.since_ns is not None
        self.reason, now = reason, self._clock()
        self.told.set()
        if reason in self._told and now < self._again_at:
            return
        if self._told and now >= self._again_at:
            self._pause = min(self._pause * 2, AGAIN_SECONDS_CAP)
        self._told[reason] = None
        self._again_at = now + round(self._pause * NS_PER_S)
        seconds = (now - self.since_ns) // NS_PER_S
        log.warning("line to TWS is down", venue=self._venue, reason=reason, seconds=seconds)

    def end(self) -> None:
        """The line is up."""
        self.since_ns, self.reason = None, ""
        self.told.clear()
