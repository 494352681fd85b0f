"""A recorded trade and what our orders get of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING

from actors.messages.market import Trade
from actors.model.instrument import ZERO
from actors.model.money import round_to_lot
from actors.venues.simulated import queueing
from actors.venues.simulated.depth import Print
from actors.venues.simulated.trailing import follow
from actors.venues.simulated.waiting import WaitingOrders

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def print_trade(market: Market, trade: Trade) -> None:
    """Resting orders it goes through fill whole, those at its price share it, stops it reaches trigger."""
    price = market.ticks(trade.price)
    size = round_to_lot(trade.size, market.instrument.lot_size)
    printed = Print(price, size)
    for resting in (market.bids, market.asks):
        _gone_through(market, resting, price)
    if trade.aggressor != "buy":
        _share_of(market, printed, market.bids, trade.size, size)
    if trade.aggressor != "sell":
        _share_of(market, printed, market.asks, trade.size, size)
    if not market.shows_depth:
        market.point = printed
    follow(market, price, price)
    market.trigger_reached(low=price, high=price)
    if market.point is not None:
        market.meet_queue()
        market.point = None


def _gone_through(market: Market, resting: WaitingOrders, price: Decimal) -> None:
    while (order := resting.first) is not None:
        assert order.price is not None
        if order.price <= price if order.side == "buy" else order.price >= price:
            return
        market.make(order, order.remaining, order.price)


def _share_of(market: Market, printed: Print, resting: WaitingOrders, size: float, whole: Decimal) -> None:
    """Resting orders at the trade's price share what of it comes to them, oldest first."""
    for order in list(takewhile(lambda order: order.price == printed.price, resting)):
        share = market.desk.accounts[order.account].settings.fill_share_of_trade
        allowed = round_to_lot(size * share, market.instrument.lot_size) - printed.used
        if market.follows_queue:
            allowed = min(allowed, queueing.served(order, whole) - printed.used)
        quantity = min(allowed, printed.quantity)
        if quantity > ZERO:
            market.make(order, quantity, printed.price, printed)
