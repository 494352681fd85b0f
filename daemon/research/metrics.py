"""Metrics of the user's own: functions named by `package.module:function` or `folder/file.py:function`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from actors.errors import ConfigError
from daemon.research.figures import OwnMetric


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
        found[name] = function
    return found


def _module(place: str) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return import_module(place)
        spec = spec_from_file_location("own_metrics", place)
        if spec is None or spec.loader is None:
            raise ConfigError(f"{place} is not a Python file")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"loading {place} raised {type(error).__name__}: {error}") from error
    return module
