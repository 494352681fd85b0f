"""Orders that hang together: of a group one cancels the others, the exits of a bracket wait for its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.model.instrument import ZERO
from actors.venues.simulated import reject
from actors.venues.simulated.events import VenueEvent, VenueOrderState
from actors.venues.simulated.market import Market
from actors.venues.simulated.trailing import begin_again

if TYPE_CHECKING:
    from actors.venues.simulated.engine import MatchingEngine


def settle_links(engine: MatchingEngine) -> None:
    """What follows from the running call's events for orders that wait for others; told after them.

    An exit comes to the market when the call that has filled its entry is over: it meets what comes next.
    """
    events, told = engine.desk.events, 0
    while told < len(events):
        event = events[told]
        told += 1
        order = engine.find_order(event.account, venue_order_id=event.venue_order_id or "")
        if order is None or order.is_open or order.special is None or not order.special.more_follow:
            continue
        for child in _held_for(engine, order):
            market = engine.markets[child.instrument]
            if order.filled_quantity:
                _release(engine, market, child)
            else:
                market.detach(child)
                engine.desk.cancel(child, market.instrument)


def _held_for(engine: MatchingEngine, parent: VenueOrderState) -> list[VenueOrderState]:
    return [
        order
        for order in engine.open_orders(parent.account)
        if order.is_held and order.special is not None and order.special.parent == parent.client_order_id
    ]


def _release(engine: MatchingEngine, market: Market, order: VenueOrderState) -> None:
    market.detach(order)
    begin_again(market, order)
    order.is_held, order.is_triggered = False, order.stop_price is None
    order.priority, order.ts_updated = engine.desk.next_priority(), engine.desk.now
    if engine.desk.accounts[order.account].reducible(order, market.instrument) > ZERO:
        market.arrive(order)
    else:
        engine.desk.expire(order, market.instrument, reject.REDUCE_ONLY)


def end(engine: MatchingEngine, account: str, venue_order_id: str, reason: str, now: int) -> list[VenueEvent]:
    """The venue ends one order, if it is still open."""
    events = engine.desk.begin(now)
    order = engine.find_order(account, venue_order_id=venue_order_id)
    if order is not None and order.is_open:
        market = engine.markets[order.instrument]
        market.detach(order)
        engine.desk.expire(order, market.instrument, reason)
        market.refresh()
    return events
