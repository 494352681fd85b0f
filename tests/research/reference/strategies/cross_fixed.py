"""Two averages cross: a fixed number of shares, long or nothing; three ways to get in and out."""

from __future__ import annotations

from decimal import Decimal

from actors import SMA, Bar, State, Strategy


class Side(State):
    side: int = 0
    """Of the fast average when the two last differed: 1 above the slow one, −1 below."""


class CrossFixed(Strategy):
    """In at the market when the fast average crosses above the slow one, out when it crosses below."""

    state: Side
    fast: int = 10
    slow: int = 20
    quantity: Decimal = Decimal(10)
    ends: int = 0
    """ns UTC: after the bar that ends then everything is closed; 0 never."""

    def on_setup(self) -> None:
        self.fast_average = self.ctx.indicator(SMA(self.fast))
        self.slow_average = self.ctx.indicator(SMA(self.slow))

    def on_bar(self, bar: Bar) -> None:
        cross = self._cross()
        if self.ends and bar.ts_event >= self.ends:
            cross = -1
        if cross > 0:
            self.go_in(bar)
        elif cross < 0:
            self.go_out()

    def go_in(self, bar: Bar) -> None:
        """The fast average has crossed above."""
        if not self.ctx.position():
            self.ctx.market("buy", self.quantity)

    def go_out(self) -> None:
        """The fast average has crossed below, or it is over."""
        if self.ctx.position():
            self.ctx.market("sell", self.ctx.position())

    def _cross(self) -> int:
        difference = self.fast_average.value - self.slow_average.value
        before, now = self.state.side, (difference > 0) - (difference < 0)
        self.state.side = now or before
        return now if before * now < 0 else 0


class CrossByLimit(CrossFixed):
    """Waits for a price 2 % below the close that crossed."""

    def go_in(self, bar: Bar) -> None:
        self.ctx.cancel_all()
        if not self.ctx.position():
            self.ctx.limit("buy", self.quantity, self.ctx.round_price(0.98 * bar.close))

    def go_out(self) -> None:
        self.ctx.cancel_all()
        super().go_out()
