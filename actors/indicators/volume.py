"""What traded volume says about a price."""

from __future__ import annotations

from collections import deque
from math import nan

from actors.indicators.base import BarIndicator, positive_length
from actors.messages.market import Bar


class VWAP(BarIndicator):
    """Mean of (high + low + close) / 3 weighted by volume: since the last `reset`, or over `length` bars.

    A strategy resets it when its session begins. The newest typical price stands in until something trades.

    Source:
        S. A. Berkowitz, D. E. Logue & E. A. Noser, "The Total Cost of Transactions on the NYSE", Journal of
        Finance 43(1), 1988.
    """

    __slots__ = ("_length", "_traded", "_until_exact", "_value_sum", "_values", "_volume_sum")
    fields = ("_values", "_traded", "_value_sum", "_volume_sum", "_until_exact")

    def __init__(self, length: int | None = None) -> None:
        super().__init__(1 if length is None else positive_length("VWAP", length))
        self._length = length
        self._values: deque[float] = deque(maxlen=length)
        self._traded: deque[float] = deque(maxlen=length)
        self._value_sum = 0.0
        self._volume_sum = 0.0
        self._until_exact = length or 0

    def reset(self) -> None:
        """Begin anew with the next bar."""
        self.count = 0
        self.value = nan
        self._values.clear()
        self._traded.clear()
        self._value_sum = self._volume_sum = 0.0
        self._until_exact = self._length or 0

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        typical = (bar.high + bar.low + bar.close) / 3.0
        self._value_sum += typical * bar.volume
        self._volume_sum += bar.volume
        if self._length is not None:
            self._slide(typical * bar.volume, bar.volume, self._length)
        if self.count < self.warm_up:
            self.count += 1
            if self.count < self.warm_up:
                return
        self.value = self._value_sum / self._volume_sum if self._volume_sum > 0.0 else typical

    def _slide(self, value: float, volume: float, length: int) -> None:
        gone = 0.0
        if len(self._values) == length:
            gone = self._traded[0]
            self._value_sum -= self._values[0]
            self._volume_sum -= gone
            self._until_exact -= 1
        self._values.append(value)
        self._traded.append(volume)
        # What is left beside a volume that dwarfed it is rounding, if not nothing at all.
        if not self._until_exact or self._volume_sum <= 1e-6 * gone:
            self._until_exact = length
            self._value_sum, self._volume_sum = sum(self._values), sum(self._traded)


class OBV(BarIndicator):
    """On-balance volume: added when the close rises, taken off when it falls; begins with the first bar's.

    Source:
        J. E. Granville, "Granville's New Key to Stock Market Profits", 1963.
    """

    __slots__ = ("_previous",)
    fields = ("_previous",)

    def __init__(self) -> None:
        super().__init__(1)
        self._previous = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        previous, self._previous = self._previous, bar.close
        if not self.count:
            self.count = 1
            self.value = bar.volume
        elif bar.close > previous:
            self.value += bar.volume
        elif bar.close < previous:
            self.value -= bar.volume
