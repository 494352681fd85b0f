"""How much of the market's volume our fills took, and how much larger orders could have been.

Against bars alone: a single tick is no measure of what the market would have borne.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress

import msgspec
import numpy as np
import polars

from actors.analytics.holdings import capacity
from actors.analytics.series import FloatArray
from daemon.research.frames import codes_of
from daemon.research.prices import Block
from daemon.research.rows import FillRow

SHARE_MAX = 0.05
"""Of a bar's volume: beyond it impact is no longer small."""
CAPACITY_COLUMNS = ("instrument", "notional", "bar", "volume_share")
"""Of the fills."""


class Participation:
    """Finds the bar in which each fill happened, block by block beside the run."""

    def __init__(self, multipliers: Mapping[str, float]) -> None:
        """
        Args:
            multipliers: Of the instruments that have bars.
        """
        self._multipliers = multipliers
        self._waiting: dict[str, list[FillRow]] = {name: [] for name in multipliers}
        """Fills whose bar has not come."""

    def is_over(self, fill: FillRow) -> bool:
        """Whether its bar is known, or never will be."""
        return fill.bar is not None or fill.instrument not in self._waiting

    def follow(self, blocks: Mapping[str, Block], fills: Sequence[FillRow]) -> None:
        """A stretch of bars, and the fills within it: those whose bar has come learn it."""
        for fill in fills:
            if fill.instrument in self._waiting:
                self._waiting[fill.instrument].append(fill)
        for name, waiting in self._waiting.items():
            block = blocks.get(name)
            if not waiting or block is None:
                continue
            places, count = np.searchsorted(block.times, [fill.ts for fill in waiting]), len(block.times)
            self._waiting[name] = list(compress(waiting, places >= count))
            found = places[places < count]
            bars = zip(block.times[found].tolist(), block.volume[found].tolist(), strict=True)
            for fill, (end, volume) in zip(compress(waiting, places < count), bars, strict=True):
                fill.bar = end
                if volume:
                    fill.volume_share = fill.quantity * self._multipliers[name] / volume


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
    notionals, shares = _by_bar(known)
    market = notionals / shares
    scale = capacity(notionals, market, SHARE_MAX)
    assert scale is not None, "something was traded"
    return Capacity(
        bars=len(shares),
        share_median=float(np.median(shares)),
        share_p95=float(np.quantile(shares, 0.95)),
        share_max=float(shares.max()),
        scale=scale,
        notional=SHARE_MAX * float(np.quantile(market, 0.05)),
    )


def _by_bar(fills: polars.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Notional and share of volume of each bar, in no order; mostly a bar has one fill."""
    _, codes = codes_of(fills["instrument"])
    bars = fills["bar"].to_physical().to_numpy()
    order = np.lexsort((bars, codes))
    is_same = np.append((np.diff(codes[order]) == 0) & (np.diff(bars[order]) == 0), False)
    is_shared = np.empty(len(order), dtype=np.bool_)
    is_shared[order] = is_same | np.roll(is_same, 1)
    alone = fills.filter(~is_shared)
    joined = (
        fills.filter(is_shared)
        .group_by("instrument", "bar", maintain_order=True)
        .agg(polars.col("notional").sum(), polars.col("volume_share").sum())
    )
    notionals, shares = (
        np.concatenate([frame[name].to_numpy() for frame in (alone, joined)])
        for name in ("notional", "volume_share")
    )
    return notionals, shares
