"""Two averages cross: in at the market, out by a stop or a limit, of which one ends the other."""

from __future__ import annotations

from decimal import Decimal

from actors import SMA, Bar, OrderFilled, State, Strategy


class Entry(State):
    side: int = 0
    """Of the fast average when the two last differed: 1 above the slow one, −1 below."""
    close: float = 0.0
    """Of the bar that decided."""


class Bracket(Strategy):
    """The two exits are placed when the entry has filled, and count from the next bar on."""

    state: Entry
    fast: int = 10
    slow: int = 30
    quantity: Decimal = Decimal(10)
    stop: float = 0.95
    limit: float = 1.10

    def on_setup(self) -> None:
        self.fast_average = self.ctx.indicator(SMA(self.fast))
        self.slow_average = self.ctx.indicator(SMA(self.slow))

    def on_bar(self, bar: Bar) -> None:
        difference = self.fast_average.value - self.slow_average.value
        side = (difference > 0) - (difference < 0)
        if self.state.side < 0 < side and not self.ctx.position():
            self.state.close = bar.close
            self.ctx.market("buy", self.quantity)
        self.state.side = side or self.state.side

    def on_fill(self, fill: OrderFilled) -> None:
        held = self.ctx.position()
        if not held:
            self.ctx.cancel_all()
        elif fill.side == "buy":
            limit, stop = (self.ctx.round_price(self.state.close * part) for part in (self.limit, self.stop))
            self.ctx.limit("sell", held, limit, reduce_only=True)
            self.ctx.stop("sell", held, stop)
