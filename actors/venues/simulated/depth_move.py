"""The displayed market has moved: what it brings to orders that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.venues.simulated import queueing
from actors.venues.simulated.depth import Depth
from actors.venues.simulated.trailing import follow
from actors.venues.simulated.waiting import WaitingOrders

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def depth_moved(market: Market) -> None:
    """Queued orders take, resting ones are taken, stops that the touch has reached trigger."""
    market.sync()
    if market.follows_queue:
        queueing.follow(market)
    if market.queue:
        market.meet_queue()
    _reached(market, market.bids, market.offered)
    _reached(market, market.asks, market.wanted)
    if not market.has_trades and (market.buy_stops.entries or market.sell_stops.entries):
        follow(market, market.offered.best_price(), market.wanted.best_price())
        market.trigger_reached(low=market.wanted.best_price(), high=market.offered.best_price())


def _reached(market: Market, resting: WaitingOrders, depth: Depth) -> None:
    """The other side's displayed orders have come to ours: they take, at our price."""
    while (order := resting.first) is not None:
        assert order.price is not None
        offer = depth.best()
        if offer is None or not offer[1]:
            return
        if offer[0] > order.price if order.side == "buy" else offer[0] < order.price:
            return
        market.make(order, offer[1], order.price, depth)
