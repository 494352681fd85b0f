"""Everything in one instrument: bought once, bought by a trend, or bought and sold again."""

from __future__ import annotations

from decimal import Decimal
from math import nan

from actors import EMA, Bar, State, Strategy, ValueIndicator

BUFFER = Decimal("0.9975")
"""What is left for a price that has moved."""


class WholeWeight(Strategy):
    """As many whole shares as the equity pays for with the fee, once."""

    fee_per_share: Decimal = Decimal("0.005")
    fee_least: Decimal = Decimal(1)
    """Per order."""
    side: int = 1
    """−1 sells short."""
    waits_until: int = 0
    """ns UTC: bars that end before are looked at, not traded on."""

    def on_bar(self, bar: Bar) -> None:
        if bar.ts_event >= self.waits_until and not self.ctx.position():
            self.enter(bar)

    def enter(self, bar: Bar) -> None:
        """Buy, or sell short, as much as there is equity."""
        self.ctx.market("buy" if self.side > 0 else "sell", self._affordable(bar.close))

    def _affordable(self, price: float) -> Decimal:
        budget, each = BUFFER * Decimal(self.ctx.equity), Decimal(price)
        shares = self.ctx.round_quantity(budget / each)
        while shares and shares * each + max(shares * self.fee_per_share, self.fee_least) > budget:
            shares -= 1
        return shares


class OneShare(WholeWeight):
    """One share is enough."""

    def _affordable(self, price: float) -> Decimal:
        return Decimal(1)


class InAndOut(WholeWeight):
    """In after the first bar, out after the second."""

    class Count(State):
        bars: int = 0

    state: Count

    def on_bar(self, bar: Bar) -> None:
        self.state.bars += 1
        if self.state.bars == 1:
            self.enter(bar)
        elif self.state.bars == 2:
            self.ctx.market("sell", self.ctx.position())


class TrendShare(ValueIndicator):
    """How far the difference of two averages is from its own average, as a fraction of the fast one.

    Each average begins by itself, with the mean of its own first numbers.
    """

    __slots__ = ("_fast", "_signal", "_slow")
    parts = ("_fast", "_slow", "_signal")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        super().__init__(slow + signal - 1)
        self._fast, self._slow, self._signal = EMA(fast), EMA(slow), EMA(signal)

    def update(self, value: float) -> float:
        """Follow one more close."""
        self.count += self.count < self.warm_up
        fast, slow = self._fast.update(value), self._slow.update(value)
        signal = self._signal.update(fast - slow) if self._slow.is_warm else nan
        self.value = (fast - slow - signal) / fast
        return self.value


class MacdTrend(WholeWeight):
    """In while the trend is up by a quarter of a percent, out when it is down by as much."""

    tolerance: float = 0.0025

    def on_setup(self) -> None:
        self.trend = self.ctx.indicator(TrendShare())

    def on_bar(self, bar: Bar) -> None:
        held = self.ctx.position()
        if held <= 0 and self.trend.value > self.tolerance:
            self.enter(bar)
        elif held > 0 and self.trend.value < -self.tolerance:
            self.ctx.market("sell", held)
