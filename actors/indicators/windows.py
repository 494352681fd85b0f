"""Figures of the newest numbers that need no second look at them: moments, sums by age, extremes.

Running sums gather rounding errors, so each is made exact again once per window: one addition a number on
average.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from actors.indicators.base import ValueIndicator


class Moments:
    """Mean and squared deviations of the newest `length` numbers."""

    __slots__ = ("_length", "mean", "squares", "until_exact", "window")

    def __init__(self, length: int) -> None:
        self._length = length
        self.until_exact = length
        self.window: deque[float] = deque(maxlen=length)
        self.mean = 0.0
        self.squares = 0.0

    def update(self, value: float) -> None:
        """Welford's step while the window fills; afterwards also the oldest number is taken out."""
        window, mean = self.window, self.mean
        if len(window) < self._length:
            window.append(value)
            self.mean = mean + (value - mean) / len(window)
            self.squares += (value - mean) * (value - self.mean)
            return
        oldest = window[0]
        window.append(value)
        self.until_exact -= 1
        if not self.until_exact:
            self.until_exact = self._length
            self.mean = sum(window) / self._length
            self.squares = sum((number - self.mean) ** 2 for number in window)
            return
        self.mean = mean + (value - oldest) / self._length
        squares = self.squares + (value - oldest) * (value - self.mean + oldest - mean)
        self.squares = max(squares, 0.0)

    def snapshot(self) -> list[Any]:
        """State for the checkpoint."""
        return [list(self.window), self.mean, self.squares, self.until_exact]

    def restore(self, state: list[Any]) -> None:
        """Take the state that `snapshot` gave."""
        window, self.mean, self.squares, self.until_exact = state
        self.window = deque(window, self._length)


class MomentsIndicator(ValueIndicator):
    """Base of what is made from the mean and deviations of the newest numbers."""

    __slots__ = ("_moments",)
    parts: ClassVar[tuple[str, ...]] = ("_moments",)

    def __init__(self, length: int, warm_up: int) -> None:
        super().__init__(warm_up)
        self._moments = Moments(length)


class AgedSums:
    """Sum of the newest numbers, and that weighted by place: 0 for the oldest, length − 1 for the newest.

    Numbers are kept less an anchor from their own window, so large levels do not drown small slopes.
    """

    __slots__ = ("_length", "_until_exact", "anchor", "total", "weighted", "window")

    def __init__(self, length: int) -> None:
        self._length = length
        self._until_exact = length
        self.window: deque[float] = deque(maxlen=length)
        self.anchor = 0.0
        self.total = 0.0
        self.weighted = 0.0

    def update(self, value: float) -> None:
        """Follow one more number."""
        window = self.window
        held = len(window)
        if not held:
            self.anchor = value
        shifted = value - self.anchor
        if held < self._length:
            window.append(value)
            self.total += shifted
            self.weighted += held * shifted
            return
        oldest = window[0] - self.anchor
        window.append(value)
        self._until_exact -= 1
        if not self._until_exact:
            self._until_exact = self._length
            self.anchor = anchor = window[0]
            self.total = sum(number - anchor for number in window)
            self.weighted = sum(place * (number - anchor) for place, number in enumerate(window))
            return
        self.weighted += (held - 1) * shifted - (self.total - oldest)
        self.total += shifted - oldest

    def snapshot(self) -> list[Any]:
        """State for the checkpoint."""
        return [list(self.window), self.anchor, self.total, self.weighted, self._until_exact]

    def restore(self, state: list[Any]) -> None:
        """Take the state that `snapshot` gave."""
        window, self.anchor, self.total, self.weighted, self._until_exact = state
        self.window = deque(window, self._length)


class Extreme:
    """The largest of the newest `length` numbers; the smallest if `sign` is −1.

    Only numbers that can still become the answer are queued, best first, so each comes and goes once.
    """

    __slots__ = ("_queue", "_sign", "_window")

    def __init__(self, length: int, sign: int) -> None:
        self._sign = sign
        self._window: deque[float] = deque(maxlen=length)
        self._queue: deque[float] = deque()

    def update(self, value: float) -> float:
        """Follow one more number; returns the extreme of the window with it."""
        window, queue = self._window, self._queue
        value = self._sign * value
        if len(window) == window.maxlen and window[0] == queue[0]:
            queue.popleft()
        window.append(value)
        while queue and queue[-1] < value:
            queue.pop()
        queue.append(value)
        return self._sign * queue[0]

    def snapshot(self) -> list[Any]:
        """State for the checkpoint."""
        return [list(self._window), list(self._queue)]

    def restore(self, state: list[Any]) -> None:
        """Take the state that `snapshot` gave."""
        self._window = deque(state[0], self._window.maxlen)
        self._queue = deque(state[1])


class SameRun:
    """How many of the newest numbers are the same: running sums cannot tell a standstill from rounding."""

    __slots__ = ("_last", "length")

    def __init__(self) -> None:
        self._last: float | None = None
        self.length = 0

    def update(self, value: float) -> int:
        """Follow one more number; returns the run that it belongs to."""
        self.length = self.length + 1 if value == self._last else 1
        self._last = value
        return self.length

    def snapshot(self) -> list[Any]:
        """State for the checkpoint."""
        return [self._last, self.length]

    def restore(self, state: list[Any]) -> None:
        """Take the state that `snapshot` gave."""
        self._last, self.length = state
