"""Stops that follow the market: the best price since they work, less their distance; a limit goes along.

They follow what triggers them: the last trade where trades are recorded, else the touch that they would take,
else bars. A bar meets a stop where the bars before it have left it, and moves it when it is over: what came
first within the bar, its extreme or the way back, nobody knows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from actors.messages.orders import OrderTerms, Side, SpecialTerms
from actors.model.trailing import trailed_limit, trailed_stop
from actors.venues.simulated.events import VenueOrderState

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def begun(market: Market, terms: OrderTerms) -> OrderTerms:
    """The terms with the stop that a trail begins with; without one where no price is known yet."""
    if terms.special is None or terms.special.trail is None:
        return terms
    stop = terms.special.trail_start
    if stop is None and (best := _touch(market, terms.side)) is not None:
        stop = _stop(market, terms.special, terms.side, best)
    if stop is None:
        return terms
    limit = _limit(market, terms.special, terms.side, stop)
    return msgspec.structs.replace(terms, stop_price=stop, price=limit)


def begin_again(market: Market, order: VenueOrderState) -> None:
    """It works only now: what the market did before is nothing to it."""
    best = _touch(market, order.side)
    special = order.special
    if special is not None and special.trail is not None and special.trail_start is None and best is not None:
        _move(market, order, best, _stop(market, special, order.side, best))


def follow(market: Market, low: Decimal | None, high: Decimal | None) -> None:
    """The market has been this low and this high."""
    for stops, best in ((market.sell_stops, high), (market.buy_stops, low)):
        if not stops.trailing or best is None:
            continue
        for order in [each for each in stops if each.trails]:
            assert order.special is not None
            stop = _stop(market, order.special, order.side, best)
            assert order.stop_price is not None
            if stop > order.stop_price if order.side == "sell" else stop < order.stop_price:
                stops.remove(order)
                _move(market, order, best, stop)
                stops.add(order)


def _move(market: Market, order: VenueOrderState, best: Decimal, stop: Decimal) -> None:
    assert order.special is not None
    order.trail_best, order.stop_price, order.ts_updated = best, stop, market.desk.now
    order.price = _limit(market, order.special, order.side, stop)


def _touch(market: Market, side: Side) -> Decimal | None:
    if market.has_trades or not market.shows_depth:
        return None if market.last_price is None else market.ticks(market.last_price)
    market.sync()
    return (market.wanted if side == "sell" else market.offered).best_price()


def _stop(market: Market, special: SpecialTerms, side: Side, best: Decimal) -> Decimal:
    assert special.trail is not None
    return trailed_stop(
        best, special.trail, is_fraction=special.trail_is_fraction, is_purchase=side == "buy",
        tick=market.instrument.tick_size,
    )  # fmt: skip


def _limit(market: Market, special: SpecialTerms, side: Side, stop: Decimal) -> Decimal | None:
    if special.limit_offset is None:
        return None
    return trailed_limit(
        stop, special.limit_offset, is_purchase=side == "buy", tick=market.instrument.tick_size
    )
