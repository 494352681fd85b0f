"""What an account held from moment to moment: its samples, and between them every fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars

from actors.analytics.series import FloatArray
from daemon.research.frames import times_of

Holder = tuple[str, str]
"""Strategy and instrument."""


class Exposure(NamedTuple):
    """Gross exposure and equity, each value holding until the next time."""

    gross: FloatArray
    equity: FloatArray
    times: list[int]


class _Held(NamedTuple):
    quantity: float
    unit: float
    """Value of one, account currency, at the newest price that is known: a sample's mark, or a fill's."""


def exposure_of(equity: polars.DataFrame, positions: polars.DataFrame, fills: polars.DataFrame) -> Exposure:
    """Of the rows of one account.

    Positions change with each fill and are valued at its price; between fills they keep the mark of the last
    sample, whose equity counts, too.
    """
    samples = _samples(positions)
    moves = _moves(fills)
    move = next(moves, None)
    held: dict[Holder, _Held] = {}
    rows: list[tuple[float, float, int]] = []
    times, curve = times_of(equity), equity["equity"].to_list()
    for place, (ts, worth) in enumerate(zip(times, curve, strict=True)):
        held = samples.get(ts, {})
        # A row closes its period: what is filled as the next one begins comes behind it.
        rows.append((_gross(held), worth, ts - 1))
        until = times[place + 1] - 1 if place + 1 < len(times) else 0
        while move is not None and move[0] < until:
            at, holder, quantity, unit, is_in_bar = move
            if at > ts or (at == ts and is_in_bar):
                before = held[holder].quantity if holder in held else 0.0
                held[holder] = _Held(before + quantity, unit)
                rows.append((_gross(held), worth, at))
            move = next(moves, None)
    return _of_rows(rows)


def _of_rows(rows: list[tuple[float, float, int]]) -> Exposure:
    """Of several rows of one time the last one is what held."""
    last = {ts: (gross, worth) for gross, worth, ts in rows}
    gross, equity = np.array(list(last.values()), dtype=np.float64).reshape(-1, 2).T
    return Exposure(gross, equity, list(last))


def _gross(held: dict[Holder, _Held]) -> float:
    return sum(abs(each.quantity) * each.unit for each in held.values())


def _samples(positions: polars.DataFrame) -> dict[int, dict[Holder, _Held]]:
    found: dict[int, dict[Holder, _Held]] = {}
    columns = (positions[name].to_list() for name in ("strategy", "instrument", "quantity", "value"))
    for ts, strategy, instrument, quantity, value in zip(times_of(positions), *columns, strict=True):
        found.setdefault(ts, {})[strategy, instrument] = _Held(quantity, abs(value / quantity))
    return found


def _moves(fills: polars.DataFrame) -> Iterator[tuple[int, Holder, float, float, bool]]:
    """By time: when, whose, signed quantity, value of one, and whether it was in a bar that began then.

    A fill whose value is not known is left out until the next sample.
    """
    known = fills.filter(polars.col("notional").is_not_null() & (polars.col("quantity") > 0.0)).sort(
        "ts", maintain_order=True
    )
    names = ("strategy", "instrument", "side", "quantity", "notional", "bar")
    columns = (known[name].to_list() for name in names)
    for ts, strategy, instrument, side, quantity, notional, bar in zip(
        times_of(known), *columns, strict=True
    ):
        signed = quantity if side == "buy" else -quantity
        yield ts, (strategy, instrument), signed, notional / quantity, bar is not None
