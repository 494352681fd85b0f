"""The path of a bar: open, nearer extreme, other extreme, close, and what our orders meet on it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.messages.market import Bar
from actors.venues.simulated.depth import Print

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def run_bar(market: Market, bar: Bar) -> None:
    """Take the market along the bar; at each of its prices there is no end to what can be bought or sold."""
    here = market.ticks(bar.open)
    _open_at(market, here)
    if market.has_waiting():
        high, low, close = market.ticks(bar.high), market.ticks(bar.low), market.ticks(bar.close)
        extremes = (high, low) if high - here < here - low else (low, high)
        for there in (*extremes, close):
            _walk(market, here, there)
            here = there
    market.point = None


def _open_at(market: Market, price: Decimal) -> None:
    """Queued orders and stops take at the open; resting orders that it has jumped over get it, too."""
    market.point = Print(price)
    for resting in (market.bids, market.asks):
        while (order := resting.first) is not None:
            assert order.price is not None
            if order.price < price if order.side == "buy" else order.price > price:
                break
            market.make(order, order.remaining, price)
    market.meet_queue()
    market.trigger_reached(low=price, high=price)


def _walk(market: Market, here: Decimal, there: Decimal) -> None:
    """From one price to the next, meeting orders and stops in the order of their prices."""
    falling = there < here
    resting, stops = (market.bids, market.sell_stops) if falling else (market.asks, market.buy_stops)
    while True:
        limit, stop = resting.first_price, stops.first_price
        met = [p for p in (limit, stop) if p is not None and (p >= there if falling else p <= there)]
        if not met:
            return
        price = max(met) if falling else min(met)
        market.point = Print(price)
        if price == limit:
            order = resting.first
            assert order is not None
            market.make(order, order.remaining, price)
        else:
            market.trigger_reached(low=price, high=price)
