"""One instrument's market: our orders in price-time priority, and the recorded market they meet.

How fine the recorded data are decides what an order can meet:

* quotes or a book: what is displayed, each level once until it changes. When it is used up, a limit order
  rests, an `ioc` order ends, and a market order goes on with the next update.
* trades alone: an order waits for the next trade and takes of its quantity at its price.
* bars alone: an order waits for the next bar's open and then for its path (`bar_path.py`), or takes the close
  of the bar just ended.
* nothing yet: orders meet each other only.

A resting order fills at its own price: whole when a trade goes through it, by its share when one happens at
it and its turn has come (`queueing.py`), and by what the other side's quote displays when that reaches it.
Only a bar that opens beyond it fills it at the open. While the market is closed nothing is met.
"""

from __future__ import annotations

from bisect import insort
from decimal import Decimal
from operator import attrgetter

from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from actors.messages.orders import Side, TimeInForce
from actors.model.instrument import ZERO, Instrument
from actors.venues.simulated import queueing
from actors.venues.simulated.bar_path import at_close, run_bar
from actors.venues.simulated.depth import Depth, Print
from actors.venues.simulated.depth_move import depth_moved
from actors.venues.simulated.desk import Desk
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.hours import TradingHours
from actors.venues.simulated.recorded import RecordedMarket
from actors.venues.simulated.settings import MarketSettings
from actors.venues.simulated.slippage import Slip
from actors.venues.simulated.taking import can_fill_whole, reducible_only, take
from actors.venues.simulated.trade_print import print_trade
from actors.venues.simulated.waiting import NOWHERE, Nowhere, Tally, WaitingOrders

INFINITY = float("inf")
NEVER_QUIET = -1
_is_open = attrgetter("is_open")
_NEVER_CALM = (INFINITY, INFINITY)
_ALWAYS_CALM = (-INFINITY, INFINITY)
_CALM_PRICES = (0.0, INFINITY)
_MARKET_UNTIL: dict[str, TimeInForce] = {"cancel": "ioc", "all_or_none": "fok"}


class Market(RecordedMarket):
    """Matching of one instrument."""

    __slots__ = (
        "_at_close", "_calm_asks", "_calm_bids", "_calm_trades", "_market_until", "asks", "bids", "busy",
        "buy_stops", "desk", "follows_queue", "hours", "point", "queue", "quiet_interval_ns", "sell_stops",
        "settings", "slip", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        instrument: Instrument,
        desk: Desk,
        settings: MarketSettings,
        slip: Slip | None = None,
    ) -> None:
        super().__init__(instrument, unlimited=settings.sizes == "unlimited")
        self.desk = desk
        self.settings = settings
        self.slip = slip
        self.hours = TradingHours(settings.hours, instrument, desk.calendars, desk.lag_ns)
        self.follows_queue = settings.queue != "front"
        self._at_close = settings.bars.market_orders == "same_close"
        self._market_until = _MARKET_UNTIL.get(settings.bars.market_rest)
        self.waiting = Tally()
        """Of all four places where orders wait for a price."""
        self.bids = WaitingOrders(self.waiting, highest_first=True)
        self.asks = WaitingOrders(self.waiting, highest_first=False)
        self.buy_stops = WaitingOrders(self.waiting, highest_first=False, by_stop=True)
        self.sell_stops = WaitingOrders(self.waiting, highest_first=True, by_stop=True)
        self.queue: list[VenueOrderState] = []
        """Orders that take at the market's next move, oldest first."""
        self.busy = False
        """Whether any order is open here."""
        self.quiet_interval_ns = NEVER_QUIET
        """While no order is open here: the interval of bars that change nothing but the newest price."""
        self.point: Print | None = None
        """Where a bar or a lone trade has the market right now; None between such moments."""
        self.refresh()

    # what is known

    @property
    def is_closed(self) -> bool:
        """Whether nothing trades now."""
        return not self.is_trading or (self.hours.has_calendar and not self.hours.is_open(self.desk.now))

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
        ambient = None
        if self.quote is not None or self.has_book:
            self.sync()
            ambient = (self.offered if side == "buy" else self.wanted).best_price()
        book = self.asks if side == "buy" else self.bids
        ours = book.first_price if book.entries else None
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
        if self.quote is not None:
            self.sync()
        if self._at_close and order.order_type == "market" and at_close(self, order):
            pass
        elif self.is_closed:
            order.has_rested = order.post_only
            self.place(order)
        elif not order.is_triggered and not self._is_reached(order):
            self._stops(order).add(order)
        elif not order.is_triggered:
            self._trigger(order)
        else:
            self._enter(order)
        self._finish()

    def place(self, order: VenueOrderState) -> None:
        """Put an open order where its state says it waits, without meeting anything."""
        if not order.is_triggered:
            self._stops(order).add(order)
        elif order.has_rested:
            (self.bids if order.side == "buy" else self.asks).add(order)
        else:
            insort(self.queue, order, key=attrgetter("priority"))

    def detach(self, order: VenueOrderState) -> None:
        """Take an open order out of wherever it waits."""
        if not order.is_triggered:
            self._stops(order).remove(order)
        elif order.has_rested:
            (self.bids if order.side == "buy" else self.asks).remove(order)
        elif order in self.queue:  # not while the queue is meeting the market
            self.queue.remove(order)

    def refresh(self) -> None:
        """Work out which market data can change nothing; half a tick of margin makes `float` good enough."""
        self.quiet_interval_ns = NEVER_QUIET
        moves = bool(self.queue)
        if self.waiting.count:
            half = self.half_tick
            bid, ask = self.bids.reach + half, self.asks.reach - half
            buy_stop, sell_stop = self.buy_stops.reach - half, self.sell_stops.reach + half
            self._calm_trades = max(bid, sell_stop, 0.0), min(ask, buy_stop)
            self._calm_asks, self._calm_bids = (bid, buy_stop), (sell_stop, ask)
            moves = moves or bool(self.buy_stops.trailing or self.sell_stops.trailing)
            self.busy = True
        else:
            self._calm_trades, self._calm_asks, self._calm_bids = _CALM_PRICES, _ALWAYS_CALM, _ALWAYS_CALM
            self.busy = moves
            if self.has_volume and not moves and not self.has_finer:
                self.quiet_interval_ns = self.bar_interval_ns
                moves = True  # not by itself: the first quote or trade ends the quiet
        if moves:
            self._calm_trades = self._calm_asks = _NEVER_CALM
        elif self.wanted.taken or self.offered.taken or (self.follows_queue and self.waiting.count):
            self._calm_asks = _NEVER_CALM

    def _stops(self, order: VenueOrderState) -> WaitingOrders | Nowhere:
        if order.is_held:
            return NOWHERE
        return self.buy_stops if order.side == "buy" else self.sell_stops

    def _is_reached(self, order: VenueOrderState) -> bool:
        """Whether the market is at or beyond the stop: by the last trade, else by the touch it would take."""
        if order.is_held or order.stop_price is None:
            return False
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
        if not self._waits_for_print:
            self.meet(order)
        elif order.post_only:
            self._rest(order)
        else:
            order.has_rested = False
            self.place(order)

    def _rest(self, order: VenueOrderState) -> None:
        order.has_rested = True
        if self.follows_queue:
            queueing.join(self, order)
        self.place(order)

    def meet_queue(self) -> None:
        """All queued orders meet the market, oldest first."""
        queue, self.queue = self.queue, []
        for order in filter(_is_open, queue):
            self.meet(order)

    def meet(self, order: VenueOrderState) -> None:
        """Take what can be taken now; then rest, wait or end as the order says."""
        until = order.time_in_force
        if self._market_until is not None and order.price is None and self.bar is not None:
            until = self._market_until
        if until == "fok" and not can_fill_whole(self, order):
            self.desk.expire(order, self.instrument, "FOK")
            return
        take(self, order)
        if not order.is_open:
            return
        if until in ("ioc", "fok"):
            self.desk.expire(order, self.instrument, until.upper())
        elif order.price is not None:
            self._rest(order)
        else:
            self.place(order)

    def _finish(self) -> None:
        """Our own executions are trades that stops hear of, too."""
        desk = self.desk
        while desk.prices is not None:
            (low, high), desk.prices = desk.prices, None
            if not self._waits_for_print:
                self.trigger_reached(low=low, high=high)
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
        """Remember best bid and ask; whether they can change anything, so that `meet_depth` must follow."""
        self.quote = quote
        low, high = self._calm_asks
        if low < quote.ask_price < high:
            low, high = self._calm_bids
            return not low < quote.bid_price < high
        return True

    def on_book_snapshot(self, book: BookSnapshot) -> None:
        """The whole visible book anew."""
        self.note_book(book)
        if self.busy or self.quiet_interval_ns != NEVER_QUIET:
            self.meet_depth()

    def on_book_delta(self, delta: BookDelta) -> None:
        """Some levels anew; without a book before it, it says nothing."""
        if self.has_book:
            self.note_levels(delta)
            if self.busy:
                self.meet_depth()

    def meet_depth(self) -> None:
        """Orders meet what is displayed now."""
        if self.quiet_interval_ns != NEVER_QUIET:
            self.refresh()
        elif not self.is_closed:
            depth_moved(self)
            self._finish()

    def note_trade(self, trade: Trade) -> bool:
        """Remember what others trade at; whether it can change anything, so that `meet_trade` must follow."""
        low, high = self._calm_trades
        if low < trade.price < high:
            self.last_price = trade.price
            self.has_trades = True
            return False
        return True

    def meet_trade(self, trade: Trade) -> None:
        """Orders meet a trade that was noted."""
        if not (0.0 < trade.price < INFINITY and 0.0 <= trade.size < INFINITY):
            return
        self.last_price = trade.price
        self.has_trades = True
        if self.quiet_interval_ns != NEVER_QUIET:
            self.refresh()
        elif not self.is_closed:
            self.sync()
            print_trade(self, trade)
            self._finish()

    def make(
        self, order: VenueOrderState, offered: Decimal, price: Decimal, depth: Depth | None = None
    ) -> None:
        """The market takes of a resting order what it offers, at most all that remains."""
        quantity = reducible_only(self, order, min(order.remaining, offered)) if order.is_open else ZERO
        if quantity:
            if depth is not None:
                depth.take(quantity)
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
        """Remember the newest bar; whether it can change anything, so that `meet_bar` must follow.

        Finer data of the same market, or shorter bars, have told it already.
        """
        if self.has_finer:
            return False
        interval, close = bar.interval_ns, bar.close
        if not 0.0 < close < INFINITY:
            return False
        if interval != self.bar_interval_ns:
            if 0 < self.bar_interval_ns < interval:
                return False
            self.bar_interval_ns = interval
            self.refresh()
        self.last_price = close
        self.bar = bar
        if not self.has_volume and bar.volume > 0.0:
            self.has_volume = True
            self.refresh()
        low, high = self._calm_trades
        return self.busy and not (low < bar.low and bar.high < high)

    def meet_bar(self, bar: Bar) -> None:
        """Orders meet a bar that was noted, of which every price is positive."""
        if min(bar.open, bar.high, bar.low) <= 0.0 or bar.high == INFINITY or not self.is_trading:
            return
        if self.hours.has_calendar and not self.hours.overlap(bar.ts_event - bar.interval_ns, bar.ts_event):
            return
        run_bar(self, bar)
        self._finish()
