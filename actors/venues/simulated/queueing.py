"""Where a resting order stands in the queue at its price, as far as displayed sizes and trades tell.

It joins behind what is displayed there; where nobody can see its level it joins when the touch comes to it.
Trades at its price serve those before it first. What leaves without a trade leaves from the back as long as
there is a back (`back`), or evenly (`proportional`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.model.instrument import ZERO
from actors.model.money import round_to_lot
from actors.venues.simulated.events import VenueOrderState

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def join(market: Market, order: VenueOrderState) -> None:
    """The order comes to rest at its price."""
    assert order.price is not None
    side = market.wanted if order.side == "buy" else market.offered
    displayed = side.displayed(order.price) if market.shows_depth else ZERO
    order.queue_ahead, order.queue_seen = displayed, displayed or ZERO


def follow(market: Market) -> None:
    """Displayed sizes have changed."""
    for resting, side in ((market.bids, market.wanted), (market.asks, market.offered)):
        for order in resting:
            assert order.price is not None
            displayed = side.displayed(order.price)
            if displayed is None:
                break  # so are all orders behind it
            ahead, seen = order.queue_ahead, order.queue_seen
            if ahead is None:
                order.queue_ahead = displayed
            elif displayed < seen:
                if market.settings.queue == "proportional":
                    ahead = round_to_lot(ahead * displayed / seen, market.instrument.lot_size, "up")
                order.queue_ahead = min(ahead, displayed)
            order.queue_seen = displayed


def served(order: VenueOrderState, size: Decimal) -> Decimal:
    """How much of a trade at the order's price is left when those before it have had theirs."""
    ahead = order.queue_ahead or ZERO
    order.queue_ahead = max(ahead - size, ZERO)
    order.queue_seen = max(order.queue_seen - size, ZERO)
    return max(size - ahead, ZERO)
