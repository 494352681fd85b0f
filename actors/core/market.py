"""The newest market state per instrument: one place, kept by the sequencer, read by every actor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from actors.core.adjust import adjusted
from actors.messages.market import (
    MARKET_DATA,
    Bar,
    BookDelta,
    BookSnapshot,
    CorporateAction,
    FeedStatus,
    FundingRate,
    InstrumentUpdate,
    MarketData,
    Quote,
    Trade,
)

_PASSING = (BookSnapshot, BookDelta, CorporateAction, FundingRate)
_KEPT = tuple(kind for kind in MARKET_DATA if kind not in _PASSING)
"""Books are kept whole by whoever needs them; a single delta is no state, nor is what happens once."""


class MarketState(msgspec.Struct, array_like=True):
    """The board as checkpoints keep it."""

    latest: list[Any]


class MarketBoard:
    """Newest quote, trade, bar and status of each instrument, as of the input being worked on.

    The simulated venue sees an input before the board does, so nothing that reacts to its fills knows a bar's
    close before the bar reaches the strategies.
    """

    __slots__ = ("bars", "definitions", "latest", "quotes", "statuses", "trades")

    def __init__(self) -> None:
        self.latest: dict[type[MarketData], dict[str, Any]] = {kind: {} for kind in _KEPT}
        self.quotes: dict[str, Quote] = self.latest[Quote]
        self.trades: dict[str, Trade] = self.latest[Trade]
        self.bars: dict[str, Bar] = self.latest[Bar]
        self.statuses: dict[str, FeedStatus] = self.latest[FeedStatus]
        self.definitions: dict[str, InstrumentUpdate] = self.latest[InstrumentUpdate]

    def mark_price(self, instrument: str) -> float | None:
        """What a position is valued at: the mid, else the newest trade or bar close; None without any."""
        if instrument in self.quotes:
            quote = self.quotes[instrument]
            return (quote.bid_price + quote.ask_price) * 0.5
        bar = self.bars.get(instrument)
        if instrument in self.trades:
            trade = self.trades[instrument]
            return trade.price if bar is None or trade.ts_event >= bar.ts_event else bar.close
        return bar.close if bar is not None else None

    def age_ns(self, instrument: str, now: int) -> int | None:
        """How long ago the newest price happened at its source; None before any price."""
        newest: int | None = None
        latest: Quote | Trade | Bar | None
        for latest in (self.quotes.get(instrument), self.trades.get(instrument), self.bars.get(instrument)):
            if latest is not None and (newest is None or latest.ts_event > newest):
                newest = latest.ts_event
        return now - newest if newest is not None else None

    def on_corporate_action(self, action: CorporateAction) -> None:
        """Bring what was last seen into the prices that hold from now on, so that no mark is a mixture."""
        name = action.instrument
        for kind in (Quote, Trade, Bar):
            table = self.latest[kind]
            if name in table:
                table[name] = adjusted(table[name], action)

    def snapshot(self) -> MarketState:
        """State for the checkpoint, in insertion order."""
        return MarketState([message for table in self.latest.values() for message in table.values()])

    def restore(self, messages: Iterable[MarketData]) -> None:
        """Take a checkpoint's messages."""
        for table in self.latest.values():
            table.clear()
        for message in messages:
            self.latest[type(message)][message.instrument] = message
