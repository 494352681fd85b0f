"""One instrument's market: our orders in price-time priority, and the recorded market they meet.

How fine the recorded data are decides what an order can meet:

* quotes or a book: what is displayed, each level once until it changes. When it is used up, a limit order
  rests, an `ioc` order ends, and a market order goes on with the next update.
* trades alone: an order waits for the next trade and takes of its quantity at its price.
* bars alone: an order waits for the next bar's open, and a bar offers without limit at every price on its
  path (open, nearer extreme, other extreme, close; the low first when both are equally near).
* nothing yet: orders meet each other only.

A resting order fills at its own price: whole when a trade goes through it, by its share when one happens at
it, and by what the other side's quote displays when that reaches it. Only a bar that opens beyond it fills
it at the open.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import takewhile
from operator import attrgetter

from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from actors.messages.orders import Side
from actors.model.instrument import ZERO, Instrument
from actors.model.money import round_to_lot
from actors.venues.simulated.bar_path import run_bar
from actors.venues.simulated.depth import Depth, Print
from actors.venues.simulated.desk import Desk
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.recorded import RecordedMarket
from actors.venues.simulated.taking import can_fill_whole, take
from actors.venues.simulated.waiting import WaitingOrders

INFINITY = float("inf")
_NEVER_CALM = (INFINITY, INFINITY)
_ALWAYS_CALM = (-INFINITY, INFINITY)
_CALM_PRICES = (0.0, INFINITY)


class Market(RecordedMarket):
    """Matching of one instrument."""

    __slots__ = (
        "_calm_asks", "_calm_bids", "_calm_trades", "asks", "bids", "busy", "buy_stops", "desk",
        "point", "queue",
        "sell_stops",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, desk: Desk) -> None:
        super().__init__(instrument)
        self.desk = desk
        self.bids = WaitingOrders(highest_first=True)
        self.asks = WaitingOrders(highest_first=False)
        self.buy_stops = WaitingOrders(highest_first=False, by_stop=True)
        self.sell_stops = WaitingOrders(highest_first=True, by_stop=True)
        self.queue: list[VenueOrderState] = []
        """Orders that take at the market's next move, oldest first."""
        self.busy = False
        """Whether any order is open here."""
        self.point: Print | None = None
        """Where a bar or a lone trade has the market right now; None between such moments."""
        self.refresh()

    # what is known

    @property
    def _waits_for_print(self) -> bool:
        if self.point is not None or self.quote is not None or self.has_book:
            return False
        return self.has_trades or self.bar_interval_ns > 0

    def depth(self, side: Side) -> Depth:
        """What an order of this side meets."""
        if self.point is not None:
            return self.point
        return self.offered if side == "buy" else self.wanted

    def others(self, side: Side) -> WaitingOrders:
        """Resting orders that an order of this side meets."""
        return self.asks if side == "buy" else self.bids

    def reference(self, side: Side) -> Decimal | None:
        """Price at which an order of this side would begin to fill, as far as one can know."""
        self.sync()
        ambient = (self.offered if side == "buy" else self.wanted).best_price()
        ours = self.others(side).first_price
        if ambient is not None and ours is not None:
            return min(ambient, ours) if side == "buy" else max(ambient, ours)
        if ambient is not None or ours is not None:
            return ambient if ours is None else ours
        return None if self.last_price is None else self.ticks(self.last_price)

    def would_take(self, side: Side, price: Decimal) -> bool:
        """Whether a limit order at this price would not rest."""
        self.sync()
        ambient = (self.offered if side == "buy" else self.wanted).best_price()
        for other in (ambient, self.others(side).first_price):
            if other is not None and (price >= other if side == "buy" else price <= other):
                return True
        if not self._waits_for_print or self.last_price is None:
            return False
        last = self.ticks(self.last_price)
        return price > last if side == "buy" else price < last

    # orders come and go

    def arrive(self, order: VenueOrderState) -> None:
        """An accepted order meets the market."""
        self.sync()
        if not order.is_triggered and not self._is_reached(order):
            self._stops(order.side).add(order)
        elif not order.is_triggered:
            self._trigger(order)
        else:
            self._enter(order)
        self._finish()

    def place(self, order: VenueOrderState) -> None:
        """Put an open order where its state says it waits, without meeting anything."""
        if not order.is_triggered:
            self._stops(order.side).add(order)
        elif order.has_rested:
            (self.bids if order.side == "buy" else self.asks).add(order)
        else:
            self.queue.append(order)
            self.queue.sort(key=attrgetter("priority"))

    def detach(self, order: VenueOrderState) -> None:
        """Take an open order out of wherever it waits."""
        if not order.is_triggered:
            self._stops(order.side).remove(order)
        elif order.has_rested:
            (self.bids if order.side == "buy" else self.asks).remove(order)
        else:
            self.queue.remove(order)

    def refresh(self) -> None:
        """Work out which market data can change nothing; half a tick of margin makes `float` good enough."""
        if self.bids.entries or self.asks.entries or self.buy_stops.entries or self.sell_stops.entries:
            self.busy = True
            half = self.half_tick
            bid, ask = self.bids.reach + half, self.asks.reach - half
            buy_stop, sell_stop = self.buy_stops.reach - half, self.sell_stops.reach + half
            self._calm_trades = max(bid, sell_stop, 0.0), min(ask, buy_stop)
            self._calm_asks, self._calm_bids = (bid, buy_stop), (sell_stop, ask)
        else:
            self.busy = bool(self.queue)
            self._calm_trades, self._calm_asks, self._calm_bids = _CALM_PRICES, _ALWAYS_CALM, _ALWAYS_CALM
        if self.queue:
            self._calm_trades = self._calm_asks = _NEVER_CALM
        elif self.wanted.taken or self.offered.taken:
            self._calm_asks = _NEVER_CALM

    def _stops(self, side: Side) -> WaitingOrders:
        return self.buy_stops if side == "buy" else self.sell_stops

    def _is_reached(self, order: VenueOrderState) -> bool:
        """Whether the market is at or beyond the stop: by the last trade, else by the touch it would take."""
        assert order.stop_price is not None
        if self.has_trades or not self.shows_depth:
            now = None if self.last_price is None else self.ticks(self.last_price)
        else:
            now = (self.offered if order.side == "buy" else self.wanted).best_price()
        if now is None:
            return False
        return now >= order.stop_price if order.side == "buy" else now <= order.stop_price

    def _trigger(self, order: VenueOrderState) -> None:
        self.desk.trigger(order)
        self._enter(order)

    def _enter(self, order: VenueOrderState) -> None:
        if self._waits_for_print:
            order.has_rested = order.post_only
            self.place(order)
        else:
            self.meet(order)

    def meet_queue(self) -> None:
        """All queued orders meet the market, oldest first."""
        queue, self.queue = self.queue, []
        for order in queue:
            self.meet(order)

    def meet(self, order: VenueOrderState) -> None:
        """Take what can be taken now; then rest, wait or end as the order says."""
        if order.time_in_force == "fok" and not can_fill_whole(self, order):
            self.desk.expire(order, self.instrument, "FOK")
            return
        take(self, order)
        if not order.is_open:
            return
        if order.time_in_force in ("ioc", "fok"):
            self.desk.expire(order, self.instrument, order.time_in_force.upper())
            return
        order.has_rested = order.price is not None
        self.place(order)

    def _finish(self) -> None:
        """Our own executions are trades that stops hear of, too."""
        while not self._waits_for_print and self.point is None:
            seen = self.desk.take_price_range()
            if seen is None:
                break
            self.trigger_reached(low=seen[0], high=seen[1])
        self.desk.take_price_range()
        self.refresh()

    def trigger_reached(self, *, low: Decimal | None, high: Decimal | None) -> None:
        """Trigger buy stops up to `high` and sell stops down to `low`."""
        while high is not None and self.buy_stops.entries:
            order = self.buy_stops.first
            assert order is not None and order.stop_price is not None  # noqa: PT018
            if order.stop_price > high:
                break
            self.buy_stops.remove(order)
            self._trigger(order)
        while low is not None and self.sell_stops.entries:
            order = self.sell_stops.first
            assert order is not None and order.stop_price is not None  # noqa: PT018
            if order.stop_price < low:
                break
            self.sell_stops.remove(order)
            self._trigger(order)

    # the market moves

    def note_quote(self, quote: Quote) -> bool:
        """Remember the best bid and ask; whether they can change anything, so that `on_quote` must follow."""
        self.quote = quote
        low, high = self._calm_asks
        if low < quote.ask_price < high:
            low, high = self._calm_bids
            return not low < quote.bid_price < high
        return True

    def on_quote(self, quote: Quote) -> None:
        """Best bid and ask have changed."""
        if self.note_quote(quote):
            self._depth_moved()

    def on_book_snapshot(self, book: BookSnapshot) -> None:
        """The whole visible book anew."""
        self.sync()
        self.has_book = True
        self.wanted.replace(book.bids)
        self.offered.replace(book.asks)
        if self.busy:
            self._depth_moved()

    def on_book_delta(self, delta: BookDelta) -> None:
        """Some levels anew; without a book before it, it says nothing.

        Quotes are the faster stream: a delta older than the newest one tells nothing of the touch and beyond.
        """
        if not self.has_book:
            return
        self.sync()
        quote = self.quote
        bid, ask = INFINITY, 0.0
        if quote is not None and quote.ts_event > delta.ts_event:
            bid, ask = quote.bid_price or INFINITY, quote.ask_price
        for price, size in delta.bids:
            if price < bid:
                self.wanted.update(price, size)
        for price, size in delta.asks:
            if price > ask:
                self.offered.update(price, size)
        if self.busy:
            self._depth_moved()

    def _depth_moved(self) -> None:
        self.sync()
        self.meet_queue()
        self._reached_by_depth(self.bids, self.offered)
        self._reached_by_depth(self.asks, self.wanted)
        if not self.has_trades:
            self.trigger_reached(low=self.wanted.best_price(), high=self.offered.best_price())
        self._finish()

    def _reached_by_depth(self, resting: WaitingOrders, depth: Depth) -> None:
        """The other side's displayed orders have come to ours: they take, at our price."""
        while (order := resting.first) is not None:
            assert order.price is not None
            offer = depth.best()
            if offer is None or not offer[1]:
                return
            if offer[0] > order.price if order.side == "buy" else offer[0] < order.price:
                return
            quantity = min(order.remaining, offer[1])
            depth.take(quantity)
            self.make(order, quantity, order.price)

    def note_trade(self, trade: Trade) -> bool:
        """Remember what others trade at; whether it can change anything, so that `on_trade` must follow."""
        low, high = self._calm_trades
        if low < trade.price < high:
            self.last_price = trade.price
            self.has_trades = True
            return False
        return True

    def on_trade(self, trade: Trade) -> None:
        """Others have traded."""
        if self.note_trade(trade) and 0.0 < trade.price < INFINITY and 0.0 <= trade.size < INFINITY:
            self.last_price = trade.price
            self.has_trades = True
            self.sync()
            self._print_trade(trade)
            self._finish()

    def _print_trade(self, trade: Trade) -> None:
        price = self.ticks(trade.price)
        size = round_to_lot(trade.size, self.instrument.lot_size)
        printed = Print(price, size)
        for resting in (self.bids, self.asks):
            self._gone_through(resting, price)
        if trade.aggressor != "buy":
            self._share_of(printed, self.bids, trade.size, size)
        if trade.aggressor != "sell":
            self._share_of(printed, self.asks, trade.size, size)
        if not self.shows_depth:
            self.point = printed
        self.trigger_reached(low=price, high=price)
        if self.point is not None:
            self.meet_queue()
            self.point = None

    def _gone_through(self, resting: WaitingOrders, price: Decimal) -> None:
        while (order := resting.first) is not None:
            assert order.price is not None
            if order.price <= price if order.side == "buy" else order.price >= price:
                return
            self.make(order, order.remaining, order.price)

    def _share_of(self, printed: Print, resting: WaitingOrders, size: float, whole: Decimal) -> None:
        """Resting orders at the trade's price share it, oldest first."""
        for order in list(takewhile(lambda order: order.price == printed.price, resting)):
            share = self.desk.accounts[order.account].settings.fill_share_of_trade
            allowed = round_to_lot(size * share, self.instrument.lot_size) - (whole - printed.quantity)
            quantity = min(order.remaining, allowed, printed.quantity)
            if quantity > ZERO:
                printed.take(quantity)
                self.make(order, quantity, printed.price)

    def make(self, order: VenueOrderState, quantity: Decimal, price: Decimal) -> None:
        """The market takes from a resting order."""
        self.fill(order, quantity, price, is_maker=True, trade_id=self.desk.next_trade_id())

    def fill(
        self, order: VenueOrderState, quantity: Decimal, price: Decimal, *, is_maker: bool, trade_id: str
    ) -> None:
        """One execution; a resting order that is done leaves the book."""
        if is_maker and quantity == order.remaining:
            self.detach(order)
        self.desk.fill(order, self.instrument, quantity, price, is_maker=is_maker, trade_id=trade_id)

    # bars

    def note_bar(self, bar: Bar) -> bool:
        """Remember the newest bar; whether it can change anything, so that `on_bar` must follow.

        Finer data of the same market, or shorter bars, have told it already.
        """
        if self.quote is not None or self.has_book or self.has_trades:
            return False
        interval, close = bar.interval_ns, bar.close
        if not 0.0 < close < INFINITY:
            return False
        if interval != self.bar_interval_ns:
            if 0 < self.bar_interval_ns < interval:
                return False
            self.bar_interval_ns = interval
        self.last_price = close
        return self.busy

    def on_bar(self, bar: Bar) -> None:
        """A whole bar, of which every price is positive."""
        if self.note_bar(bar) and min(bar.open, bar.high, bar.low) > 0.0 and bar.high < INFINITY:
            run_bar(self, bar)
            self._finish()

    def has_waiting(self) -> bool:
        """Whether any order is open here."""
        return bool(
            self.queue
            or self.bids.entries
            or self.asks.entries
            or self.buy_stops.entries
            or self.sell_stops.entries
        )
