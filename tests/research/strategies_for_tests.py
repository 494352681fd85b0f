"""A strategy with decisions that can be worked by hand."""

from __future__ import annotations

from actors import Bar, Strategy


class UpAndDown(Strategy):
    """Long after a bar that closed above its open, flat after one that closed below."""

    def on_bar(self, bar: Bar) -> None:
        if bar.close > bar.open:
            self.ctx.long()
        elif bar.close < bar.open:
            self.ctx.flat()


class Raising(Strategy):
    """Raises at its third bar."""

    def on_bar(self, bar: Bar) -> None:
        if len(self.ctx.bars(3)) == 3:
            raise KeyError("third bar")
        self.ctx.long()
