"""What is traded: identity, steps and limits of an instrument."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

InstrumentKind = Literal["spot", "equity", "future", "perpetual", "forex", "option"]
DERIVATIVES: tuple[InstrumentKind, ...] = ("future", "perpetual")
"""Contracts: a fill moves no asset, only what is gained or lost is paid, in quote currency."""
ZERO = Decimal(0)
ONE = Decimal(1)


class Instrument(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """One instrument at one venue."""

    id: str
    """`BTCUSDT@binance`."""
    symbol: str
    """The venue's own name."""
    venue: str
    kind: InstrumentKind
    base: str
    """Asset that a fill of one unit moves; for equities the symbol itself."""
    quote: str
    """Currency that prices and cash are in."""
    tick_size: Decimal
    lot_size: Decimal
    quantity_min: Decimal = ZERO
    quantity_max: Decimal | None = None
    notional_min: Decimal = ZERO
    """Quote currency."""
    multiplier: Decimal = ONE
    """Base units per contract."""
    calendar: str = "24/7"
    """Name of the trading calendar that sessions, days and DAY orders follow."""

    @property
    def is_derivative(self) -> bool:
        """Whether fills move contracts instead of an asset, so that only gains and losses are paid."""
        return self.kind in DERIVATIVES

    @property
    def unit(self) -> str:
        """What the books count a position in: the base asset; contracts are an asset of their own."""
        return self.id if self.kind in DERIVATIVES else self.base


def instrument_id(symbol: str, venue: str) -> str:
    """`BTCUSDT@binance`."""
    return f"{symbol}@{venue}"
