"""Two averages cross: always in the market with everything, long or short."""

from __future__ import annotations

from decimal import Decimal

from actors import SMA, Bar, OrderFilled, State, Strategy, Trade


class Wish(State):
    side: int = 0
    """Of the fast average at the newest bar: 1 above the slow one, −1 below."""
    wanted: int = 0
    """Long or short, until it is done."""
    is_over: bool = False


class CrossWholeEquity(Strategy):
    """Decides on the close, and counts its shares when the market opens: only then is their price known.

    What is held goes first; what was got for it buys, or sells short, as many whole shares as it pays for
    with the fee.
    """

    state: Wish
    fast: int = 10
    slow: int = 20
    fee: Decimal = Decimal(0)
    """Fraction of the notional."""
    ends: int = 0
    """ns UTC: after the bar that ends then everything is closed; 0 never."""

    def on_setup(self) -> None:
        self.fast_average = self.ctx.indicator(SMA(self.fast))
        self.slow_average = self.ctx.indicator(SMA(self.slow))

    def on_bar(self, bar: Bar) -> None:
        difference = self.fast_average.value - self.slow_average.value
        side = (difference > 0) - (difference < 0)
        if self.state.side * side < 0:
            self.state.wanted = side
        self.state.side = side
        if self.ends and bar.ts_event >= self.ends:
            self.state.is_over = True

    def on_trade(self, trade: Trade) -> None:
        if not (self.state.wanted or self.state.is_over) or self.ctx.open_orders():
            return
        held = self.ctx.position()
        if held:
            self.ctx.market("sell" if held > 0 else "buy", abs(held))
        else:
            self._enter(trade.price)

    def on_fill(self, fill: OrderFilled) -> None:
        if not self.ctx.position():
            self._enter(float(fill.price))

    def _enter(self, price: float) -> None:
        wanted, self.state.wanted = self.state.wanted, 0
        if wanted and not self.state.is_over:
            per_share = self.ctx.round_price(price) * (1 + self.fee)
            shares = self.ctx.round_quantity(self.ctx.cash / per_share)
            self.ctx.market("buy" if wanted > 0 else "sell", shares)
