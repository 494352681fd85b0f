"""Keeps each instrument's orders in one part of their life, so that a fault can be aimed at that part."""

from __future__ import annotations

from decimal import Decimal

from actors import Order, Quote, Side, State, Strategy

RESTS, REPLACES, TAKES, CROSSES = "rests", "replaces", "takes", "crosses"
HABITS = {
    "BTCUSDT": RESTS, "ETHUSDT": RESTS, "BNBUSDT": REPLACES, "SOLUSDT": REPLACES, "XRPUSDT": TAKES,
    "ADAUSDT": CROSSES, "DOGEUSDT": RESTS, "LTCUSDT": RESTS,
}  # fmt: skip


class Beat(State):
    """How many quotes it has heard, all instruments together."""

    count: int = 0


class PhaseTrader(Strategy):
    notional: Decimal = Decimal(300)
    """Of an order, about, quote currency."""

    state: Beat

    def on_quote(self, quote: Quote) -> None:
        self.state.count += 1
        habit = HABITS[quote.instrument.partition("@")[0]]
        orders = self.ctx.open_orders(quote.instrument)
        if not orders:
            self.begin(habit, quote)
        elif orders[0].can_change and self.state.count % 3 == 0:
            self.go_on(habit, orders[0])

    def begin(self, habit: str, quote: Quote) -> None:
        """An order, where there is none."""
        side: Side = "buy" if self.ctx.position(quote.instrument) <= 0 else "sell"
        quantity = self.ctx.round_quantity(float(self.notional) / quote.mid_price, quote.instrument)
        if habit == TAKES:
            self.ctx.market(side, quantity, quote.instrument)
        elif habit == CROSSES:
            # more than there is at the best price: a part fills at once, the rest stays
            best = quote.ask_price if side == "buy" else quote.bid_price
            there = quote.ask_size if side == "buy" else quote.bid_size
            quantity = self.ctx.round_quantity(there * 1.2, quote.instrument)
            self.ctx.limit(side, quantity, self.ctx.round_price(best, quote.instrument), quote.instrument)
        else:
            price = self.ctx.round_price(quote.bid_price * 0.98, quote.instrument)
            self.ctx.limit("buy", quantity, price, quote.instrument)

    def go_on(self, habit: str, order: Order) -> None:
        """The order has rested for a while."""
        if habit == REPLACES and order.price is not None:
            step = self.ctx.instrument(order.instrument).tick_size * (1 - 2 * (self.state.count % 2))
            self.ctx.replace(order.client_order_id, price=order.price + step)
        else:
            self.ctx.cancel(order.client_order_id, "has rested")
