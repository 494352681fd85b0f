"""What is known of one instrument's recorded market: definition, displayed depth, newest prices."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.core.adjust import adjusted
from actors.messages.market import Bar, BookDelta, BookSnapshot, CorporateAction, Quote
from actors.model.instrument import ZERO, Instrument
from actors.venues.simulated.depth import AmbientSide, KnownTicks, SideState, ToTicks

_ENDLESS = float("inf")


class MarketState(msgspec.Struct, array_like=True):
    """One market as checkpoints keep it."""

    instrument: Instrument
    is_trading: bool
    quote: Quote | None
    is_synced: bool
    has_book: bool
    has_trades: bool
    bar_interval_ns: int
    last_price: float | None
    wanted: SideState
    offered: SideState
    bar: Bar | None = None
    bar_used: Decimal = ZERO
    has_volume: bool = False


class RecordedMarket:
    """Market data as far as matching needs them."""

    __slots__ = (
        "_synced", "_unlimited", "_used", "_used_bar", "bar", "bar_interval_ns", "half_tick", "has_book",
        "has_trades", "has_volume", "instrument", "is_trading", "last_price", "offered", "quote", "ticks",
        "wanted",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, *, unlimited: bool = False) -> None:
        self._unlimited = unlimited
        self.is_trading = True
        self.quote: Quote | None = None
        """Newest quote; displayed depth follows it when it is next needed."""
        self._synced: Quote | None = None
        self.has_book = False
        self.has_trades = False
        self.bar_interval_ns = 0
        """Shortest interval of the bars seen; longer ones say nothing new."""
        self.bar: Bar | None = None
        """Newest bar of that interval, while there is nothing finer."""
        self.has_volume = False
        """Whether any bar has had volume; if none has, nobody has counted."""
        self._used: Decimal = ZERO
        self._used_bar: Bar | None = None
        self.last_price: float | None = None
        """Of the newest trade or bar."""
        self.define(instrument)

    @property
    def bars_alone_ns(self) -> int:
        """Interval of the bars where nothing finer has come; 0 elsewhere."""
        is_finer = self.quote is not None or self.has_book or self.has_trades
        return 0 if is_finer else self.bar_interval_ns

    def define(self, instrument: Instrument) -> None:
        """Steps and limits of the instrument, before anything is known of its market."""
        self.instrument = instrument
        self.ticks: ToTicks = KnownTicks(instrument.tick_size).__getitem__
        self.half_tick = float(instrument.tick_size) / 2
        self.wanted = AmbientSide(
            descending=True, instrument=instrument, ticks=self.ticks, unlimited=self._unlimited
        )
        """Displayed bids."""
        self.offered = AmbientSide(
            descending=False, instrument=instrument, ticks=self.ticks, unlimited=self._unlimited
        )
        """Displayed asks."""
        self._synced = None

    def redefine(self, instrument: Instrument, *, is_trading: bool) -> None:
        """New steps and limits; what is displayed and what was taken of it stay."""
        self.is_trading = is_trading
        if instrument != self.instrument:
            state = self.snapshot()
            self.define(instrument)
            state.instrument = instrument
            self.restore(state)

    @property
    def shows_depth(self) -> bool:
        """Whether quotes or a book have come."""
        return self.quote is not None or self.has_book

    @property
    def has_finer(self) -> bool:
        """Whether anything has come that tells more than bars."""
        return self.quote is not None or self.has_book or self.has_trades

    @property
    def bar_used(self) -> Decimal:
        """What our orders have taken of the newest bar's volume."""
        return self._used if self._used_bar is self.bar else ZERO

    def note_used(self, quantity: Decimal) -> None:
        """Our orders have taken that much of the newest bar's volume, all together."""
        self._used, self._used_bar = quantity, self.bar

    def sync(self) -> None:
        """Bring displayed depth up to the newest quote."""
        quote = self.quote
        if quote is None or quote is self._synced:
            return
        self._synced = quote
        if self.has_book:
            self.wanted.cut(quote.bid_price, quote.bid_size)
            self.offered.cut(quote.ask_price, quote.ask_size)
        else:
            self.wanted.replace_one(quote.bid_price, quote.bid_size)
            self.offered.replace_one(quote.ask_price, quote.ask_size)

    def note_book(self, book: BookSnapshot) -> None:
        """The whole visible book anew."""
        self.sync()
        self.has_book = True
        self.wanted.replace(book.bids)
        self.offered.replace(book.asks)

    def note_levels(self, delta: BookDelta) -> None:
        """Some levels anew.

        Quotes are the faster stream: a delta older than the newest one tells nothing of the touch and beyond.
        """
        self.sync()
        quote = self.quote
        bid, ask = _ENDLESS, 0.0
        if quote is not None and quote.ts_event > delta.ts_event:
            bid, ask = quote.bid_price or _ENDLESS, quote.ask_price
        for price, size in delta.bids:
            if price < bid:
                self.wanted.update(price, size)
        for price, size in delta.asks:
            if price > ask:
                self.offered.update(price, size)

    def mark_price(self) -> float | None:
        """Mid of the newest quote, else the newest price; None before any."""
        return self.quote.mid_price if self.quote is not None else self.last_price

    def on_corporate_action(self, action: CorporateAction) -> None:
        """What was last seen, in the prices that hold from now on; a book must come anew."""
        self.sync()
        if self.quote is not None:
            self.quote = adjusted(self.quote, action)
        if self.bar is not None:
            self.bar = adjusted(self.bar, action)
        if self.last_price is not None:
            self.last_price = action.price_after(self.last_price)
        self.wanted.replace(())
        self.offered.replace(())
        self.has_book, self._synced = False, None

    def snapshot(self) -> MarketState:
        """State for the checkpoint, orders left out: their accounts keep them."""
        return MarketState(
            self.instrument, self.is_trading, self.quote, self.quote is self._synced, self.has_book,
            self.has_trades, self.bar_interval_ns, self.last_price, self.wanted.snapshot(),
            self.offered.snapshot(), self.bar, self.bar_used, self.has_volume,
        )  # fmt: skip

    def restore(self, state: MarketState) -> None:
        """Take a checkpoint's state; the orders are placed afterwards."""
        self.define(state.instrument)
        self.is_trading = state.is_trading
        self.quote = state.quote
        self._synced = state.quote if state.is_synced else None
        self.has_book, self.has_trades = state.has_book, state.has_trades
        self.bar_interval_ns, self.last_price = state.bar_interval_ns, state.last_price
        self.wanted.restore(state.wanted)
        self.offered.restore(state.offered)
        self.bar, self.has_volume = state.bar, state.has_volume
        self.note_used(state.bar_used)
