"""Always has orders in flight: rests them at the touch, moves, cancels, and takes liquidity in between."""

from __future__ import annotations

from decimal import Decimal

from actors import Quote, Side, State, Strategy


class Beat(State):
    """How many quotes it has heard, all instruments together."""

    count: int = 0


class HardTrader(Strategy):
    notional: Decimal = Decimal(300)
    """Of each order, about, quote currency."""
    every: int = 1
    """Quotes until it does something."""
    open_max: int = 4
    """Orders at once in one instrument; the oldest makes room."""

    state: Beat

    def on_quote(self, quote: Quote) -> None:
        self.state.count += 1
        if self.state.count % self.every:
            return
        beat, instrument = self.state.count // self.every, quote.instrument
        orders = self.ctx.open_orders(instrument)
        changeable = [order for order in orders if order.can_change]
        side: Side = "buy" if self.ctx.position(instrument) <= 0 else "sell"
        if beat % 9 == 0:
            self.ctx.market(side, self.size(quote), instrument)
        elif len(orders) >= self.open_max:
            if changeable:
                self.ctx.cancel(changeable[0].client_order_id, "makes room")
        elif beat % 5 == 0 and changeable and changeable[0].price is not None:
            step = self.ctx.instrument(instrument).tick_size * 3
            self.ctx.replace(changeable[0].client_order_id, price=changeable[0].price + step)
        else:
            price = quote.bid_price if side == "buy" else quote.ask_price
            self.ctx.limit(side, self.size(quote), self.ctx.round_price(price, instrument), instrument)

    def size(self, quote: Quote) -> Decimal:
        """A few lots more or less every time, so that fills tell orders apart."""
        wanted = float(self.notional) * (1 + self.state.count % 7 / 10) / quote.mid_price
        return self.ctx.round_quantity(wanted, quote.instrument)
