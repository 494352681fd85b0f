"""What an account held from moment to moment: its samples, and between them every fill."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars

from actors.analytics.series import FloatArray, IntArray
from daemon.research.frames import times_of

Holder = tuple[str, str]
"""Strategy and instrument."""
FILL_COLUMNS = ("ts", "strategy", "instrument", "side", "quantity", "notional", "bar")
POSITION_COLUMNS = ("ts", "strategy", "instrument", "quantity", "value")
_ROWS_AT_ONCE = 16_384
"""As objects of Python; there may be a great many fills."""


class Exposure(NamedTuple):
    """Gross exposure and equity, each value holding until the next time."""

    gross: FloatArray
    equity: FloatArray
    times: IntArray


class _Held(NamedTuple):
    quantity: float
    unit: float
    """Value of one, account currency, at the newest price that is known: a sample's mark, or a fill's."""


def exposure_of(equity: polars.DataFrame, positions: polars.DataFrame, fills: polars.DataFrame) -> Exposure:
    """Of the rows of one account.

    Positions change with each fill and are valued at its price; between fills they keep the mark of the last
    sample, whose equity counts, too.
    """
    samples, moves = _samples(positions), _moves(fills)
    sample, move = next(samples, None), next(moves, None)
    rows = _Rows()
    times, curve = times_of(equity), equity["equity"].to_list()
    for place, (ts, worth) in enumerate(zip(times, curve, strict=True)):
        held: dict[Holder, _Held] = {}
        while sample is not None and sample[0] <= ts:
            if sample[0] == ts:
                held[sample[1]] = sample[2]
            sample = next(samples, None)
        # A row closes its period: what is filled as the next one begins comes behind it.
        rows.add(_gross(held), worth, ts - 1)
        until = times[place + 1] - 1 if place + 1 < len(times) else 0
        while move is not None and move[0] < until:
            at, holder, quantity, unit, is_in_bar = move
            if at > ts or (at == ts and is_in_bar):
                before = held[holder].quantity if holder in held else 0.0
                held[holder] = _Held(before + quantity, unit)
                rows.add(_gross(held), worth, at)
            move = next(moves, None)
    return Exposure(np.array(rows.gross), np.array(rows.equity), np.array(rows.times))


class _Rows:
    """Plain columns; of several rows of one time the last one is what held."""

    def __init__(self) -> None:
        self.gross, self.equity, self.times = array("d"), array("d"), array("q")

    def add(self, gross: float, equity: float, ts: int) -> None:
        """One more."""
        if self.times and self.times[-1] == ts:
            self.gross[-1], self.equity[-1] = gross, equity
            return
        self.gross.append(gross)
        self.equity.append(equity)
        self.times.append(ts)


def _gross(held: dict[Holder, _Held]) -> float:
    return sum(abs(each.quantity) * each.unit for each in held.values())


def _samples(positions: polars.DataFrame) -> Iterator[tuple[int, Holder, _Held]]:
    """By time: when, whose, and what was held."""
    for ts, strategy, instrument, quantity, value in _rows_of(positions, *POSITION_COLUMNS[1:]):
        yield ts, (strategy, instrument), _Held(quantity, abs(value / quantity))


def _moves(fills: polars.DataFrame) -> Iterator[tuple[int, Holder, float, float, bool]]:
    """By time: when, whose, signed quantity, value of one, and whether it was in a bar that began then.

    A fill whose value is not known is left out until the next sample.
    """
    known, is_known = fills, fills["notional"].is_not_null() & (fills["quantity"] > 0.0)
    if not is_known.all():
        known = fills.filter(is_known)
    if not known["ts"].is_sorted():
        known = known.sort("ts", maintain_order=True)
    for ts, strategy, instrument, side, quantity, notional, bar in _rows_of(known, *FILL_COLUMNS[1:]):
        signed = quantity if side == "buy" else -quantity
        yield ts, (strategy, instrument), signed, notional / quantity, bar is not None


def _rows_of(frame: polars.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Time as nanoseconds, and these columns, row by row."""
    for start in range(0, frame.height, _ROWS_AT_ONCE):
        part = frame.slice(start, _ROWS_AT_ONCE)
        yield from zip(times_of(part), *(part[name].to_list() for name in columns), strict=True)
