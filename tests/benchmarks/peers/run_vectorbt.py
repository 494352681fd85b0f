"""vectorbt: whole arrays at once in compiled loops; no events, no strategy code per bar."""

# mypy: ignore-errors
import warnings
from importlib.metadata import version

import numpy as np
from given import CASH, FEE, NOTIONAL, Given, given, measure, unfit

warnings.filterwarnings("ignore")
import pandas as pd  # noqa: E402
import vectorbt as vbt  # noqa: E402


def prepare(data: Given) -> pd.DataFrame:
    """Closes; one short run beforehand, so that compiling is not measured."""
    closes = pd.DataFrame({name: np.asarray(columns["close"]) for name, columns in data.series.items()})
    run(data, closes.head(2 * data.slow + 10))
    return closes


def run(data: Given, closes: pd.DataFrame) -> vbt.Portfolio:
    """Averages, crossings, and a portfolio of what they ask for."""
    fast = vbt.MA.run(closes, data.fast).ma.to_numpy()
    slow = vbt.MA.run(closes, data.slow).ma.to_numpy()
    above = fast > slow
    size = NOTIONAL / closes
    return vbt.Portfolio.from_signals(
        closes, entries=above, exits=~above, size=size, fees=FEE, init_cash=CASH, freq="1min"
    )


if __name__ == "__main__":
    DATA = given()
    if not DATA.fast:
        unfit("it calls no strategy")
    measure(
        DATA, version("vectorbt"), lambda: prepare(DATA), lambda closes: run(DATA, closes),
        lambda portfolio: int(portfolio.orders.count().sum()),
    )  # fmt: skip
