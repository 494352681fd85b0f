"""How strongly a price moves one way."""

from __future__ import annotations

from math import nan

from actors.errors import ConfigError
from actors.indicators.averages import EMA, SMA
from actors.indicators.base import BarIndicator, ValueIndicator, positive_length
from actors.indicators.windows import Extreme
from actors.messages.market import Bar


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


class MACD(ValueIndicator):
    """Fast less slow exponential average (`value`), its own average (`signal`), and `histogram`, the rest.

    The fast average begins slow − fast numbers late, so that both are begun by the same number.

    Source:
        G. Appel, "Technical Analysis: Power Tools for Active Investors", 2005.
    """

    __slots__ = ("_fast", "_late", "_signal", "_slow", "histogram", "signal")
    fields = ("signal", "histogram")
    parts = ("_fast", "_slow", "_signal")
    outputs = ("value", "signal", "histogram")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if positive_length("MACD", fast) >= slow:
            raise ConfigError(f"MACD needs a fast length below the slow one, not {fast} and {slow}")
        super().__init__(slow + positive_length("MACD", signal) - 1)
        self._late = slow - fast
        self._fast, self._slow, self._signal = EMA(fast), EMA(slow), EMA(signal)
        self.signal = nan
        self.histogram = nan

    def update(self, value: float) -> float:
        """Follow one more number."""
        if self.count >= self._late:
            self._fast.update(value)
        slow = self._slow.update(value)
        if self.count < self.warm_up:
            self.count += 1
        if self._slow.is_warm:
            line = self._fast.value - slow
            signal = self._signal.update(line)
            if self._signal.is_warm:
                self.value, self.signal, self.histogram = line, signal, line - signal
        return self.value


class Stochastic(BarIndicator):
    """Where the close lies in the range of the newest bars, 0..100, smoothed (`value`) and again (`signal`).

    50 while that range is nothing.

    Source:
        G. C. Lane, "Lane's Stochastics", Technical Analysis of Stocks & Commodities 2(3), 1984.
    """

    __slots__ = ("_high", "_length", "_low", "_signal", "_slow", "signal")
    fields = ("signal",)
    parts = ("_high", "_low", "_slow", "_signal")
    outputs = ("value", "signal")

    def __init__(self, length: int = 14, smooth: int = 3, signal: int = 3) -> None:
        lengths = [positive_length("Stochastic", number) for number in (length, smooth, signal)]
        super().__init__(sum(lengths) - 2)
        self._length = length
        self._high, self._low = Extreme(length, 1), Extreme(length, -1)
        self._slow, self._signal = SMA(smooth), SMA(signal)
        self.signal = nan

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        high, low = self._high.update(bar.high), self._low.update(bar.low)
        if self.count < self.warm_up:
            self.count += 1
            if self.count < self._length:
                return
        slow = self._slow.update(100.0 * (bar.close - low) / (high - low) if high > low else 50.0)
        if self._slow.is_warm:
            signal = self._signal.update(slow)
            if self._signal.is_warm:
                self.value, self.signal = slow, signal
