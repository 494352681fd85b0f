"""What prices did meanwhile: candles for charts, and how far the market went for and against each trade.

Both are followed block by block beside the run, so neither needs the whole history at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars
from numpy.typing import NDArray

from actors.ledger.lots import Position
from actors.messages.account import TradeClosed
from actors.messages.market import Bar, MarketData, Quote, Trade
from daemon.research.columns import Table
from daemon.research.frames import PRICES, frame_of

PRICE_ROWS_MAX = 4_000
Numbers = NDArray[np.float64]
Times = NDArray[np.int64]
Key = tuple[str, str, str]
_NOTHING = (float("inf"), float("-inf"))


class Block(NamedTuple):
    """Prices of one instrument in the order of time: plain columns, as little of each bar is asked for."""

    times: Sequence[int]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float]


def blocks_of(messages: Sequence[MarketData], intervals: Mapping[str, int]) -> Iterator[tuple[str, Block]]:
    """The prices in a stretch of input, by instrument.

    Args:
        intervals: Instrument → the bars to take; an instrument without gives its trades, else its mids.
    """
    names = dict.fromkeys([message.instrument for message in messages])
    for name in names:
        of_name = messages if len(names) == 1 else [m for m in messages if m.instrument == name]
        interval = intervals.get(name)
        if interval is not None:
            bars = [m for m in of_name if m.__class__ is Bar and m.interval_ns == interval]
            if bars:
                yield name, _of_bars(bars)
            continue
        ticks = [(m.ts_event, m.price, m.size) for m in of_name if isinstance(m, Trade)] or [
            (m.ts_event, m.mid_price, 0.0) for m in of_name if isinstance(m, Quote)
        ]
        if ticks:
            times, prices, sizes = zip(*ticks, strict=True)
            yield name, Block(times, prices, prices, prices, prices, sizes)


def _of_bars(bars: Sequence[Bar]) -> Block:
    return Block(
        [bar.ts_event for bar in bars],
        [bar.open for bar in bars],
        [bar.high for bar in bars],
        [bar.low for bar in bars],
        [bar.close for bar in bars],
        [bar.volume for bar in bars],
    )


class Candles:
    """Prices of one instrument joined so far that a chart can show them."""

    def __init__(self) -> None:
        self._size = 1
        self._times: Times = np.empty(0, dtype=np.int64)
        self._rows: list[Numbers] = [np.empty(0) for _ in range(5)]

    def add(self, block: Block) -> None:
        """The prices that follow."""
        size, count = self._size, len(block.times)
        ends = [*range(size - 1, count, size), *([count - 1] if count % size else [])]
        starts = np.arange(0, count, size)
        rows: list[Sequence[float] | Numbers] = [
            block.open[::size],
            np.maximum.reduceat(np.asarray(block.high), starts),
            np.minimum.reduceat(np.asarray(block.low), starts),
            [block.close[end] for end in ends],
            np.add.reduceat(np.asarray(block.volume), starts),
        ]
        self._times = np.concatenate((self._times, [block.times[end] for end in ends]))
        self._rows = [np.concatenate(pair) for pair in zip(self._rows, rows, strict=True)]
        while len(self._times) > 2 * PRICE_ROWS_MAX:
            self._times, self._rows = _joined(self._times, self._rows, 2)
            self._size *= 2

    def table(self, name: str) -> dict[str, list[Any]]:
        """Columns of the table of prices."""
        count = -(-len(self._times) // PRICE_ROWS_MAX) or 1
        times, rows = _joined(self._times, self._rows, count)
        columns = zip(("open", "high", "low", "close", "volume"), rows, strict=True)
        return {
            "ts": times.tolist(),
            "instrument": [name] * len(times),
            **{column: row.tolist() for column, row in columns},
        }


def _joined(times: Times, rows: list[Numbers], size: int) -> tuple[Times, list[Numbers]]:
    """Every `size` neighbours as one."""
    if size == 1 or not len(times):
        return times, rows
    starts = np.arange(0, len(times), size)
    ends = np.append(starts[1:], len(times)) - 1
    opens, highs, lows, closes, volumes = rows
    return times[ends], [
        opens[starts],
        np.maximum.reduceat(highs, starts),
        np.minimum.reduceat(lows, starts),
        closes[ends],
        np.add.reduceat(volumes, starts),
    ]


class Excursions:
    """Extremes of the market over every trade, from its entry until its exit."""

    def __init__(self) -> None:
        self.candles: dict[str, Candles] = {}
        self._open: dict[Key, tuple[int, float, float]] = {}
        """Since when, lowest, highest: of trades that go on behind the newest block."""
        self._lows, self._highs = array("d"), array("d")
        """Lowest and highest of each closed trade, in the order of closing."""

    def follow(
        self,
        blocks: Mapping[str, Block],
        closed: Sequence[TradeClosed],
        held: Sequence[Position],
    ) -> None:
        """A stretch of prices, the trades closed within it, and the positions at its end."""
        for name, block in blocks.items():
            self.candles.setdefault(name, Candles()).add(block)
        if not closed and not held:
            return
        place = len(self._lows)
        self._lows.extend([_NOTHING[0]] * len(closed))
        self._highs.extend([_NOTHING[1]] * len(closed))
        by_instrument: dict[str, list[tuple[int, Key, int, int]]] = {}
        for number, trade in enumerate(closed):
            key = (trade.account, trade.strategy, trade.instrument)
            segment = (place + number, key, trade.ts_opened, trade.ts_event)
            by_instrument.setdefault(trade.instrument, []).append(segment)
        for position in held:
            if position.trip is not None:
                key = (position.account, position.strategy, position.instrument)
                segment = (-1, key, position.trip.ts_opened, 2**63 - 1)
                by_instrument.setdefault(position.instrument, []).append(segment)
        for name, segments in by_instrument.items():
            extremes = _extremes(blocks.get(name), segments)
            for (number, key, opened, _), (low, high) in zip(segments, extremes, strict=True):
                self._fold(number, key, opened, low, high)

    def _fold(self, number: int, key: Key, opened: int, low: float, high: float) -> None:
        before = self._open.get(key)
        if before is not None and before[0] == opened:
            low, high = min(low, before[1]), max(high, before[2])
        if number < 0:
            self._open[key] = (opened, low, high)
        else:
            self._open.pop(key, None)
            self._lows[number], self._highs[number] = low, high

    def of(self, trades: Table) -> Iterator[tuple[float, float]]:
        """Adverse and favourable move of each closed trade as fractions of its entry price.

        The exit counts as a price that was seen: a stop within a bar is as far as it went.
        """
        entries, exits, directions = trades["entry_price"], trades["exit_price"], trades["direction"]
        assert len(trades) == len(self._lows), "every trade was followed"
        for place, (low, high) in enumerate(zip(self._lows, self._highs, strict=True)):
            entry, exit_ = entries[place], exits[place]
            down, up = min(low, exit_) / entry - 1.0, max(high, exit_) / entry - 1.0
            if directions[place] == "short":
                down, up = -up, -down
            yield min(down, 0.0), max(up, 0.0)

    def prices(self) -> polars.DataFrame:
        """The table of prices."""
        columns: dict[str, list[Any]] = {name: [] for name in PRICES}
        for name, candles in self.candles.items():
            for column, values in candles.table(name).items():
                columns[column] += values
        return frame_of(PRICES, columns)


def _extremes(
    block: Block | None, segments: Sequence[tuple[int, Key, int, int]]
) -> list[tuple[float, float]]:
    """Lowest and highest price of each segment.

    A bar stands at its end: the one in which the entry was filled counts, the one of the exit does not.
    """
    if block is None:
        return [_NOTHING] * len(segments)
    times = np.asarray(block.times)
    starts = np.searchsorted(times, [opened for _, _, opened, _ in segments])
    ends = np.searchsorted(times, [closed for _, _, _, closed in segments])
    # One more at the end, as a segment may reach to it; of each pair only the first is wanted.
    edges = np.stack((starts, ends), axis=1).ravel()
    lows = np.minimum.reduceat(np.append(block.low, np.inf), edges)[::2]
    highs = np.maximum.reduceat(np.append(block.high, -np.inf), edges)[::2]
    rows = zip((starts < ends).tolist(), lows.tolist(), highs.tolist(), strict=True)
    return [(low, high) if has_bars else _NOTHING for has_bars, low, high in rows]
