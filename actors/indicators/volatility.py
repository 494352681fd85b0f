"""How widely a price moves."""

from __future__ import annotations

from math import log, nan, sqrt

from actors.indicators.base import BarIndicator, positive_length
from actors.indicators.windows import MomentsIndicator
from actors.messages.market import Bar


class ATR(BarIndicator):
    """Average true range in price units; the first bar's range is its high less its low.

    Source:
        J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978: begun as the simple mean of the
        first `length` true ranges, then smoothed by 1 / length.
    """

    __slots__ = ("_length", "_previous", "_sum")
    fields = ("_sum", "_previous")

    def __init__(self, length: int = 14) -> None:
        super().__init__(positive_length("ATR", length))
        self._length = length
        self._sum = 0.0
        self._previous = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        if self.count:
            true_range = max(bar.high, self._previous) - min(bar.low, self._previous)
        else:
            true_range = bar.high - bar.low
        self._previous = bar.close
        if self.count >= self._length:
            self.value += (true_range - self.value) / self._length
            return
        self.count += 1
        self._sum += true_range
        if self.count == self._length:
            self.value = self._sum / self._length


class RollingVolatility(MomentsIndicator):
    """Sample standard deviation of the newest `length` logarithmic returns, per step and not annualised."""

    __slots__ = ("_length", "_previous")
    fields = ("_previous",)

    def __init__(self, length: int = 20) -> None:
        super().__init__(positive_length("RollingVolatility", length, least=2), length + 1)
        self._length = length
        self._previous = nan

    def update(self, value: float) -> float:
        """Follow one more price, > 0."""
        previous, self._previous = self._previous, value
        if self.count:
            self._moments.update(log(value / previous))
        if self.count <= self._length:
            self.count += 1
            if self.count <= self._length:
                return self.value
        self.value = sqrt(self._moments.squares / (self._length - 1))
        return self.value


class BollingerBands(MomentsIndicator):
    """A simple average (`value`) with bands `width` population standard deviations above and below.

    Source:
        John Bollinger, "Bollinger on Bollinger Bands", 2001.
    """

    __slots__ = ("_length", "_width", "lower", "upper")
    fields = ("lower", "upper")
    outputs = ("lower", "value", "upper")

    def __init__(self, length: int = 20, width: float = 2.0) -> None:
        super().__init__(positive_length("BollingerBands", length, least=2), length)
        self._length = length
        self._width = width
        self.lower = nan
        self.upper = nan

    def update(self, value: float) -> float:
        """Follow one more number."""
        self._moments.update(value)
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return self.value
        moments = self._moments
        spread = self._width * sqrt(moments.squares / self._length)
        self.value = moments.mean
        self.lower, self.upper = self.value - spread, self.value + spread
        return self.value
