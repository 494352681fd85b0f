"""Statistics of the newest numbers: how unusual, how related, how straight, how persistent, how nervous."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable
from math import log, nan, sqrt
from typing import Literal

from actors.errors import ConfigError
from actors.indicators.base import Indicator, IndicatorState, ValueIndicator, positive_length
from actors.indicators.volatility import RollingVolatility
from actors.indicators.windows import AgedSums, Moments, MomentsIndicator, SameRun
from actors.messages.market import Bar


class ZScore(MomentsIndicator):
    """Distance of the newest number from the mean of `length`, in their population deviations.

    0 while nothing varies.
    """

    __slots__ = ("_length", "_run")
    parts = ("_moments", "_run")

    def __init__(self, length: int = 20) -> None:
        super().__init__(positive_length("ZScore", length, least=2), length)
        self._length = length
        self._run = SameRun()

    def update(self, value: float) -> float:
        """Follow one more number."""
        self._moments.update(value)
        run = self._run.update(value)
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return self.value
        squares = self._moments.squares
        if run >= self._length or squares <= 0.0:
            self.value = 0.0
        else:
            self.value = (value - self._moments.mean) / sqrt(squares / self._length)
        return self.value


class Correlation(Indicator):
    """Correlation of the newest `length` pairs of two series, −1..1; NaN while one of them stands still.

    Source:
        K. Pearson, "Note on regression and inheritance in the case of two parents", Proceedings of the Royal
        Society of London 58, 1895.
    """

    __slots__ = ("_cross", "_length", "_one", "_run_one", "_run_two", "_two")
    fields = ("_cross",)
    parts = ("_one", "_two", "_run_one", "_run_two")

    def __init__(self, length: int = 30) -> None:
        super().__init__(positive_length("Correlation", length, least=2))
        self._length = length
        self._one, self._two = Moments(length), Moments(length)
        self._run_one, self._run_two = SameRun(), SameRun()
        self._cross = 0.0

    def take_bar(self, bar: Bar) -> None:
        """Refuses: one bar is not two series."""
        raise ConfigError("Correlation follows two series: call its update(one, other) from a handler")

    def update(self, one: float, two: float) -> float:
        """Follow one more pair; returns `value` as it is now."""
        self._follow_cross(one, two)
        still = max(self._run_one.update(one), self._run_two.update(two)) >= self._length
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return self.value
        spread = sqrt(self._one.squares * self._two.squares)
        self.value = max(-1.0, min(1.0, self._cross / spread)) if spread > 0.0 and not still else nan
        return self.value

    def over(self, ones: Iterable[float], twos: Iterable[float]) -> list[float]:
        """The correlation along two series of equal length; this object must be unused.

        Raises:
            ConfigError: It has already followed something.
        """
        if self.count:
            raise ConfigError(f"this Correlation has already followed {self.count} values: make a new one")
        return [self.update(one, two) for one, two in zip(ones, twos, strict=True)]

    def _follow_cross(self, one: float, two: float) -> None:
        x, y = self._one, self._two
        off_x, off_y = one - x.mean, two - y.mean
        if self.count < self._length:
            x.update(one)
            y.update(two)
            self._cross += off_x * (two - y.mean)
            return
        old_x, old_y = x.window[0] - x.mean, y.window[0] - y.mean
        x.update(one)
        y.update(two)
        self._cross += off_x * off_y - old_x * old_y - (off_x - old_x) * (off_y - old_y) / self._length
        if x.until_exact == self._length:
            pairs = zip(x.window, y.window, strict=True)
            self._cross = sum((left - x.mean) * (right - y.mean) for left, right in pairs)


class LinearRegression(ValueIndicator):
    """End of the least-squares line through the newest `length` numbers (`value`), and its `slope` per step.

    Source:
        A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805.
    """

    __slots__ = ("_length", "_places", "_spread", "_sums", "slope")
    fields = ("slope",)
    parts = ("_sums",)
    outputs = ("value", "slope")

    def __init__(self, length: int = 14) -> None:
        super().__init__(positive_length("LinearRegression", length, least=2))
        self._length = length
        self._places = length * (length - 1) / 2
        self._spread = length * length * (length * length - 1) / 12
        self._sums = AgedSums(length)
        self.slope = nan

    def update(self, value: float) -> float:
        """Follow one more number."""
        sums, length = self._sums, self._length
        sums.update(value)
        if self.count < length:
            self.count += 1
            if self.count < length:
                return self.value
        self.slope = (length * sums.weighted - self._places * sums.total) / self._spread
        start = sums.anchor + (sums.total - self.slope * self._places) / length
        self.value = start + self.slope * (length - 1)
        return self.value


class Hurst(ValueIndicator):
    """Hurst exponent of the newest `length` prices: 0.5 a random walk, above persistent, below reverting.

    Half the slope of log mean squared change of log prices over log lag, for lags 1, 2, 4, … up to a quarter
    of the length. NaN while the price stands still.

    Source:
        T. Di Matteo, "Multi-scaling in finance", Quantitative Finance 7(1), 2007: generalised, q = 2.
    """

    __slots__ = ("_lags", "_length", "_run", "_squares", "_until_exact", "_weights", "_window")
    fields = ("_window", "_squares", "_until_exact")
    parts = ("_run",)

    def __init__(self, length: int = 128) -> None:
        super().__init__(positive_length("Hurst", length, least=16))
        self._length = length
        self._lags = [2**n for n in range(length.bit_length()) if 4 * 2**n <= length]
        logs = [log(lag) for lag in self._lags]
        centre = sum(logs) / len(logs)
        spread = sum((at - centre) ** 2 for at in logs)
        self._weights = [(at - centre) / spread / 2.0 for at in logs]
        self._window: deque[float] = deque(maxlen=length)
        self._squares: deque[float] = deque([0.0] * len(logs), len(logs))
        self._until_exact = length
        self._run = SameRun()

    def update(self, value: float) -> float:
        """Follow one more price, > 0."""
        run = self._run.update(value)
        self._follow_changes(log(value))
        if self.count < self._length:
            self.count += 1
            if self.count < self._length:
                return self.value
        if run >= self._length or min(self._squares) <= 0.0:
            self.value = nan
            return self.value
        terms = zip(self._weights, self._squares, self._lags, strict=True)
        self.value = sum(weight * log(total / (self._length - lag)) for weight, total, lag in terms)
        return self.value

    def _follow_changes(self, newest: float) -> None:
        window, squares = self._window, self._squares
        is_full = len(window) == self._length
        if is_full:
            oldest = window[0]
            for place, lag in enumerate(self._lags):
                squares[place] -= (window[lag] - oldest) ** 2
            self._until_exact -= 1
        window.append(newest)
        held = len(window)
        if not self._until_exact:
            self._until_exact = self._length
            logs = list(window)
            for place, lag in enumerate(self._lags):
                pairs = zip(logs, logs[lag:], strict=False)
                squares[place] = sum((after - before) ** 2 for before, after in pairs)
            return
        for place, lag in enumerate(self._lags):
            if lag < held:
                squares[place] += (newest - window[-1 - lag]) ** 2


class VolatilityRegime(ValueIndicator):
    """Rank of today's realised volatility among its newest `history` values, 0..1 (`value`); ties count half.

    Source:
        T. G. Andersen & T. Bollerslev, "Answering the Skeptics", International Economic Review 39(4), 1998,
        for realised volatility; its rank needs no model of what is normal.
    """

    __slots__ = ("_history", "_ranked", "_volatility", "high", "low")
    fields = ("_history",)
    parts = ("_volatility",)

    def __init__(
        self, length: int = 20, history: int = 250, *, low: float = 0.25, high: float = 0.75
    ) -> None:
        if not 0.0 < low < high < 1.0:
            raise ConfigError(f"VolatilityRegime needs 0 < low < high < 1, not {low} and {high}")
        super().__init__(length + positive_length("VolatilityRegime", history, least=2))
        self._volatility = RollingVolatility(length)
        self._history: deque[float] = deque(maxlen=history)
        self._ranked: list[float] = []
        self.low, self.high = low, high

    @property
    def regime(self) -> Literal["low", "normal", "high"] | None:
        """What the rank says; None while warming up."""
        if not self.is_warm:
            return None
        return "low" if self.value < self.low else "high" if self.value > self.high else "normal"

    def update(self, value: float) -> float:
        """Follow one more price, > 0."""
        current = self._volatility.update(value)
        if self.count < self.warm_up:
            self.count += 1
        if not self._volatility.is_warm:
            return self.value
        history, ranked = self._history, self._ranked
        if len(history) == history.maxlen:
            del ranked[bisect_left(ranked, history[0])]
        history.append(current)
        insort(ranked, current)
        if self.count >= self.warm_up:
            doubled = bisect_left(ranked, current) + bisect_right(ranked, current) - 1
            self.value = doubled / (2 * len(ranked) - 2)
        return self.value

    def restore(self, state: IndicatorState) -> None:
        """Take the state that `snapshot` gave."""
        super().restore(state)
        self._ranked = sorted(self._history)
