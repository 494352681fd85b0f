"""Stops that follow the market: the best price since they work, less their distance.

They follow what triggers them: the last trade where trades are recorded, else the touch that they would take,
else bars. A bar meets a stop where the bars before it have left it, and moves it when it is over: what came
first within the bar, its extreme or the way back, nobody knows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from actors.messages.orders import OrderTerms, Side, SpecialTerms
from actors.model.instrument import ZERO
from actors.model.money import round_to_tick
from actors.venues.simulated.events import VenueOrderState

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def begun(market: Market, terms: OrderTerms) -> OrderTerms:
    """The terms with the stop that a trail begins with; without one where no price is known yet."""
    if terms.special is None or terms.special.trail is None:
        return terms
    best = _touch(market, terms.side)
    if best is None:
        return terms
    return msgspec.structs.replace(terms, stop_price=_stop(market, terms.special, terms.side, best))


def begin_again(market: Market, order: VenueOrderState) -> None:
    """It works only now: what the market did before is nothing to it."""
    best = _touch(market, order.side)
    if order.special is not None and order.special.trail is not None and best is not None:
        order.trail_best, order.stop_price = best, _stop(market, order.special, order.side, best)


def follow(market: Market, low: Decimal | None, high: Decimal | None) -> None:
    """The market has been this low and this high."""
    for stops, best in ((market.sell_stops, high), (market.buy_stops, low)):
        if not stops.trailing or best is None:
            continue
        for order in [each for each in stops if each.order_type == "trailing_stop"]:
            assert order.special is not None
            stop = _stop(market, order.special, order.side, best)
            assert order.stop_price is not None
            if stop > order.stop_price if order.side == "sell" else stop < order.stop_price:
                stops.remove(order)
                order.trail_best, order.stop_price, order.ts_updated = best, stop, market.desk.now
                stops.add(order)


def _touch(market: Market, side: Side) -> Decimal | None:
    if market.has_trades or not market.shows_depth:
        return None if market.last_price is None else market.ticks(market.last_price)
    market.sync()
    return (market.wanted if side == "sell" else market.offered).best_price()


def _stop(market: Market, special: SpecialTerms, side: Side, best: Decimal) -> Decimal:
    """On the tick, and never nearer than the distance; a sale's stays above zero."""
    assert special.trail is not None
    distance = special.trail * best if special.trail_is_fraction else special.trail
    tick = market.instrument.tick_size
    if side == "buy":
        return round_to_tick(best + distance, tick, "up")
    return max(round_to_tick(best - distance, tick, "down"), tick or ZERO)
