"""backtesting.py: one instrument, float prices, fills at the next open; averages over arrays beforehand."""

# mypy: ignore-errors
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from given import CASH, FEE, NOTIONAL, Given, given, measure, unfit

warnings.filterwarnings("ignore")
from backtesting import Backtest, Strategy  # noqa: E402

FRACTION = 1e-5
"""It trades whole units, so a unit is made this small."""


def mean(values: np.ndarray, length: int) -> pd.Series:
    """Over the newest `length` values."""
    return pd.Series(values).rolling(length).mean()


class Cross(Strategy):
    """Long while the fast mean is above the slow one, else flat."""

    fast, slow = 10, 50

    def init(self) -> None:
        self.quick = self.I(mean, self.data.Close, self.fast)
        self.calm = self.I(mean, self.data.Close, self.slow)

    def next(self) -> None:
        if self.quick[-1] > self.calm[-1]:
            if not self.position:
                self.buy(size=max(1, int(NOTIONAL / self.data.Close[-1])))
        elif self.position:
            self.position.close()


class Nothing(Strategy):
    """Hears bars and does nothing."""

    def init(self) -> None:
        pass

    def next(self) -> None:
        pass


def prepare(data: Given) -> Backtest:
    """The frame and the engine."""
    columns = data.only
    frame = pd.DataFrame(
        {
            name.title(): np.asarray(columns[name]) * (1.0 if name == "volume" else FRACTION)
            for name in ("open", "high", "low", "close", "volume")
        },
        index=pd.to_datetime(np.asarray(columns["ts"])),
    )
    Cross.fast, Cross.slow = data.fast, data.slow
    return Backtest(frame, Cross if data.fast else Nothing, cash=CASH, commission=FEE)


def orders(stats: pd.Series) -> int:
    """Each of its trades is an entry and an exit."""
    return 2 * len(stats["_trades"])


if __name__ == "__main__":
    DATA = given()
    if DATA.workload in ("B", "C"):
        unfit("one instrument's bars at a time")
    measure(DATA, version("backtesting"), lambda: prepare(DATA), lambda engine: engine.run(), orders)
