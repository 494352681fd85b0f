"""What the benchmarks trade with."""

from __future__ import annotations

from decimal import Decimal

from actors import EMA, Bar, Quote, State, Strategy

MARK_SIZE = 7.77
"""A bid of this size asks `OnMark` for an order, an ask of this size for a cancel."""


class Idle(Strategy):
    """Hears quotes and does nothing."""

    def on_quote(self, quote: Quote) -> None:
        """Nothing."""


class NoBars(Strategy):
    """Hears bars and does nothing."""

    def on_bar(self, bar: Bar) -> None:
        """Nothing."""


class Counted(State):
    quotes: int = 0
    resting: str = ""


class EveryThousand(Strategy):
    """A limit order below an average every 1,000 quotes, cancelled after 500."""

    state: Counted

    def on_setup(self) -> None:
        self.average = self.ctx.indicator(EMA(20), source="quotes")

    def on_quote(self, quote: Quote) -> None:
        state = self.state
        state.quotes += 1
        place = state.quotes % 1000
        if not place:
            price = self.ctx.round_price(self.average.value * 0.99, rounding="down")
            state.resting = self.ctx.limit("buy", Decimal("0.01"), price)
        elif place == 500 and state.resting:
            self.ctx.cancel(state.resting)


class OnMark(Strategy):
    """Places a limit order when a quote asks for one, and cancels it when another does."""

    quantity: Decimal = Decimal("0.01")

    def on_quote(self, quote: Quote) -> None:
        if quote.bid_size == MARK_SIZE:
            price = self.ctx.round_price(quote.bid_price * 0.99, rounding="down")
            self.ctx.limit("buy", self.quantity, price)
        elif quote.ask_size == MARK_SIZE:
            self.ctx.cancel_all()
