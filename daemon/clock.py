"""Our clock: the wall clock read once, carried on by `CLOCK_BOOTTIME`, slewed gently after the wall clock.

A wall clock that is set jumps; an order's time must not. So the wall is followed by at most 500 ppm, and a
difference of over a second is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SLEW_MAX_PPM = 500
OFFSET_ALARM_NS = 1_000_000_000


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Clock:
    """Nanoseconds UTC that never run backwards."""

    __slots__ = ("_base", "_boot", "_boot_ns", "_last_discipline", "_wall_ns", "offset_ns")

    def __init__(
        self, *, wall_ns: Callable[[], int] = time.time_ns, boot_ns: Callable[[], int] = _boot_ns
    ) -> None:
        self._wall_ns, self._boot_ns = wall_ns, boot_ns
        self._boot = self._last_discipline = boot_ns()
        self._base = wall_ns()
        self.offset_ns = 0
        """Wall clock minus ours, as of the last `discipline`."""

    def now(self) -> int:
        """Nanoseconds UTC."""
        return self._base + self._boot_ns() - self._boot

    def discipline(self) -> bool:
        """Follow the wall clock by what the slew allows since the last call.

        Returns:
            False while the wall clock is more than a second off: the operator must look.
        """
        boot = self._boot_ns()
        allowed = (boot - self._last_discipline) * SLEW_MAX_PPM // 1_000_000
        self._last_discipline = boot
        self.offset_ns = self._wall_ns() - (self._base + boot - self._boot)
        self._base += max(-allowed, min(allowed, self.offset_ns))
        return abs(self.offset_ns) <= OFFSET_ALARM_NS
