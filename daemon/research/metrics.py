"""Metrics of the user's own: functions named by `package.module:function` or `folder/file.py:function`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from math import isfinite
from types import ModuleType
from typing import NamedTuple

from actors.analytics.series import FloatArray, Times
from actors.analytics.trades import TradeResult
from actors.errors import ConfigError
from actors.strategies.loading import SourceAsItIs
from actors.strategies.own_functions import OwnFunctionFailed, raised, told

OwnMetric = Callable[[FloatArray, Times, Sequence[TradeResult]], float | None]
"""Equity, its times (ns UTC), the closed trades → a figure, or None where it is not defined."""


class OwnFigures(NamedTuple):
    """What the metrics say, and which of them could not."""

    figures: dict[str, float | None]
    doubts: list[str]


def load_metrics(paths: Iterable[str]) -> dict[str, OwnMetric]:
    """Name of each function → the function.

    Raises:
        ConfigError: There is no such module, file or function.
    """
    found: dict[str, OwnMetric] = {}
    for path in paths:
        place, colon, name = path.rpartition(":")
        if not colon or not name.isidentifier():
            raise ConfigError(
                f"metric {path!r} must be written `package.module:function` or `file.py:function`"
            )
        function = getattr(_module(place), name, None)
        if not callable(function):
            raise ConfigError(f"{place} has no function {name}: check the spelling in backtest.metrics")
        found[name] = told(f"metric {path}", function)
    return found


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


def _module(place: str) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return import_module(place)
        spec = spec_from_file_location("own_metrics", place, loader=SourceAsItIs("own_metrics", place))
        if spec is None or spec.loader is None:
            raise ConfigError(f"{place} is not a Python file")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"loading {place} {raised(error)}; run it by itself to see more") from error
    return module
