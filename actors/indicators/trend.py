"""Whether a price goes somewhere, and the channels that tell."""

from __future__ import annotations

from math import nan

from actors.indicators.averages import EMA
from actors.indicators.base import BarIndicator, positive_length
from actors.indicators.volatility import ATR
from actors.indicators.windows import Extreme
from actors.messages.market import Bar


class ADX(BarIndicator):
    """Average directional index (`value`) with the directional indicators `plus` and `minus`, all 0..100.

    Source:
        J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978: sums begun over length − 1
        changes, then smoothed by 1 / length; the index begins as the mean of its first `length` movements.
    """

    __slots__ = (
        "_begun",
        "_close",
        "_down",
        "_high",
        "_length",
        "_low",
        "_range",
        "_up",
        "minus",
        "plus",
    )
    fields = ("_high", "_low", "_close", "_up", "_down", "_range", "plus", "minus", "_begun")
    outputs = ("value", "plus", "minus")

    def __init__(self, length: int = 14) -> None:
        super().__init__(2 * positive_length("ADX", length, least=2))
        self._length = length
        self._high = self._low = self._close = nan
        self._up = self._down = self._range = self._begun = 0.0
        self.plus = self.minus = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        high, low, close = self._high, self._low, self._close
        self._high, self._low, self._close = bar.high, bar.low, bar.close
        changes = self.count
        if changes < self.warm_up:
            self.count += 1
        if changes == 0:
            return
        up, down = bar.high - high, low - bar.low
        kept = 1.0 if changes < self._length else 1.0 - 1.0 / self._length
        self._up = self._up * kept + (up if up > down and up > 0.0 else 0.0)
        self._down = self._down * kept + (down if down > up and down > 0.0 else 0.0)
        self._range = self._range * kept + max(bar.high, close) - min(bar.low, close)
        if changes >= self._length:
            self._follow_direction(changes)

    def _follow_direction(self, changes: int) -> None:
        if self._range > 0.0:
            self.plus, self.minus = 100.0 * self._up / self._range, 100.0 * self._down / self._range
        else:
            self.plus = self.minus = 0.0
        both = self.plus + self.minus
        if changes < self.warm_up:
            self._begun += 100.0 * abs(self.plus - self.minus) / both if both > 0.0 else 0.0
            if self.count == self.warm_up:
                self.value = self._begun / self._length
        elif both > 0.0:
            movement = 100.0 * abs(self.plus - self.minus) / both
            self.value += (movement - self.value) / self._length


class Donchian(BarIndicator):
    """Highest high (`upper`), lowest low (`lower`) of the newest `length` bars, and their middle (`value`).

    Source:
        R. D. Donchian, "Donchian's 5- and 20-Day Moving Averages", Commodities, December 1974.
    """

    __slots__ = ("_high", "_length", "_low", "lower", "upper")
    fields = ("lower", "upper")
    parts = ("_high", "_low")
    outputs = ("lower", "value", "upper")

    def __init__(self, length: int = 20) -> None:
        super().__init__(positive_length("Donchian", length))
        self._length = length
        self._high, self._low = Extreme(length, 1), Extreme(length, -1)
        self.lower = nan
        self.upper = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        high, low = self._high.update(bar.high), self._low.update(bar.low)
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return
        self.lower, self.upper = low, high
        self.value = (high + low) / 2.0


class Keltner(BarIndicator):
    """An exponential average of closes (`value`) with bands `width` average true ranges above and below.

    Source:
        C. W. Keltner, "How to Make Money in Commodities", 1960, in L. B. Raschke's form with EMA and ATR.
    """

    __slots__ = ("_average", "_range", "_width", "lower", "upper")
    fields = ("lower", "upper")
    parts = ("_average", "_range")
    outputs = ("lower", "value", "upper")

    def __init__(self, length: int = 20, width: float = 2.0, atr_length: int = 10) -> None:
        self._average, self._range = EMA(positive_length("Keltner", length)), ATR(atr_length)
        super().__init__(max(self._average.warm_up, self._range.warm_up))
        self._width = width
        self.lower = nan
        self.upper = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        middle = self._average.update(bar.close)
        self._range.take_bar(bar)
        if self.count < self.warm_up:
            self.count += 1
            if self.count < self.warm_up:
                return
        spread = self._width * self._range.value
        self.lower, self.value, self.upper = middle - spread, middle, middle + spread


class Supertrend(BarIndicator):
    """A stop (`value`) that trails the middle of the bars by `width` average true ranges.

    `direction` is 1 while the stop lies below the price, −1 while it lies above. The stop only moves with the
    trend; a close beyond it turns the trend, which begins upwards.

    Source:
        O. Seban, "Tout le monde mérite d'être riche", 2009.
    """

    __slots__ = ("_close", "_lower", "_range", "_upper", "_width", "direction")
    fields = ("_close", "_lower", "_upper", "direction")
    parts = ("_range",)
    outputs = ("value", "direction")

    def __init__(self, length: int = 10, width: float = 3.0) -> None:
        super().__init__(positive_length("Supertrend", length))
        self._range = ATR(length)
        self._width = width
        self._close = self._lower = self._upper = nan
        self.direction = 1

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        self._range.take_bar(bar)
        before, self._close = self._close, bar.close
        if self.count < self.warm_up:
            self.count += 1
            if self.count < self.warm_up:
                return
        middle, spread = (bar.high + bar.low) / 2.0, self._width * self._range.value
        # A comparison with NaN is false, so the first bands stand as they are.
        if not (middle + spread >= self._upper and before <= self._upper):
            self._upper = middle + spread
        if not (middle - spread <= self._lower and before >= self._lower):
            self._lower = middle - spread
        if self.direction > 0:
            self.direction = -1 if bar.close < self._lower else 1
        else:
            self.direction = 1 if bar.close > self._upper else -1
        self.value = self._lower if self.direction > 0 else self._upper
