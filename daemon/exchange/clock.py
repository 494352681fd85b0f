"""The exchange's own clock, which a fault may set wrong."""

from __future__ import annotations

import time

NS_PER_MS = 1_000_000


class VenueClock:
    """Wall time plus a skew; never goes back except when the skew is set."""

    def __init__(self) -> None:
        self.skew_ms = 0
        self._wall_minus_monotonic = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Nanoseconds UTC as this venue believes."""
        return time.monotonic_ns() + self._wall_minus_monotonic + self.skew_ms * NS_PER_MS

    def now_ms(self) -> int:
        """Milliseconds UTC as this venue believes."""
        return self.now_ns() // NS_PER_MS


class MarketTime:
    """Maps offsets from the start of a recording or a generator onto the exchange's own clock."""

    def __init__(self, *, start_ns: int, speed: float) -> None:
        self._start_ns = start_ns
        self._speed = speed

    def own_ns(self, offset_ns: int) -> int:
        """When the exchange lives through this offset."""
        return self._start_ns + int(offset_ns / self._speed)

    def own_ms(self, offset_ms: int) -> int:
        """The same in milliseconds."""
        return self._start_ns // NS_PER_MS + int(offset_ms / self._speed)
