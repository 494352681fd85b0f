"""Risk limits of accounts and strategies; every figure is inclusive: exactly the limit is allowed."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

LimitAction = Literal["reduce_only", "pause", "flatten", "halt"]
"""What a loss limit does, latched until the operator lifts it; `flatten` closes everything and pauses."""


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one account; None switches a limit off."""

    order_quantity_max: Decimal | None = None
    """Base units or contracts per order."""
    order_notional_max: Decimal | None = None
    """Quote currency per order, at its limit price, else at the mid."""
    price_collar: float | None = 0.05
    """Largest distance of a limit or stop price from the mid, fraction of the mid; not of a limit that closes
    a position at a gain."""
    market_margin: float = 0.005
    """How much worse than the touch a market or stop order is counted until it is booked; a fraction."""
    position_max: Decimal | None = None
    """Largest absolute account position per instrument, base units or contracts, open orders counted."""
    gross_exposure_max: Decimal | None = None
    """Σ abs(exposure) over the account's instruments, base currency, open orders counted."""
    order_rate_max: int | None = 50
    """Orders (submits and replaces) per `order_rate_seconds`."""
    order_rate_seconds: float = 10.0
    price_age_max_seconds: float | None = 10.0
    """Older market data than this counts as stale: no new exposure."""
    allowed_instruments: tuple[str, ...] | None = None
    """None allows every configured instrument."""
    margin_check: bool = False
    """Ask the venue what each order that is no reduction would do to the margin, before it may leave."""
    margin_answer_seconds: float = 5.0
    """Longest wait for that; without an answer the order is denied."""
    excess_liquidity_min: Decimal | None = None
    """Equity with loan value less maintenance margin that must be left, base currency; needs
    `margin_check`, by which alone equity must cover the initial margin."""
    margin_cushion_min: float | None = None
    """The same as a fraction of equity with loan value."""
    daily_loss_max: Decimal | None = None
    """Equity at the start of the account's day less equity now, transfers left out; base currency."""
    daily_loss_action: LimitAction = "halt"
    drawdown_max: float | None = None
    """Fall of equity below its running peak, transfers left out; fraction of the peak."""
    drawdown_action: LimitAction = "halt"

    @property
    def can_trip(self) -> bool:
        """Whether a loss may trip anything."""
        return self.daily_loss_max is not None or self.drawdown_max is not None


class StrategyLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one strategy, on its own profit and loss after fees; None switches a limit off."""

    daily_loss_max: Decimal | None = None
    """Loss since the start of the account's day; the account's base currency."""
    daily_loss_action: LimitAction = "pause"
    peak_loss_max: Decimal | None = None
    """Fall of its profit and loss below the highest it ever was; the account's base currency.

    A strategy has no equity of its own that a fraction could be taken of.
    """
    peak_loss_action: LimitAction = "pause"

    @property
    def can_trip(self) -> bool:
        """Whether a loss may trip anything."""
        return self.daily_loss_max is not None or self.peak_loss_max is not None


Limits = RiskLimits | StrategyLimits
