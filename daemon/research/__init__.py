"""Backtests, and what can be learnt from them: `from daemon.research import Backtester, DataManager`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daemon.research.api import Backtester
    from daemon.research.data_manager import DataManager
    from daemon.research.result import Result
    from daemon.research.sweep import Sweep

__all__ = ["Backtester", "DataManager", "Result", "Sweep"]

_HOMES = {"Backtester": "api", "DataManager": "data_manager", "Result": "result", "Sweep": "sweep"}


def __getattr__(name: str) -> Any:
    """Import what is asked for and nothing else: the command line must start fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
