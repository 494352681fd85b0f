"""Closed trades column by column: a hundred thousand of them are a few arrays, and each sum is one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from actors.analytics.series import FloatArray, IntArray
from actors.analytics.trades import TradeResult

NO_TAG = "(none)"


class Labels(msgspec.Struct, frozen=True):
    """A text for each trade: few differ."""

    names: Sequence[str]
    """All different."""
    codes: IntArray
    """Of each trade, the place of its name."""


class TradeColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What `TradeResult` says of one trade, of many; the same order in every column."""

    strategy: Labels
    instrument: Labels
    direction: Labels
    tag: Labels
    """`NO_TAG` for none."""
    ts_closed: IntArray
    realised_pnl: FloatArray
    fees: FloatArray
    slippage: FloatArray
    borrow: FloatArray
    funding: FloatArray

    def __len__(self) -> int:
        return len(self.ts_closed)

    @property
    def net(self) -> FloatArray:
        """What each trade brought after all costs."""
        return self.realised_pnl - self.fees - self.borrow - self.funding


Trades = TradeColumns | Sequence[TradeResult]


def columns_of(trades: Trades) -> TradeColumns:
    """The columns of any trades."""
    if isinstance(trades, TradeColumns):
        return trades
    return TradeColumns(
        strategy=labels_of(trade.strategy for trade in trades),
        instrument=labels_of(trade.instrument for trade in trades),
        direction=labels_of(trade.direction for trade in trades),
        tag=labels_of(NO_TAG if trade.tag is None else trade.tag for trade in trades),
        ts_closed=np.array([trade.ts_closed for trade in trades], dtype=np.int64),
        realised_pnl=_numbers(trade.realised_pnl for trade in trades),
        fees=_numbers(trade.fees for trade in trades),
        slippage=_numbers(trade.slippage for trade in trades),
        borrow=_numbers(trade.borrow for trade in trades),
        funding=_numbers(trade.funding for trade in trades),
    )


def labels_of(texts: Iterable[str]) -> Labels:
    """The texts as labels, names in the order in which they come first."""
    places: dict[str, int] = {}
    codes = [places.setdefault(text, len(places)) for text in texts]
    return Labels(list(places), np.array(codes, dtype=np.int64))


def by_label(labels: Labels) -> dict[str, IntArray]:
    """Name → the places of its trades in their order, by name; names without trades are left out."""
    order = np.argsort(labels.codes, kind="stable")
    found, starts = np.unique(labels.codes[order], return_index=True)
    places = np.split(order, starts[1:]) if len(found) else []
    groups = {labels.names[code]: each for code, each in zip(found.tolist(), places, strict=True)}
    return {name: groups[name] for name in sorted(groups)}


def _numbers(values: Iterable[float]) -> FloatArray:
    return np.fromiter(values, dtype=np.float64)
