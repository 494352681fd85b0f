"""The trading system: its messages, its model, and the actors that act on them.

What users' code needs comes from here: `from actors import SMA, Bar, Strategy`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.errors import ConfigError, TradingError, UsageError
    from actors.indicators import (
        ADX,
        ATR,
        EMA,
        MACD,
        OBV,
        RSI,
        SMA,
        VWAP,
        WMA,
        BarIndicator,
        BollingerBands,
        Correlation,
        Donchian,
        Hurst,
        Indicator,
        Keltner,
        LinearRegression,
        RollingVolatility,
        Stochastic,
        Supertrend,
        ValueIndicator,
        VolatilityRegime,
        ZScore,
    )
    from actors.messages.account import TradeClosed
    from actors.messages.control import DayClose, StrategyTimer
    from actors.messages.corrections import FillCorrected
    from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
    from actors.messages.orders import Direction, OrderFilled, Side, Signal, TimeInForce
    from actors.model.instrument import Instrument
    from actors.strategies.base import OffLoopAnswer, OrderUpdate, Strategy
    from actors.strategies.context import Context
    from actors.strategies.orders import Order
    from actors.strategies.parameters import State

__all__ = [
    "ADX",
    "ATR",
    "EMA",
    "MACD",
    "OBV",
    "RSI",
    "SMA",
    "VWAP",
    "WMA",
    "Bar",
    "BarIndicator",
    "BollingerBands",
    "BookDelta",
    "BookSnapshot",
    "ConfigError",
    "Context",
    "Correlation",
    "DayClose",
    "Direction",
    "Donchian",
    "FillCorrected",
    "Hurst",
    "Indicator",
    "Instrument",
    "Keltner",
    "LinearRegression",
    "OffLoopAnswer",
    "Order",
    "OrderFilled",
    "OrderUpdate",
    "Quote",
    "RollingVolatility",
    "Side",
    "Signal",
    "State",
    "Stochastic",
    "Strategy",
    "StrategyTimer",
    "Supertrend",
    "TimeInForce",
    "Trade",
    "TradeClosed",
    "TradingError",
    "UsageError",
    "ValueIndicator",
    "VolatilityRegime",
    "ZScore",
]

_HOMES = {
    "actors.errors": ("ConfigError", "TradingError", "UsageError"),
    "actors.indicators": (
        "ADX", "ATR", "EMA", "MACD", "OBV", "RSI", "SMA", "VWAP", "WMA", "BarIndicator", "BollingerBands",
        "Correlation", "Donchian", "Hurst", "Indicator", "Keltner", "LinearRegression",
        "RollingVolatility", "Stochastic", "Supertrend", "ValueIndicator", "VolatilityRegime", "ZScore",
    ),
    "actors.messages.account": ("TradeClosed",),
    "actors.messages.control": ("DayClose", "StrategyTimer"),
    "actors.messages.market": ("Bar", "BookDelta", "BookSnapshot", "Quote", "Trade"),
    "actors.messages.corrections": ("FillCorrected",),
    "actors.messages.orders": ("Direction", "OrderFilled", "Side", "Signal", "TimeInForce"),
    "actors.model.instrument": ("Instrument",),
    "actors.strategies.base": ("OffLoopAnswer", "OrderUpdate", "Strategy"),
    "actors.strategies.context": ("Context",),
    "actors.strategies.orders": ("Order",),
    "actors.strategies.parameters": ("State",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import what is asked for and nothing else, so that a command line that needs little starts fast."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value
