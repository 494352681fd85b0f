"""TWS takes fifty messages a second and cuts the line above that; orders and questions share them."""

from __future__ import annotations

import asyncio
from collections import deque

PER_SECOND = 45
KEPT_FOR_ORDERS = 15
"""Of those; questions wait before they take them."""


class MessageBudget:
    """Counts what leaves within any second."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        # The server counts arrivals: two bursts a second apart here may be nearer there.
        self._window = 1.1
        self._sent: deque[float] = deque()
        self._per_second = per_second

    def left(self) -> int:
        """How many messages may leave at this moment."""
        self._forget(asyncio.get_running_loop().time())
        return max(0, self._per_second - len(self._sent))

    def pause_for_order(self) -> float:
        """Seconds until an order may leave; 0 takes its place now."""
        return self._pause(self._per_second)

    async def wait(self) -> None:
        """Until a question may leave, and take its place."""
        while pause := self._pause(self._per_second - KEPT_FOR_ORDERS):  # noqa: ASYNC110  (time has no event)
            await asyncio.sleep(pause)

    def _pause(self, allowed: int) -> float:
        now = asyncio.get_running_loop().time()
        self._forget(now)
        sent = self._sent
        if len(sent) < allowed:
            sent.append(now)
            return 0.0
        return max(0.001, sent[len(sent) - allowed] + self._window - now)

    def _forget(self, now: float) -> None:
        while self._sent and now - self._sent[0] > self._window:
            self._sent.popleft()
