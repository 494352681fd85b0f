"""Strategies that do one thing."""

from __future__ import annotations

from decimal import Decimal

from actors import OrderUpdate, Quote, State, Strategy, StrategyTimer
from actors.messages.orders import OrderDenied


class OneOrder(Strategy):
    """Buys once, at a limit that takes."""

    class Done(State):
        is_placed: bool = False

    state: Done
    quantity: Decimal = Decimal(10)

    def on_quote(self, quote: Quote) -> None:
        if not self.state.is_placed:
            self.state.is_placed = True
            price = self.ctx.round_price(quote.ask_price * 1.01, rounding="up")
            self.ctx.limit("buy", self.quantity, price)


class Restless(Strategy):
    """Buys and sells in turn for as long as it may."""

    class Turn(State):
        quotes: int = 0

    state: Turn
    every: int = 3

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes % self.every:
            return
        side = "buy" if self.state.quotes // self.every % 2 else "sell"
        if side == "buy":
            self.ctx.limit("buy", Decimal(5), self.ctx.round_price(quote.ask_price * 1.001, rounding="up"))
        elif self.ctx.position(quote.instrument) >= 5:
            self.ctx.limit("sell", Decimal(5), self.ctx.round_price(quote.bid_price * 0.999, rounding="down"))


class Waiting(Strategy):
    """Rests two orders below the market; then it buys a little again and again, whatever happens."""

    class Turn(State):
        has_begun: bool = False

    state: Turn
    again_ns: int = 200_000_000

    def on_quote(self, quote: Quote) -> None:
        if not self.state.has_begun:
            self.state.has_begun = True
            for share in (0.985, 0.975):
                price = self.ctx.round_price(quote.bid_price * share, rounding="down")
                self.ctx.limit("buy", Decimal(10), price)
            self.ctx.set_timer("again", every=self.again_ns)

    def on_timer(self, timer: StrategyTimer) -> None:
        self.ctx.market("buy", Decimal(1))


class Brackets(Strategy):
    """Enters with both exits, again and again."""

    class Turn(State):
        quotes: int = 0

    state: Turn
    every: int = 10

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes % self.every or self.ctx.open_orders(quote.instrument):
            return
        up, down = (self.ctx.round_price(quote.mid_price * share) for share in (1.0005, 0.9995))
        self.ctx.bracket("buy", Decimal(5), take_profit=up, stop_loss=down)


class Insistent(Strategy):
    """Buys once, and anew with the next quote as long as that is denied."""

    class Done(State):
        is_placed: bool = False

    state: Done

    def on_quote(self, quote: Quote) -> None:
        if not self.state.is_placed:
            self.state.is_placed = True
            self.ctx.limit("buy", Decimal(10), self.ctx.round_price(quote.ask_price * 1.01, rounding="up"))

    def on_order(self, update: OrderUpdate) -> None:
        if isinstance(update, OrderDenied):
            self.state.is_placed = False
