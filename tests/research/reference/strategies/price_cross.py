"""The close crosses its own average."""

from __future__ import annotations

from decimal import Decimal

from actors import SMA, Bar, State, Strategy


class Before(State):
    side: int | None = None
    """Of the newest close: 1 above its average, −1 below, 0 on it; None before there was one."""


class PriceCross(Strategy):
    """In when the close comes from below the average, or from it, to above; out the other way round."""

    state: Before
    length: int = 20
    quantity: Decimal | None = None
    """None: nine tenths of the cash at the close."""
    crosses: bool = True
    """False: above is enough to be in, below to be out, wherever the close before was."""

    def on_setup(self) -> None:
        self.average = self.ctx.indicator(SMA(self.length))

    def on_bar(self, bar: Bar) -> None:
        before, now = self.state.side, (bar.close > self.average.value) - (bar.close < self.average.value)
        self.state.side = now
        if self.crosses and (before is None or before == now):
            return
        held = self.ctx.position()
        if now > 0 and not held:
            self.ctx.market("buy", self.quantity or self._affordable(bar))
        elif now < 0 and held:
            self.ctx.market("sell", held)

    def _affordable(self, bar: Bar) -> Decimal:
        return self.ctx.round_quantity(0.9 * float(self.ctx.cash) / bar.close)
