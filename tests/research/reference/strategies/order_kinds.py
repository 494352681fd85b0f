"""Orders that wait: stops with limits, and limits of different length of life."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors import EMA, Bar, State, Strategy, StrategyTimer

Step = Literal["waiting", "buying", "selling"]


class Progress(State):
    step: Step = "waiting"


class StopLimits(Strategy):
    """One order to get in above the market when the trend turns up, one to get out below it when down."""

    state: Progress
    quantity: Decimal = Decimal(100)
    tolerance: float = 1.001

    def on_setup(self) -> None:
        self.fast, self.slow = self.ctx.indicator(EMA(30)), self.ctx.indicator(EMA(60))

    def on_bar(self, bar: Bar) -> None:
        is_up = self.fast.value > self.slow.value * self.tolerance
        if self.state.step == "waiting" and is_up:
            self._place("buy", 1.10 * bar.high, 1.11 * bar.high)
            self.state.step = "buying"
        elif self.state.step == "buying" and self.ctx.position() and not is_up:
            self._place("sell", 0.99 * bar.low, 0.98 * bar.low)
            self.state.step = "selling"

    def _place(self, side: Literal["buy", "sell"], stop: float, limit: float) -> None:
        price = self.ctx.round_price
        self.ctx.stop_limit(side, self.quantity, price(stop), price(limit))


class Begun(State):
    has_begun: bool = False
    dated: tuple[str, ...] = ()
    """Orders that end at a date."""


class LimitsInForce(Strategy):
    """Six limit orders after the first bar: until cancelled, for the day, and until a date."""

    state: Begun
    quantity: Decimal = Decimal(10)
    until: int = 0
    """ns UTC: when the dated ones end."""

    def on_bar(self, bar: Bar) -> None:
        if self.state.has_begun:
            return
        self.state.has_begun = True
        for price in (100, 160):
            self.ctx.limit("buy", self.quantity, Decimal(price), tag="gtc")
        for price in (140, 180):
            self.ctx.limit("buy", self.quantity, Decimal(price), time_in_force="day", tag="day")
        self.state.dated = tuple(
            [self.ctx.limit("buy", self.quantity, Decimal(price), tag="date") for price in (100, 160)]
        )
        self.ctx.set_timer("date", at=self.until)

    def on_timer(self, timer: StrategyTimer) -> None:
        for order in self.state.dated:
            self.ctx.cancel(order, "its date")
