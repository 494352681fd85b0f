"""Long series as few points that look the same on a screen."""

from __future__ import annotations

from math import isfinite

import numpy as np
import polars

from actors.analytics.series import FloatArray, IntArray

DIGITS = 7
"""Significant ones of what is drawn."""


def extremes(values: FloatArray, count: int) -> IntArray:
    """Places of the lowest and highest value of each stretch, and of both ends: at most `count` of them.

    Drawn as a line they cover what all values would cover.
    """
    length = len(values)
    if length <= count or count < 4:
        return np.arange(length, dtype=np.int64)
    edges = np.linspace(0, length, (count - 2) // 2 + 1).astype(np.int64)
    places = [0, length - 1]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[start:end]
        places += [start + int(part.argmin()), start + int(part.argmax())]
    return np.unique(np.asarray(places, dtype=np.int64))


def evenly(length: int, count: int) -> IntArray:
    """At most `count` places from the first to the last."""
    if length <= count:
        return np.arange(length, dtype=np.int64)
    return np.unique(np.linspace(0, length - 1, count).astype(np.int64))


def candles(prices: polars.DataFrame, count: int) -> polars.DataFrame:
    """Bars joined so that at most `count` are left; times stay the ends."""
    size = -(-prices.height // count)
    if size <= 1:
        return prices
    return (
        prices.with_row_index("place")
        .group_by(polars.col("place") // size, maintain_order=True)
        .agg(
            polars.col("ts").last(),
            polars.col("instrument").first(),
            polars.col("open").first(),
            polars.col("high").max(),
            polars.col("low").min(),
            polars.col("close").last(),
            polars.col("volume").sum(),
        )
        .drop("place")
    )


def short(values: FloatArray | polars.Series) -> list[float | None]:
    """Numbers with as many digits as one can see; what is no number is null."""
    return [
        None if value is None or not isfinite(value) else float(f"{value:.{DIGITS}g}")
        for value in (values.to_list() if isinstance(values, polars.Series) else values.tolist())
    ]
