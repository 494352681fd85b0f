"""The strategy of the comparison as freqtrade reads it from a folder."""

# mypy: ignore-errors
from typing import ClassVar

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Cross(IStrategy):
    """Long while the fast mean is above the slow one, else flat."""

    timeframe = "1m"
    minimal_roi: ClassVar = {"0": 1000}
    stoploss = -0.99
    startup_candle_count = 0

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        fast, slow = self.config["lengths"]
        if fast:
            dataframe["fast"] = dataframe["close"].rolling(fast).mean()
            dataframe["slow"] = dataframe["close"].rolling(slow).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if self.config["lengths"][0]:
            dataframe.loc[dataframe["fast"] > dataframe["slow"], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if self.config["lengths"][0]:
            dataframe.loc[dataframe["fast"] <= dataframe["slow"], "exit_long"] = 1
        return dataframe
