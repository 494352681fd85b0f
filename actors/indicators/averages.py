"""Averages of the newest numbers."""

from __future__ import annotations

from collections import deque

from actors.indicators.base import ValueIndicator, positive_length
from actors.indicators.windows import AgedSums


class SMA(ValueIndicator):
    """Simple moving average of the newest `length` numbers.

    The running sum is added up anew each time the window has been replaced once, so rounding errors do not
    pile up over months; that is one addition a number on average.
    """

    __slots__ = ("_length", "_sum", "_until_exact", "_window")
    fields = ("_window", "_sum", "_until_exact")

    def __init__(self, length: int) -> None:
        super().__init__(positive_length("SMA", length))
        self._length = length
        self._window: deque[float] = deque(maxlen=length)
        self._sum = 0.0
        self._until_exact = length

    def update(self, value: float) -> float:
        """Follow one more number."""
        window = self._window
        if self.count >= self._length:
            total = self._sum + value - window[0]
            window.append(value)
            self._until_exact -= 1
            if not self._until_exact:
                self._until_exact = self._length
                total = sum(window)
            self._sum = total
            value = self.value = total / self._length
            return value
        window.append(value)
        self.count += 1
        self._sum += value
        if self.count == self._length:
            self.value = self._sum / self._length
        return self.value


class EMA(ValueIndicator):
    """Exponential moving average with weight 2 / (length + 1), begun with the mean of the first `length`."""

    __slots__ = ("_length", "_sum", "_weight")
    fields = ("_sum",)

    def __init__(self, length: int) -> None:
        super().__init__(positive_length("EMA", length))
        self._length = length
        self._weight = 2.0 / (length + 1)
        self._sum = 0.0

    def update(self, value: float) -> float:
        """Follow one more number."""
        if self.count >= self._length:
            self.value += self._weight * (value - self.value)
            return self.value
        self.count += 1
        self._sum += value
        if self.count == self._length:
            self.value = self._sum / self._length
        return self.value


class WMA(ValueIndicator):
    """Weighted moving average: weight 1 for the oldest of `length` numbers, `length` for the newest."""

    __slots__ = ("_length", "_sums", "_weights")
    parts = ("_sums",)

    def __init__(self, length: int) -> None:
        super().__init__(positive_length("WMA", length))
        self._length = length
        self._weights = length * (length + 1) / 2
        self._sums = AgedSums(length)

    def update(self, value: float) -> float:
        """Follow one more number."""
        sums = self._sums
        sums.update(value)
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return self.value
        self.value = sums.anchor + (sums.weighted + sums.total) / self._weights
        return self.value
