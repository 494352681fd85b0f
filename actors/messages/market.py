"""Market data: what venues publish to everybody.

Prices and sizes are `float` here and never reach an order unrounded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.messages.base import Message
from actors.model.instrument import ONE, ZERO, Instrument

Level = tuple[float, float]
"""Price (quote per base) and size (base) of one price level; size 0 removes the level in a delta."""

Aggressor = Literal["buy", "sell", "unknown"]


class MarketData(Message, frozen=True, kw_only=True):
    """Data: about one instrument, identified as `BTCUSDT@binance`."""

    instrument: str


class Quote(MarketData, frozen=True, kw_only=True):
    """Data: best bid and ask with their sizes at one instant."""

    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float

    @property
    def mid_price(self) -> float:
        """(bid + ask) / 2, quote per base."""
        return (self.bid_price + self.ask_price) * 0.5


class Trade(MarketData, frozen=True, kw_only=True):
    """Data: an execution seen on the public feed."""

    trade_id: str
    price: float
    size: float
    aggressor: Aggressor


class Bar(MarketData, frozen=True, kw_only=True):
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


class CorporateAction(MarketData, frozen=True, kw_only=True):
    """Data: a split, a cash dividend, or both; from `ts_event`, its ex time, the instrument trades without.

    It comes before the first price of the ex day. Of an action with both, the dividend is for each share held
    before the split. Amounts are exact: they are booked.
    """

    action_id: str
    """Unique per instrument; an action that comes a second time changes nothing."""
    shares_before: Decimal = ONE
    shares_after: Decimal = ONE
    """So many for `shares_before` held: 4 for 1 is a split, 1 for 30 a reverse split, both > 0."""
    dividend: Decimal = ZERO
    """Quote currency per share held before, ≥ 0."""

    @property
    def is_split(self) -> bool:
        """Whether the number of shares changes."""
        return self.shares_after != self.shares_before

    def price_after(self, price: float) -> float:
        """What a price from before comes to: less the dividend, over the new number of shares."""
        return (price - float(self.dividend)) * float(self.shares_before) / float(self.shares_after)


class FundingRate(MarketData, frozen=True, kw_only=True):
    """Data: a perpetual's funding at `ts_event`; positions held then pay it, longs to shorts if it is > 0."""

    rate: float
    """Fraction of notional for this one payment, not per year."""
    mark_price: float | None = None
    """Quote per base unit that the venue settled at; None where only the rate is recorded."""


MARKET_DATA: tuple[type[MarketData], ...] = (
    Quote,
    Trade,
    Bar,
    BookSnapshot,
    BookDelta,
    InstrumentUpdate,
    FeedStatus,
    CorporateAction,
    FundingRate,
)
