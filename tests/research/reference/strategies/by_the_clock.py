"""Orders at given times."""

from __future__ import annotations

from decimal import Decimal

from actors import Bar, Strategy


class ByTheClock(Strategy):
    """One share in or out after the bars that end at the times given."""

    buys: tuple[int, ...] = ()
    """ns UTC."""
    sells: tuple[int, ...] = ()

    def on_bar(self, bar: Bar) -> None:
        if bar.ts_event in self.buys:
            self.ctx.market("buy", Decimal(1))
        elif bar.ts_event in self.sells:
            self.ctx.market("sell", Decimal(1))
