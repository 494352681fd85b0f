"""Risk limits of one account; every figure is inclusive: exactly the limit is allowed."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None switches a limit off."""

    order_quantity_max: Decimal | None = None
    """Base units or contracts per order."""
    order_notional_max: Decimal | None = None
    """Quote currency per order, at its limit price, else at the mid."""
    price_collar: float | None = 0.05
    """Largest distance of a limit or stop price from the mid, fraction of the mid."""
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
