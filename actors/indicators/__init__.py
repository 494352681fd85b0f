"""Incremental indicators, usable bar by bar and over arrays."""

from actors.indicators.averages import EMA, SMA, WMA
from actors.indicators.base import BarIndicator, Indicator, ValueIndicator, bars_from
from actors.indicators.momentum import MACD, RSI, Stochastic
from actors.indicators.rolling import Correlation, Hurst, LinearRegression, VolatilityRegime, ZScore
from actors.indicators.trend import ADX, Donchian, Keltner, Supertrend
from actors.indicators.volatility import ATR, BollingerBands, RollingVolatility
from actors.indicators.volume import OBV, VWAP

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
    "BarIndicator",
    "BollingerBands",
    "Correlation",
    "Donchian",
    "Hurst",
    "Indicator",
    "Keltner",
    "LinearRegression",
    "RollingVolatility",
    "Stochastic",
    "Supertrend",
    "ValueIndicator",
    "VolatilityRegime",
    "ZScore",
    "bars_from",
]
