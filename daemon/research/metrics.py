"""Metrics of the user's own: functions named by `package.module:function` or `folder/file.py:function`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from actors.analytics.series import FloatArray, Times
from actors.analytics.trades import TradeResult
from actors.own_code.loading import load_function
from actors.own_code.own_functions import OwnFunctionFailed

OwnMetric = Callable[[FloatArray, Times, Sequence[TradeResult]], float | None]
"""Equity, its times (ns UTC), the closed trades → a figure, or None where it is not defined."""


class OwnFigures(NamedTuple):
    """What the metrics say, and which of them could not."""

    figures: dict[str, float | None]
    doubts: list[str]


def load_metrics(paths: Iterable[str]) -> dict[str, OwnMetric]:
    """Name of each function → the function; a metric sees a run that is over, so it may read and draw.

    Raises:
        ConfigError: There is no such module, file or function.
    """
    return {path.rpartition(":")[2]: load_function(path, "metric", is_guarded=False) for path in paths}


def own_figures(
    metrics: Mapping[str, OwnMetric], equity: FloatArray, times: Times, trades: Sequence[TradeResult]
) -> OwnFigures:
    """Every metric asked; one that raises costs its own figure, never the run."""
    found = OwnFigures({}, [])
    for name, metric in metrics.items():
        try:
            figure = metric(equity, times, trades)
            found.figures[name] = None if figure is None or not isfinite(figure) else float(figure)
        except OwnFunctionFailed as error:
            found.figures[name] = None
            found.doubts.append(f"{error}; its figure is left out")
        except TypeError:
            found.figures[name] = None
            found.doubts.append(f"metric {name} gave {figure!r}, which is no number: its figure is left out")
    return found
