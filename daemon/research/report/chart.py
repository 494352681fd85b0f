"""What all charts share.

A colour is a name of the page's theme, `@gain` or `@accent/0.2` with an opacity, so that one specification
serves light and dark.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from actors.analytics.series import FloatArray, IntArray
from daemon.research.report.thinning import short

MILLISECOND_NS = 1_000_000
BINS = 50

Trace = dict[str, Any]


class Chart(NamedTuple):
    """One chart and what it says in words."""

    key: str
    title: str
    caption: str
    data: list[Trace]
    layout: dict[str, Any]
    height: int = 320
    is_wide: bool = True


def milliseconds(times: IntArray | list[int]) -> list[int]:
    """As plotly has times."""
    found: list[int] = (np.asarray(times, dtype=np.int64) // MILLISECOND_NS).tolist()
    return found


def histogram(values: FloatArray, hover: str) -> Trace:
    """How often what came, one colour on each side of zero and none around it."""
    counts, edges = np.histogram(values, bins=min(BINS, max(5, len(values) // 3)))
    middles = (edges[:-1] + edges[1:]) / 2
    colours = [
        "@loss" if high <= 0.0 else "@gain" if low >= 0.0 else "@muted"
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return {"type": "bar", "x": short(middles), "y": counts.tolist(), "hovertemplate": hover,
            "marker": {"color": colours}}  # fmt: skip
