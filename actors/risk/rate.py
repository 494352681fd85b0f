"""When orders were approved: a sliding window per account."""

from __future__ import annotations

from collections import deque


class OrderTimes:
    """Approval times that may still matter, oldest first."""

    def __init__(self) -> None:
        self._times: dict[str, deque[int]] = {}

    def add(self, account: str, now: int) -> None:
        """An order was approved."""
        self._times.setdefault(account, deque()).append(now)

    def take_back(self, account: str, when: int) -> None:
        """An order approved then is not sent after all; it may be forgotten by now."""
        times = self._times.get(account)
        if times is not None and when in times:
            times.remove(when)

    def within(self, account: str, now: int, window_ns: int) -> int:
        """Approvals in (now - window, now]; older ones are forgotten."""
        times = self._times.get(account)
        if times is None:
            return 0
        while times and times[0] <= now - window_ns:
            times.popleft()
        return len(times)

    def snapshot(self) -> dict[str, list[int]]:
        """State for the checkpoint."""
        return {account: list(times) for account, times in self._times.items()}

    def restore(self, state: dict[str, list[int]]) -> None:
        """Take a checkpoint's state."""
        self._times = {account: deque(times) for account, times in state.items()}
