"""What prices did meanwhile: candles for charts, and how far the market went for and against each trade.

Both are followed block by block beside the run, so neither needs the whole history at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars

from actors.ledger.lots import Position
from daemon.research.frames import PRICES, frame_of
from daemon.research.prices import Block, Numbers, Times
from daemon.research.rows import TradeRow

PRICE_ROWS_MAX = 4_000
Key = tuple[str, str, str]
Segment = tuple[TradeRow | None, Key, int, int]
"""The trade, if it is over, its key, and the times it was held between."""
_NOTHING = (float("inf"), float("-inf"))


class Candles:
    """Prices of one instrument joined so far that a chart can show them."""

    def __init__(self) -> None:
        self._size = 1
        self._times: Times = np.empty(0, dtype=np.int64)
        self._rows: list[Numbers] = [np.empty(0) for _ in range(5)]

    def add(self, block: Block) -> None:
        """The prices that follow."""
        size, count = self._size, len(block.times)
        starts = np.arange(0, count, size)
        ends = np.append(starts[1:], count) - 1
        rows = (
            block.open[starts],
            np.maximum.reduceat(block.high, starts),
            np.minimum.reduceat(block.low, starts),
            block.close[ends],
            np.add.reduceat(block.volume, starts),
        )
        self._times = np.concatenate((self._times, block.times[ends]))
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

    def follow(
        self, blocks: Mapping[str, Block], closed: Sequence[TradeRow], held: Iterable[Position]
    ) -> None:
        """A stretch of prices, the trades closed in it, which learn of it, and the positions at its end."""
        for name, block in blocks.items():
            self.candles.setdefault(name, Candles()).add(block)
        by_instrument: dict[str, list[Segment]] = {}
        for trade in closed:
            key = (trade.account, trade.strategy, trade.instrument)
            segment = (trade, key, trade.ts_opened, trade.ts_closed)
            by_instrument.setdefault(trade.instrument, []).append(segment)
        for position in held:
            if position.trip is not None:
                key = (position.account, position.strategy, position.instrument)
                by_instrument.setdefault(position.instrument, []).append(
                    (None, key, position.trip.ts_opened, 2**63 - 1)
                )
        for name, segments in by_instrument.items():
            extremes = _extremes(blocks.get(name), segments)
            for (ended, key, opened, _), (low, high) in zip(segments, extremes, strict=True):
                self._fold(ended, key, opened, low, high)

    def _fold(self, ended: TradeRow | None, key: Key, opened: int, low: float, high: float) -> None:
        before = self._open.get(key)
        if before is not None and before[0] == opened:
            low, high = min(low, before[1]), max(high, before[2])
        if ended is None:
            self._open[key] = (opened, low, high)
        else:
            self._open.pop(key, None)
            ended.adverse, ended.favourable = _moves(ended, low, high)

    def prices(self) -> polars.DataFrame:
        """The table of prices."""
        columns: dict[str, list[Any]] = {name: [] for name in PRICES}
        for name, candles in self.candles.items():
            for column, values in candles.table(name).items():
                columns[column] += values
        return frame_of(PRICES, columns)


def _moves(trade: TradeRow, low: float, high: float) -> tuple[float, float]:
    """Adverse and favourable move of a closed trade as fractions of its entry price.

    The exit counts as a price that was seen: a stop within a bar is as far as it went.
    """
    entry, exit_ = trade.entry_price, trade.exit_price
    down, up = min(low, exit_) / entry - 1.0, max(high, exit_) / entry - 1.0
    if trade.direction == "short":
        down, up = -up, -down
    return min(down, 0.0), max(up, 0.0)


def _extremes(block: Block | None, segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Lowest and highest price of each segment.

    A bar stands at its end: the one in which the entry was filled counts, the one of the exit does not.
    """
    if block is None:
        return [_NOTHING] * len(segments)
    starts = np.searchsorted(block.times, [opened for _, _, opened, _ in segments])
    ends = np.searchsorted(block.times, [closed for _, _, _, closed in segments])
    # One more at the end, as a segment may reach to it; of each pair only the first is wanted.
    edges = np.stack((starts, ends), axis=1).ravel()
    lows = np.minimum.reduceat(np.append(block.low, np.inf), edges)[::2]
    highs = np.maximum.reduceat(np.append(block.high, -np.inf), edges)[::2]
    rows = zip((starts < ends).tolist(), lows.tolist(), highs.tolist(), strict=True)
    return [(low, high) if has_bars else _NOTHING for has_bars, low, high in rows]
