"""The path of a bar and what our orders meet on it: the open, both extremes in some order, the close."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.messages.market import Bar
from actors.model.instrument import ZERO
from actors.model.money import round_to_lot
from actors.venues.simulated.depth import Print
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.trailing import follow
from actors.venues.simulated.waiting import WaitingOrders

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def run_bar(market: Market, bar: Bar) -> None:
    """Take the market along the bar; a fill carries the time at which the bar began."""
    desk, here = market.desk, market.ticks(bar.open)
    point = _offer(market, bar, here)
    if point is None:
        return
    desk.bar_began = bar.ts_event - bar.interval_ns
    market.point = point
    _open_at(market, point)
    if market.queue or market.waiting.count:
        _go_along(market, bar, point, here)
    market.note_used(point.used)
    market.point = None
    if market.waiting.count:
        follow(market, market.ticks(bar.low), market.ticks(bar.high))
    desk.bar_began = None


def _go_along(market: Market, bar: Bar, point: Print, here: Decimal) -> None:
    high, low, close = market.ticks(bar.high), market.ticks(bar.low), market.ticks(bar.close)
    path = market.settings.bars.path
    if path == "pessimistic":
        _stops_then_limits(market, point, low, high)
        return
    high_first = path == "ohlc" or (path == "adaptive" and high - here < here - low)
    for there in (*((high, low) if high_first else (low, high)), close):
        _walk(market, point, here, there)
        here = there


def at_close(market: Market, order: VenueOrderState) -> bool:
    """A market order takes the close of the bar just ended; False where it offers nothing or is long ago."""
    bar = market.bar
    if bar is None or not market.is_trading or market.shows_depth or market.has_trades:
        return False
    if market.desk.now - bar.ts_event >= bar.interval_ns:
        return False
    point = _offer(market, bar, market.ticks(bar.close))
    if point is None or not point.quantity:
        return False
    market.point = point
    market.meet(order)
    market.note_used(point.used)
    market.point = None
    return True


def _offer(market: Market, bar: Bar, price: Decimal) -> Print | None:
    """What the bar has to offer at each of its prices, all of them together; None for nothing at all."""
    rules = market.settings.bars
    if not market.has_volume:
        return Print(price)
    if not bar.volume and rules.zero_volume == "skip":
        return None
    used = market.bar_used
    if rules.volume_share is None:
        return Print(price, used=used)
    most = round_to_lot(bar.volume * rules.volume_share, market.instrument.lot_size)
    return Print(price, max(most - used, ZERO), used=used)


def _open_at(market: Market, point: Print) -> None:
    """Queued orders and stops take at the open; resting orders that it has jumped over get it, too."""
    if market.waiting.count:
        _jump_over(market, point)
    if market.queue:
        market.meet_queue()
    if market.waiting.count:
        market.trigger_reached(low=point.price, high=point.price)


def _jump_over(market: Market, point: Print) -> None:
    """Resting orders beyond the open."""
    price, through = point.price, market.settings.bars.limits == "through"
    for resting in (market.bids, market.asks):
        while resting.entries and point.quantity:
            order = resting.entries[0][2]
            assert order.price is not None
            if order.price < price if order.side == "buy" else order.price > price:
                break
            if through and order.price == price:
                break
            market.make(order, point.quantity, price, point)


def _walk(market: Market, point: Print, here: Decimal, there: Decimal) -> None:
    """From one price to the next, meeting orders and stops in the order of their prices."""
    falling = there < here
    resting, stops = (market.bids, market.sell_stops) if falling else (market.asks, market.buy_stops)
    while resting.entries or stops.entries:
        limit, stop = _limit_within(market, point, resting, there), stops.first_price
        if stop is not None and (stop < there if falling else stop > there):
            stop = None
        if limit is None and stop is None:
            break
        if stop is None or (limit is not None and (limit >= stop if falling else limit <= stop)):
            _meet_limit(market, point, resting)
        else:
            point.price = stop
            market.trigger_reached(low=stop, high=stop)
    point.price = there


def _stops_then_limits(market: Market, point: Print, low: Decimal, high: Decimal) -> None:
    """Every stop in the bar's range, then the limit orders in it that were there before them."""
    last = market.desk.last_priority
    for stops, falling in ((market.sell_stops, True), (market.buy_stops, False)):
        while (stop := stops.first_price) is not None and (stop >= low if falling else stop <= high):
            point.price = stop
            market.trigger_reached(low=stop, high=stop)
    for resting, there in ((market.bids, low), (market.asks, high)):
        while _limit_within(market, point, resting, there) is not None:
            order = resting.first
            assert order is not None
            if order.priority > last:
                break
            _meet_limit(market, point, resting)


def _limit_within(market: Market, point: Print, resting: WaitingOrders, there: Decimal) -> Decimal | None:
    """Price of the first resting order if the way there meets it and anything is left for it."""
    price = resting.first_price
    if price is None or not point.quantity:
        return None
    if price == there:
        return price if market.settings.bars.limits == "touch" else None
    return price if (price > there) == (resting is market.bids) else None


def _meet_limit(market: Market, point: Print, resting: WaitingOrders) -> None:
    order = resting.first
    assert order is not None and order.price is not None  # noqa: PT018
    point.price = order.price
    market.make(order, point.quantity, order.price, point)
