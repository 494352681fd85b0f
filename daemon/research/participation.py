"""How much of the market's volume our fills took, and how much larger orders could have been.

Against bars alone: a single tick is no measure of what the market would have borne.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence

import msgspec
import numpy as np
import polars

from actors.analytics.holdings import capacity
from actors.messages.orders import OrderFilled
from actors.model.instrument import Instrument
from daemon.research.columns import Numbers
from daemon.research.excursions import Block

SHARE_MAX = 0.05
"""Of a bar's volume: beyond it impact is no longer small."""


class Participation:
    """Finds the bar in which each fill happened, block by block beside the run."""

    def __init__(self, instruments: Collection[str]) -> None:
        """
        Args:
            instruments: Those that have bars.
        """
        self._waiting: dict[str, list[tuple[int, int]]] = {name: [] for name in instruments}
        """Time and number of the fills whose bar has not come."""
        self._ends, self._volumes = Numbers("q"), array("d")
        """End and volume of each fill's bar, in the order of the fills; no end while it has not come."""

    def follow(self, blocks: Mapping[str, Block], fills: Sequence[OrderFilled]) -> None:
        """A stretch of bars, and the fills within it."""
        for number, fill in enumerate(fills, len(self._volumes)):
            self._ends.append(None)
            self._volumes.append(0.0)
            if fill.instrument in self._waiting:
                self._waiting[fill.instrument].append((fill.ts_event, number))
        for name, waiting in self._waiting.items():
            block = blocks.get(name)
            if not waiting or block is None:
                continue
            places = np.searchsorted(np.asarray(block.times), [time for time, _ in waiting]).tolist()
            for place, (_, number) in zip(places, waiting, strict=True):
                if place < len(block.times):
                    self._ends[number], self._volumes[number] = block.times[place], block.volume[place]
            self._waiting[name] = [
                fill for place, fill in zip(places, waiting, strict=True) if place >= len(block.times)
            ]

    def added_to(self, fills: polars.DataFrame, instruments: Mapping[str, Instrument]) -> polars.DataFrame:
        """The table of all fills with its columns `bar` and `volume_share`."""
        multipliers = {name: float(each.multiplier) for name, each in instruments.items()}
        shares = Numbers("d")
        rows = zip(self._volumes, fills["instrument"], fills["quantity"], strict=True)
        for volume, instrument, quantity in rows:
            shares.append(quantity * multipliers[instrument] / volume if volume else None)
        times = self._ends.series("bar").cast(polars.Datetime("ns"))
        return fills.with_columns(times.dt.replace_time_zone("UTC"), shares.series("volume_share"))


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What all fills within a bar took of its volume, over the bars with fills and volume."""

    bars: int
    share_median: float
    share_p95: float
    share_max: float
    scale: float
    """By what all orders could be multiplied before more than 5 % of the bars exceed `SHARE_MAX`."""
    notional: float
    """Account currency: what could be traded in a bar without exceeding `SHARE_MAX` in 95 % of these bars."""


def capacity_of(fills: polars.DataFrame) -> Capacity | None:
    """Capacity at a share of `SHARE_MAX` of a bar's volume; None without a fill whose bar is known.

    Source:
        R. Almgren et al., "Direct Estimation of Equity Market Impact", Risk 18(7), 2005: cost grows with the
        share of volume, which therefore bounds size.
    """
    known = fills.filter((polars.col("volume_share") > 0.0) & (polars.col("notional") > 0.0))
    if known.is_empty():
        return None
    bars = known.group_by("instrument", "bar", maintain_order=True).agg(
        polars.col("notional").sum(), polars.col("volume_share").sum()
    )
    notionals, shares = bars["notional"].to_numpy(), bars["volume_share"].to_numpy()
    market = notionals / shares
    scale = capacity(notionals, market, SHARE_MAX)
    assert scale is not None, "something was traded"
    return Capacity(
        bars=bars.height,
        share_median=float(np.median(shares)),
        share_p95=float(np.quantile(shares, 0.95)),
        share_max=float(shares.max()),
        scale=scale,
        notional=SHARE_MAX * float(np.quantile(market, 0.05)),
    )
