"""backtrader: bars through its line buffers, float prices, orders fill at the next open."""

# mypy: ignore-errors
from importlib.metadata import version

import backtrader as bt
import numpy as np
import pandas as pd
from given import CASH, FEE, NOTIONAL, Given, given, measure, unfit


class Cross(bt.Strategy):
    """Long while the fast mean is above the slow one, else flat."""

    params = (("fast", 10), ("slow", 50))

    def __init__(self) -> None:
        self.sent = 0
        self.means = {
            data: (bt.ind.SMA(data, period=self.p.fast), bt.ind.SMA(data, period=self.p.slow))
            for data in self.datas
        }

    def next(self) -> None:
        for data, (fast, slow) in self.means.items():
            held = self.getposition(data).size
            if fast[0] > slow[0]:
                if not held:
                    self.sent += 1
                    self.buy(data, size=NOTIONAL / data.close[0])
            elif held:
                self.sent += 1
                self.close(data)


class Nothing(bt.Strategy):
    """Hears bars and does nothing."""

    sent = 0

    def next(self) -> None:
        pass


def prepare(data: Given) -> bt.Cerebro:
    """Feeds, broker and strategy."""
    engine = bt.Cerebro(stdstats=False)
    engine.broker.setcash(CASH)
    engine.broker.setcommission(commission=FEE)
    for columns in data.series.values():
        frame = pd.DataFrame(
            {name: np.asarray(columns[name]) for name in ("open", "high", "low", "close", "volume")},
            index=pd.to_datetime(np.asarray(columns["ts"])),
        )
        engine.adddata(bt.feeds.PandasData(dataname=frame, openinterest=None))
    if data.fast:
        engine.addstrategy(Cross, fast=data.fast, slow=data.slow)
    else:
        engine.addstrategy(Nothing)
    return engine


if __name__ == "__main__":
    DATA = given()
    if DATA.workload == "C":
        unfit("bars only")
    measure(
        DATA, version("backtrader"), lambda: prepare(DATA), lambda engine: engine.run()[0],
        lambda strategy: strategy.sent,
    )  # fmt: skip
