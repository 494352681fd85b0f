"""Small steps in the direction of the money."""

from __future__ import annotations

from decimal import Decimal

from actors import Bar, Strategy


class VwapMomentum(Strategy):
    """A step in when the close is a percent above the average paid over five bars, a step out below it."""

    length: int = 5
    threshold: float = 0.01
    step: Decimal = Decimal(100)
    notional_max: float = 1_000_000.0

    def on_bar(self, bar: Bar) -> None:
        bars = self.ctx.bars(self.length)
        if len(bars) < self.length:
            return
        paid = sum(each.close * each.volume for each in bars) / sum(each.volume for each in bars)
        notional = float(self.ctx.position()) * bar.close
        if bar.close > paid * (1 + self.threshold) and notional < self.notional_max:
            self.ctx.market("buy", self.step)
        elif bar.close < paid * (1 - self.threshold) and notional > 0:
            self.ctx.market("sell", self.step)
