"""How strongly a price moves one way."""

from __future__ import annotations

from math import nan

from actors.indicators.base import ValueIndicator, positive_length


class RSI(ValueIndicator):
    """Relative strength index, 0..100; 50 while nothing moves.

    Source:
        J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978: averages begun as simple means of
        the first `length` changes, then smoothed by 1 / length.
    """

    __slots__ = ("_gain", "_length", "_loss", "_previous")
    fields = ("_gain", "_loss", "_previous")

    def __init__(self, length: int = 14) -> None:
        super().__init__(positive_length("RSI", length) + 1)
        self._length = length
        self._gain = 0.0
        self._loss = 0.0
        self._previous = nan

    def update(self, value: float) -> float:
        """Follow one more number."""
        change = value - self._previous
        self._previous = value
        if self.count <= self._length:
            self.count += 1
            if self.count > 1:
                self._gain += max(change, 0.0) / self._length
                self._loss += max(-change, 0.0) / self._length
            if self.count <= self._length:
                return self.value
        else:
            self._gain += (max(change, 0.0) - self._gain) / self._length
            self._loss += (max(-change, 0.0) - self._loss) / self._length
        moved = self._gain + self._loss
        self.value = 100.0 * self._gain / moved if moved > 0.0 else 50.0
        return self.value
