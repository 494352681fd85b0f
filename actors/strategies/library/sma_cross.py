"""Long while the fast average of closes is above the slow one, else flat."""

from actors import SMA, Bar, Strategy


class SmaCross(Strategy):
    fast: int = 10
    slow: int = 30

    def on_setup(self) -> None:
        self.fast_average = {i: self.ctx.indicator(SMA(self.fast), i) for i in self.ctx.instruments}
        self.slow_average = {i: self.ctx.indicator(SMA(self.slow), i) for i in self.ctx.instruments}

    def on_bar(self, bar: Bar) -> None:
        if self.fast_average[bar.instrument].value > self.slow_average[bar.instrument].value:
            self.ctx.long(bar.instrument)
        else:
            self.ctx.flat(bar.instrument)
