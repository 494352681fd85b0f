"""A market out of a seed: the same seed, symbols and rate give the same events for ever."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from daemon.exchange.market_data.events import (
    DepthChange,
    DepthSnapshot,
    Level,
    MarketEvent,
    PublicTrade,
    Top,
)
from daemon.exchange.settings import Synthetic
from daemon.exchange.symbols import Listing

LEVELS = 25
DEPTH_EVERY_NS = 100_000_000
TRADE_SHARE = 0.2
MOVE_SHARE = 0.3
"""Of the updates; the rest changes the size at the best bid or ask."""
NOTIONAL_OF_LEVEL = 60_000.0
"""About what rests at one price, quote currency."""


class SyntheticSource:
    """Generates market events in order of time."""

    def __init__(self, listings: Sequence[Listing], settings: Synthetic) -> None:
        self._settings = settings
        rate_per_symbol = settings.rate / len(listings)
        # only moves change the mid: together they make up the volatility of one second
        moves_per_second = max(rate_per_symbol * MOVE_SHARE, 1e-9)
        self._books = [
            _Book(listing, settings.seed, settings.volatility / moves_per_second**0.5) for listing in listings
        ]

    def start(self) -> list[MarketEvent]:
        """The books before the first event."""
        return [event for book in self._books for event in (book.snapshot(), book.top())]

    def events(self) -> Iterator[tuple[int, MarketEvent]]:
        """(offset from the start in ns, event), without end."""
        books, step = self._books, 1_000_000_000 / self._settings.rate
        depth_due = DEPTH_EVERY_NS
        number = 0
        while True:
            offset = int(number * step)
            while offset >= depth_due:
                for book in books:
                    change = book.take_changes(depth_due // 1_000_000)
                    if change is not None:
                        yield depth_due, change
                depth_due += DEPTH_EVERY_NS
            book = books[number % len(books)]
            trade = book.step(offset // 1_000_000)
            if trade is not None:
                yield offset, trade
            yield offset, book.top()
            number += 1


class _Book:
    """One symbol: prices in ticks, sizes in lots, best first; sizes and prices are integers throughout."""

    def __init__(self, listing: Listing, seed: int, step: float) -> None:
        instrument = listing.instrument
        self._symbol = instrument.symbol
        self._chance = random.Random(f"{seed} {self._symbol}")
        self._tick, self._lot = float(instrument.tick_size), float(instrument.lot_size)
        self._step = step
        price = round(listing.start_price / self._tick)
        self._gap = max(1, round(price * 2e-5))
        """Ticks between the levels behind the best."""
        self._size = max(2, round(NOTIONAL_OF_LEVEL / listing.start_price / self._lot))
        self._bids = [price - 1 - i * self._gap for i in range(LEVELS)]
        self._asks = [price + 1 + i * self._gap for i in range(LEVELS)]
        self._sizes = {ticks: self._new_size() for ticks in (*self._bids, *self._asks)}
        self._changed: dict[tuple[bool, int], None] = {}
        self._update_id = 1_000
        self._sent_id = self._update_id
        self._trade_id = 100

    def step(self, offset_ms: int) -> PublicTrade | None:
        """One update; the trade that it was, if it was one."""
        self._update_id += 1
        chance = self._chance.random()
        if chance < TRADE_SHARE:
            return self._trade(offset_ms, buyer_is_maker=chance < TRADE_SHARE / 2)
        if chance < TRADE_SHARE + MOVE_SHARE:
            self._move(self._chance.gauss(0.0, self._step))
        else:
            self._resize(self._bids if self._chance.random() < 0.5 else self._asks)
        return None

    def top(self) -> Top:
        """Best bid and ask as they are."""
        bid, ask = self._bids[0], self._asks[0]
        return Top(
            self._symbol, self._update_id, self._price(bid), self._amount(self._sizes[bid]),
            self._price(ask), self._amount(self._sizes[ask]),
        )  # fmt: skip

    def snapshot(self) -> DepthSnapshot:
        """The whole book."""
        return DepthSnapshot(
            self._symbol, self._update_id, [self._level(p) for p in self._bids],
            [self._level(p) for p in self._asks],
        )  # fmt: skip

    def take_changes(self, offset_ms: int) -> DepthChange | None:
        """What has changed since this was last asked; None when nothing has."""
        if self._update_id == self._sent_id:
            return None
        bids = [self._changed_level(ticks, self._bids) for is_bid, ticks in self._changed if is_bid]
        asks = [self._changed_level(ticks, self._asks) for is_bid, ticks in self._changed if not is_bid]
        change = DepthChange(self._symbol, self._sent_id + 1, self._update_id, offset_ms, bids, asks)
        self._sent_id = self._update_id
        self._changed.clear()
        return change

    def _trade(self, offset_ms: int, *, buyer_is_maker: bool) -> PublicTrade:
        side = self._bids if buyer_is_maker else self._asks
        price = side[0]
        available = self._sizes[price]
        size = min(available, max(1, int(self._size * self._chance.expovariate(4.0))))
        if size == available:
            self._remove(side, price)
            self._refill(side)
        else:
            self._set(side, price, available - size)
        self._trade_id += 1
        return PublicTrade(
            self._symbol, self._trade_id, self._price(price), self._amount(size), offset_ms, offset_ms,
            buyer_is_maker,
        )  # fmt: skip

    def _move(self, fraction: float) -> None:
        """Shift the best prices; the side that is run over loses the levels in between."""
        ticks = round(fraction * self._bids[0])
        if ticks == 0:
            ticks = 1 if fraction > 0 else -1
        ahead, behind = (self._asks, self._bids) if ticks > 0 else (self._bids, self._asks)
        target = max(LEVELS * self._gap + 2, ahead[0] + ticks)
        beyond = 1 if ahead is self._asks else -1
        while ahead and (target - ahead[0]) * beyond > 0:
            self._remove(ahead, ahead[0])
        self._insert(ahead, target)
        self._insert(behind, target - beyond * (1 + int(self._chance.random() * 2)))
        self._refill(ahead)
        while len(behind) > LEVELS:
            self._remove(behind, behind[-1])

    def _refill(self, side: list[int]) -> None:
        away = 1 if side is self._asks else -1
        if not side:
            other = self._bids if side is self._asks else self._asks
            self._insert(side, other[0] + away)
        while len(side) < LEVELS:
            price = side[-1] + away * self._gap
            side.append(price)
            self._set(side, price, self._new_size())

    def _resize(self, side: list[int]) -> None:
        self._set(side, side[0], self._new_size())

    def _insert(self, side: list[int], price: int) -> None:
        if side and side[0] == price:
            return
        side.insert(0, price)
        self._set(side, price, self._new_size())

    def _remove(self, side: list[int], price: int) -> None:
        side.remove(price)
        del self._sizes[price]
        self._changed[side is self._bids, price] = None

    def _set(self, side: list[int], price: int, size: int) -> None:
        self._sizes[price] = size
        self._changed[side is self._bids, price] = None

    def _new_size(self) -> int:
        return max(1, int(self._size * (0.1 + self._chance.expovariate(1.0))))

    def _level(self, ticks: int) -> Level:
        return self._price(ticks), self._amount(self._sizes[ticks])

    def _changed_level(self, ticks: int, side: list[int]) -> Level:
        # a price may have changed sides since: gone from its old one, with its size on its new one
        return self._price(ticks), self._amount(self._sizes[ticks] if ticks in side else 0)

    def _price(self, ticks: int) -> str:
        return f"{ticks * self._tick:.8f}"

    def _amount(self, lots: int) -> str:
        return f"{lots * self._lot:.8f}"
