"""A strategy that trades now and then, in every way there is, for as long as it is let."""

from __future__ import annotations

from actors import OrderFilled, Quote
from tests.chaos.twin.trader import HardTrader

QUOTES_BETWEEN = 220
FILLS_BETWEEN = 10


class PatientTrader(HardTrader):
    """Lets most quotes and fills pass."""

    def on_quote(self, quote: Quote) -> None:
        """One quote in so many is worth a few wishes."""
        if self._draw(QUOTES_BETWEEN) == 0:
            super().on_quote(quote)

    def on_fill(self, fill: OrderFilled) -> None:
        """One fill in so many may be turned round."""
        if self._draw(FILLS_BETWEEN) == 0:
            super().on_fill(fill)
