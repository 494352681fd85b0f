"""Market data: what venues publish to everybody.

Prices and sizes are `float` here and never reach an order unrounded.
"""

from __future__ import annotations

from typing import Literal

from actors.messages.base import Message
from actors.model.instrument import Instrument

Level = tuple[float, float]
"""Price (quote per base) and size (base) of one price level; size 0 removes the level in a delta."""

Aggressor = Literal["buy", "sell", "unknown"]


class MarketData(Message, frozen=True, kw_only=True, gc=False):
    """Data: about one instrument, identified as `BTCUSDT@binance`."""

    instrument: str


class Quote(MarketData, frozen=True, kw_only=True, gc=False):
    """Data: best bid and ask with their sizes at one instant."""

    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float

    @property
    def mid_price(self) -> float:
        """(bid + ask) / 2, quote per base."""
        return (self.bid_price + self.ask_price) * 0.5


class Trade(MarketData, frozen=True, kw_only=True, gc=False):
    """Data: an execution seen on the public feed."""

    trade_id: str
    price: float
    size: float
    aggressor: Aggressor


class Bar(MarketData, frozen=True, kw_only=True, gc=False):
    """Data: open, high, low, close and volume over [ts_event - interval_ns, ts_event)."""

    interval_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    """Base units."""


class BookSnapshot(MarketData, frozen=True, kw_only=True):
    """Data: the whole visible book; levels beyond it are unknown."""

    update_id: int
    bids: tuple[Level, ...]
    """Best (highest) first."""
    asks: tuple[Level, ...]
    """Best (lowest) first."""


class BookDelta(MarketData, frozen=True, kw_only=True):
    """Data: levels that changed since the update before `first_update_id`; new sizes, not differences."""

    first_update_id: int
    last_update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class InstrumentUpdate(MarketData, frozen=True, kw_only=True):
    """Data: the venue's current definition of an instrument (steps, limits, whether it trades)."""

    definition: Instrument
    is_trading: bool


class FeedStatus(MarketData, frozen=True, kw_only=True):
    """Data: whether the line that carries this instrument's data is up, as its feed sees it."""

    status: Literal["live", "stale", "down"]
    reason: str


MARKET_DATA: tuple[type[MarketData], ...] = (
    Quote,
    Trade,
    Bar,
    BookSnapshot,
    BookDelta,
    InstrumentUpdate,
    FeedStatus,
)
