"""Settings of a simulated venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class SimulatedVenueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the venue treats orders; fees are fractions of notional, < 0 is a rebate."""

    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fee_currency: str | None = None
    """None: the asset received, as spot venues charge; an asset name (`BNB`, `USDT`) charges that asset."""
    fee_prices: dict[str, Decimal] = {}
    """Quote currency per unit of a third fee asset."""
    latency_ms: float = 1.0
    """From a command's decision until the venue sees it."""
    report_latency_ms: float = 0.0
    self_trade_prevention: Literal["EXPIRE_MAKER", "NONE"] = "EXPIRE_MAKER"
    fill_share_of_trade: float = 1.0
    """Share of a recorded trade's size that resting orders at its price may take."""
    opening_balances: dict[str, Decimal] = {}
