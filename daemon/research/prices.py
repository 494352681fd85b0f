"""The prices in a stretch of input as columns, so that the messages themselves need not be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.messages.market import Bar, MarketData, Quote, Trade

Numbers = NDArray[np.float64]
Times = NDArray[np.int64]


class Block(NamedTuple):
    """Prices of one instrument in the order of time."""

    times: Times
    open: Numbers
    high: Numbers
    low: Numbers
    close: Numbers
    volume: Numbers


class _Seen:
    """Of one instrument."""

    __slots__ = ("bars", "quotes", "trades")

    def __init__(self) -> None:
        self.bars: list[Block] = []
        self.trades: list[Block] = []
        self.quotes: list[Block] = []


class Prices:
    """Gathers them stretch by stretch, until a block of them is taken."""

    def __init__(self, intervals: Mapping[str, int]) -> None:
        """
        Args:
            intervals: Instrument → the bars to take; one without gives its trades, else its mids.
        """
        self._intervals = intervals
        self._seen: dict[str, _Seen] = {}

    def add(self, messages: Sequence[MarketData]) -> None:
        """What comes next, in the order of time."""
        for name, of_name in _by_instrument(messages).items():
            seen = self._seen.get(name)
            if seen is None:
                seen = self._seen[name] = _Seen()
            interval = self._intervals.get(name)
            if interval is not None:
                bars = [m for m in of_name if m.__class__ is Bar and m.interval_ns == interval]
                if bars:
                    seen.bars.append(_of_bars(bars))
                continue
            trades = [m for m in of_name if m.__class__ is Trade]
            if trades:
                sizes = np.array([trade.size for trade in trades])
                prices = np.array([trade.price for trade in trades])
                seen.trades.append(_flat([trade.ts_event for trade in trades], prices, sizes))
            elif not seen.trades:
                quotes = [m for m in of_name if m.__class__ is Quote]
                mids = np.array([quote.mid_price for quote in quotes])
                seen.quotes.append(_flat([quote.ts_event for quote in quotes], mids, np.zeros(len(quotes))))

    def take(self) -> dict[str, Block]:
        """Instrument → its prices since this was asked last."""
        seen, self._seen = self._seen, {}
        blocks = {name: _joined(each.bars or each.trades or each.quotes) for name, each in seen.items()}
        return {name: block for name, block in blocks.items() if block is not None and len(block.times)}


def _by_instrument(messages: Sequence[MarketData]) -> Mapping[str, Sequence[MarketData]]:
    names = dict.fromkeys([message.instrument for message in messages])
    if len(names) == 1:
        return dict.fromkeys(names, messages)
    found: dict[str, list[MarketData]] = {name: [] for name in names}
    for message in messages:
        found[message.instrument].append(message)
    return found


def _of_bars(bars: Sequence[Bar]) -> Block:
    return Block(
        np.array([bar.ts_event for bar in bars], dtype=np.int64),
        np.array([bar.open for bar in bars]),
        np.array([bar.high for bar in bars]),
        np.array([bar.low for bar in bars]),
        np.array([bar.close for bar in bars]),
        np.array([bar.volume for bar in bars]),
    )


def _flat(times: Sequence[int], prices: Numbers, sizes: Numbers) -> Block:
    return Block(np.array(times, dtype=np.int64), prices, prices, prices, prices, sizes)


def _joined(blocks: Sequence[Block]) -> Block | None:
    if len(blocks) < 2:
        return blocks[0] if blocks else None
    return Block(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
