"""Quotes both sides around the mid and leans against its inventory.

Each side rests one post-only order. It is moved only when the wanted price is off by `requote_ticks`, and
never more often than the venue's budget of orders allows. What becomes of its orders at a stop is said by
whoever stops the daemon.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, field

from actors import Order, Quote, Side, State, Strategy

WINDOW_NS = 10_000_000_000

Ticks = Annotated[int, Meta(ge=1)]


class Placed(State):
    """When orders were placed or moved within the last ten seconds, oldest first, nanoseconds UTC."""

    times: list[int] = field(default_factory=list)


class QuoteMaker(Strategy):
    quantity: Decimal
    """Of each order, base units; rounded down to whole lots."""
    inventory_max: Decimal
    """Most that may be held."""
    inventory_min: Decimal = Decimal(0)
    """Least that may be held: 0 where nothing can be sold short."""
    half_spread_ticks: Ticks = 2
    """From the middle of the quotes to each of them."""
    post_only: bool = True
    """Orders that would take are refused by the venue; False where a venue has no such orders."""
    skew_ticks: Annotated[int, Meta(ge=0)] = 2
    """How far a full inventory moves the middle down, and an empty one up."""
    requote_ticks: Ticks = 1
    orders_per_10s: Annotated[int, Meta(ge=1)] = 40
    """Orders placed or moved in any ten seconds, all instruments together."""

    state: Placed

    def on_setup(self) -> None:
        if self.inventory_max <= self.inventory_min:
            raise ValueError("inventory_max must be above inventory_min")
        for instrument in self.ctx.instruments:
            if self.ctx.round_quantity(self.quantity, instrument) <= 0:
                raise ValueError(f"quantity {self.quantity} is less than one lot of {instrument}")
        self.half_inventory = float(self.inventory_max - self.inventory_min) / 2
        self.middle_inventory = float(self.inventory_max + self.inventory_min) / 2

    def on_quote(self, quote: Quote) -> None:
        instrument = quote.instrument
        tick = float(self.ctx.instrument(instrument).tick_size)
        position = self.ctx.position(instrument)
        lean = (float(position) - self.middle_inventory) / self.half_inventory
        middle = quote.mid_price - lean * self.skew_ticks * tick
        buy = sell = None
        for order in self.ctx.open_orders(instrument):
            if order.terms.side == "buy":
                buy = order
            else:
                sell = order
        bid = min(middle - self.half_spread_ticks * tick, quote.ask_price - tick)
        ask = max(middle + self.half_spread_ticks * tick, quote.bid_price + tick)
        self.keep(instrument, "buy", bid, self.inventory_max - position, buy, tick)
        self.keep(instrument, "sell", ask, position - self.inventory_min, sell, tick)

    def keep(
        self, instrument: str, side: Side, price: float, room: Decimal, resting: Order | None, tick: float
    ) -> None:
        """Have one order at about this price, no larger than there is room for."""
        if resting is None:
            if room > 0 and price > 0:
                quantity = self.ctx.round_quantity(min(self.quantity, room), instrument)
                if quantity > 0 and self.may_place():
                    wanted = self.on_grid(instrument, side, price)
                    self.ctx.limit(side, quantity, wanted, instrument, post_only=self.post_only)
        elif not resting.can_change:
            return
        elif resting.remaining > room:
            self.ctx.cancel(resting.client_order_id, "inventory")
        elif resting.price is not None and abs(float(resting.price) - price) >= self.requote_ticks * tick:
            wanted = self.on_grid(instrument, side, price)
            if wanted != resting.price and wanted > 0 and self.may_place():
                self.ctx.replace(resting.client_order_id, price=wanted)

    def on_grid(self, instrument: str, side: Side, price: float) -> Decimal:
        """Rounded away from the market."""
        return self.ctx.round_price(price, instrument, "down" if side == "buy" else "up")

    def may_place(self) -> bool:
        """Count one order against the budget; False when it is used up."""
        times, now = self.state.times, self.ctx.now
        while times and times[0] <= now - WINDOW_NS:
            del times[0]
        if len(times) >= self.orders_per_10s:
            return False
        times.append(now)
        return True
