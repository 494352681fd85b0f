"""The public market: takes a source's events at their time, keeps books and klines, tells its listeners."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from daemon.exchange.clock import MarketTime, VenueClock
from daemon.exchange.market_data.book import DepthBook
from daemon.exchange.market_data.events import (
    DepthChange,
    DepthSnapshot,
    MarketEvent,
    PublicTrade,
    Top,
)
from daemon.exchange.market_data.history import klines_until
from daemon.exchange.market_data.klines import Klines
from daemon.exchange.symbols import Listing

TRADES_KEPT = 1_000
BATCH_MAX = 2_000
"""Events taken in one go before the sockets get their turn."""
IDLE_SECONDS = 0.05


class Source(Protocol):
    """Where a market comes from."""

    def start(self) -> list[MarketEvent]:
        """State before the first event."""

    def events(self) -> Iterator[tuple[int, MarketEvent]]:
        """(offset from the start in ns, event) in order of time."""


class MarketListener(Protocol):
    """Who wants to know; called in the order of registration, after the market's own state is new."""

    def on_top(self, market: SymbolMarket, top: Top) -> None: ...

    def on_trade(self, market: SymbolMarket, trade: PublicTrade) -> None: ...

    def on_depth(self, market: SymbolMarket, change: DepthChange) -> None: ...

    def on_snapshot(self, market: SymbolMarket, snapshot: DepthSnapshot) -> None: ...

    def on_pause(self, now_ms: int) -> None:
        """All events due by now have been taken."""


class SymbolMarket:
    """What the public sees of one symbol."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.book = DepthBook()
        self.top: Top | None = None
        self.last_price: str | None = None
        self.trades: deque[PublicTrade] = deque(maxlen=TRADES_KEPT)
        self.klines: Klines

    @property
    def symbol(self) -> str:
        """As the venue writes it."""
        return self.listing.symbol


class Market:
    """All symbols, moved on by one pump."""

    def __init__(self, listings: Sequence[Listing], source: Source, clock: VenueClock) -> None:
        self.symbols = {listing.symbol: SymbolMarket(listing) for listing in listings}
        self._source = source
        self._clock = clock
        self._time = MarketTime(start_ns=clock.now_ns(), speed=1.0)
        self._listeners: list[MarketListener] = []
        self.events_taken = 0
        self.ended = False

    def listen(self, listener: MarketListener) -> None:
        """Tell this one too."""
        self._listeners.append(listener)

    def open(self, *, speed: float, history_hours: float, seed: str, volatility: float) -> None:
        """Take the state before the first event and make up the klines that lead to it."""
        self._time = MarketTime(start_ns=self._clock.now_ns(), speed=speed)
        now_ms = self._clock.now_ms()
        first = self._source.start()
        prices = {event.symbol: float(event.bid_price) for event in first if isinstance(event, Top)}
        for symbol, market in self.symbols.items():
            market.klines = klines_until(
                now_ms,
                last_price=prices.get(symbol, market.listing.start_price),
                tick=float(market.listing.instrument.tick_size),
                hours=history_hours,
                seed=f"{seed} {symbol}",
                volatility=volatility,
            )
        for event in first:
            self._take(event, now_ms)

    async def run(self) -> None:
        """Take every event when it is due, until the source ends or the task is cancelled."""
        pending = iter(self._source.events())
        upcoming = next(pending, None)
        while True:
            now_ns = self._clock.now_ns() - self._clock.skew_ms * 1_000_000
            now_ms = self._clock.now_ms()
            taken = 0
            while upcoming is not None and taken < BATCH_MAX and self._time.own_ns(upcoming[0]) <= now_ns:
                self._take(upcoming[1], now_ms)
                taken += 1
                upcoming = next(pending, None)
            self.events_taken += taken
            for market in self.symbols.values():
                market.klines.advance(now_ms)
            for listener in self._listeners:
                listener.on_pause(now_ms)
            self.ended = upcoming is None
            if upcoming is None or not taken or taken < BATCH_MAX:
                wait = IDLE_SECONDS
                if upcoming is not None:
                    wait = min(wait, max(0.001, (self._time.own_ns(upcoming[0]) - now_ns) / 1e9))
                await asyncio.sleep(wait)
            else:
                await asyncio.sleep(0)

    def _take(self, event: MarketEvent, now_ms: int) -> None:
        market = self.symbols[event.symbol]
        if type(event) is Top:
            market.top = event
            for listener in self._listeners:
                listener.on_top(market, event)
        elif type(event) is PublicTrade:
            self._take_trade(market, event, now_ms)
        elif type(event) is DepthChange:
            event.event_ms = self._stamp(event.event_ms, now_ms)
            market.book.apply(event)
            for listener in self._listeners:
                listener.on_depth(market, event)
        elif type(event) is DepthSnapshot:
            market.book.replace(event)
            for listener in self._listeners:
                listener.on_snapshot(market, event)

    def _take_trade(self, market: SymbolMarket, trade: PublicTrade, now_ms: int) -> None:
        trade.event_ms = self._stamp(trade.event_ms, now_ms)
        trade.trade_ms = min(self._stamp(trade.trade_ms, now_ms), trade.event_ms)
        market.trades.append(trade)
        market.last_price = trade.price
        market.klines.add(
            float(trade.price),
            float(trade.size),
            time_ms=trade.trade_ms,
            trade_id=trade.trade_id,
            buyer_is_maker=trade.buyer_is_maker,
        )
        for listener in self._listeners:
            listener.on_trade(market, trade)

    def _stamp(self, offset_ms: int, now_ms: int) -> int:
        """An offset on our clock as it shows now, skew included; nothing lies in the future."""
        return min(self._time.own_ms(offset_ms) + self._clock.skew_ms, now_ms)
