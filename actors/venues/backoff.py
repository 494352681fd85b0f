"""Pauses between attempts: growing, capped, jittered."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Each failure doubles the pause up to a cap; jitter keeps many clients from coming back at once."""

    def __init__(
        self,
        *,
        first_seconds: float = 0.5,
        cap_seconds: float = 30.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives numbers in [0, 1)."""
        self._first = first_seconds
        self._cap = cap_seconds
        self._chance = chance
        self._pause = first_seconds

    def next(self) -> float:
        """Seconds to wait now: between half and all of the current pause."""
        pause = min(self._pause, self._cap)
        self._pause = min(pause * 2, self._cap)
        return pause * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Something worked: begin with the first pause again."""
        self._pause = self._first
