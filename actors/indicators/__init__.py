"""Incremental indicators, usable bar by bar and over arrays."""

from actors.indicators.averages import EMA, SMA
from actors.indicators.base import BarIndicator, Indicator, ValueIndicator
from actors.indicators.momentum import RSI
from actors.indicators.volatility import ATR, BollingerBands, RollingVolatility

__all__ = [
    "ATR",
    "EMA",
    "RSI",
    "SMA",
    "BarIndicator",
    "BollingerBands",
    "Indicator",
    "RollingVolatility",
    "ValueIndicator",
]
