"""A strategy that does everything an order can live through, by a chance that is part of its state."""

from __future__ import annotations

from decimal import Decimal

from actors import SMA, Bar, Order, OrderFilled, Quote, Side, State, Strategy, StrategyTimer, Trade

_MULTIPLIER, _INCREMENT, _MASK = 6364136223846793005, 1442695040888963407, 2**63 - 1
LOT = Decimal("0.001")


class Chance(State):
    """A linear congruential generator."""

    value: int = 1


class Busy(Strategy):
    seed: int = 1
    eagerness: int = 4
    """Acts on one in so many events."""

    state: Chance

    def on_setup(self) -> None:
        for instrument in self.ctx.instruments:
            self.ctx.indicator(SMA(3), instrument)

    def on_start(self) -> None:
        self.state.value = self.seed
        self.ctx.set_timer("tick", every="1s")

    def draw(self, count: int) -> int:
        self.state.value = (self.state.value * _MULTIPLIER + _INCREMENT) & _MASK
        return (self.state.value >> 33) % count

    def on_quote(self, quote: Quote) -> None:
        self.maybe(quote.instrument)

    def on_trade(self, trade: Trade) -> None:
        self.maybe(trade.instrument)

    def on_bar(self, bar: Bar) -> None:
        self.maybe(bar.instrument)
        if not self.draw(3):
            self.ctx.signal("long" if self.draw(2) else "flat", bar.instrument)

    def on_timer(self, timer: StrategyTimer) -> None:
        self.maybe(self.ctx.instruments[self.draw(len(self.ctx.instruments))])

    def on_fill(self, fill: OrderFilled) -> None:
        if not self.draw(3):
            self.maybe(fill.instrument)

    def maybe(self, instrument: str) -> None:
        if not self.draw(self.eagerness):
            self.act(instrument)

    def act(self, instrument: str) -> None:
        mark = self.ctx.mark_price(instrument)
        if mark is None:
            return
        orders = [order for order in self.ctx.open_orders(instrument) if order.change == "none"]
        what = self.draw(10)
        if orders and (what < 4 or len(orders) > 8):
            self.change(orders[self.draw(len(orders))], mark)
            return
        side: Side = "buy" if self.draw(2) else "sell"
        quantity = LOT * (1 + self.draw(80))
        away = (self.draw(9) - 3) * 0.01
        below = self.ctx.round_price(mark - away if side == "buy" else mark + away, instrument)
        beyond = self.ctx.round_price(mark + 0.05 if side == "buy" else mark - 0.05, instrument)
        if what < 6:
            self.ctx.market(side, quantity, instrument)
        elif what < 8:
            self.ctx.limit(side, quantity, below, instrument, post_only=not self.draw(3),
                           time_in_force=("gtc", "gtc", "ioc")[self.draw(3)])  # fmt: skip
        elif what == 8:
            self.ctx.stop(side, quantity, beyond, instrument)
        elif self.draw(2):
            self.ctx.trailing_stop(side, quantity, instrument, distance=Decimal("0.04"))
        else:
            self.ctx.bracket(
                side, quantity + 4 * LOT, None, instrument,
                take_profit=self.ctx.round_price(mark + (0.06 if side == "buy" else -0.06), instrument),
                stop_loss=self.ctx.round_price(mark - (0.06 if side == "buy" else -0.06), instrument),
            )  # fmt: skip

    def change(self, order: Order, mark: float) -> None:
        if self.draw(2) or order.price is None or order.status != "accepted":
            self.ctx.cancel(order.client_order_id)
        elif self.draw(2):
            self.ctx.replace(order.client_order_id, price=order.price + Decimal("0.01") * (self.draw(5) - 2))
        else:
            self.ctx.replace(order.client_order_id, quantity=order.filled + LOT * (1 + self.draw(80)))
