"""One market as the sequencer calls it: data go in, what came of them is told; cheap while it is calm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.messages.market import Bar, Quote, Trade
from actors.venues.simulated.market import INFINITY, Market

if TYPE_CHECKING:
    from actors.venues.simulated.actor import SimulatedVenueActor


class Floor:
    """Hands one instrument's data to its market, on behalf of the venue."""

    __slots__ = ("_market", "_venue", "name")

    def __init__(self, venue: SimulatedVenueActor, market: Market) -> None:
        self.name = venue.name
        """Whose handlers these are."""
        self._venue = venue
        self._market = market

    def on_quote(self, quote: Quote) -> None:
        """Best bid and ask have changed."""
        market = self._market
        if market.note_quote(quote):
            events = market.desk.begin(self._venue.now)
            market.meet_depth()
            self._venue.tell(events)

    def on_trade(self, trade: Trade) -> None:
        """Others have traded."""
        market = self._market
        if market.note_trade(trade):
            events = market.desk.begin(self._venue.now)
            market.meet_trade(trade)
            self._venue.tell(events)

    def on_bar(self, bar: Bar) -> None:
        """A whole bar; while no order is open, one of the usual interval is only noted."""
        market, close = self._market, bar.close
        if bar.interval_ns == market.quiet_interval_ns and 0.0 < close < INFINITY:
            market.last_price = close
            market.bar = bar
        elif market.note_bar(bar):
            events = market.desk.begin(self._venue.now)
            market.meet_bar(bar)
            self._venue.tell(events)
