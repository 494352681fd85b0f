"""A strategy that trades hard: every way to place, change and take back an order, drawn from what it sees."""

from __future__ import annotations

from decimal import Decimal

from actors import OrderFilled, Quote, State, Strategy
from actors.messages.orders import Side

LOT = Decimal("0.1")
TICK = Decimal("0.01")
_MULTIPLIER, _INCREMENT, _WORD = 6364136223846793005, 1442695040888963407, 2**64


class Memory(State):
    """A row of numbers that the market drives, so that a replay draws the same."""

    word: int = 1


class HardTrader(Strategy):
    """Up to three wishes a quote, and now and then one more for a fill."""

    state: Memory

    def _draw(self, below: int) -> int:
        state = self.state
        state.word = (state.word * _MULTIPLIER + _INCREMENT) % _WORD
        return (state.word >> 33) % below

    def on_quote(self, quote: Quote) -> None:
        """Something else each time."""
        noise = (
            round(quote.bid_price * 100) * 31 + round(quote.bid_size * 10) * 7 + round(quote.ask_size * 10)
        )
        self.state.word = (self.state.word ^ (noise + len(self.ctx.name))) % _WORD
        for _ in range(1 + self._draw(3)):
            self._act(quote)

    def on_fill(self, fill: OrderFilled) -> None:
        """Turn a part of it round."""
        if self._draw(4) == 0:
            side: Side = "sell" if fill.side == "buy" else "buy"
            self.ctx.limit(side, LOT * (1 + self._draw(5)), fill.price)

    def _act(self, quote: Quote) -> None:
        pick = self._draw(100)
        if pick < 45:
            self._place(quote, pick)
        elif pick < 68:
            self._cancel()
        elif pick < 90:
            self._replace(quote)
        elif pick < 92:
            self.ctx.cancel_all()
        elif pick < 96:
            self.ctx.signal("long" if pick % 2 else "flat", target_weight=0.01 * self._draw(5))

    def _place(self, quote: Quote, pick: int) -> None:
        side: Side = "buy" if self._draw(2) else "sell"
        quantity = LOT * (1 + self._draw(30))
        price = self._price(quote)
        if pick < 22:
            self.ctx.limit(side, quantity, price)
        elif pick < 33:
            self.ctx.market(side, quantity, reduce_only=pick == 22)
        elif pick < 38:
            self.ctx.limit(side, quantity, price, time_in_force="ioc")
        elif pick < 42:
            self.ctx.limit(side, quantity, price, post_only=True)
        else:
            far = TICK * 5 if side == "buy" else -TICK * 5
            self.ctx.stop(side, quantity, price + far)

    def _price(self, quote: Quote) -> Decimal:
        middle = (quote.bid_price + quote.ask_price) / 2
        return self.ctx.round_price(middle) + TICK * (self._draw(9) - 4)

    def _cancel(self) -> None:
        orders = self.ctx.open_orders()
        if orders:
            self.ctx.cancel(orders[self._draw(len(orders))].client_order_id)

    def _replace(self, quote: Quote) -> None:
        orders = [
            order
            for order in self.ctx.open_orders()
            if order.change == "none" and order.terms.order_type == "limit"
        ]
        if orders:
            name = orders[self._draw(len(orders))].client_order_id
            self.ctx.replace(name, quantity=LOT * (1 + self._draw(30)), price=self._price(quote))
