"""How large a signal of full strength becomes."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class Sizing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`amount` is a quantity, a notional in quote currency, or a fraction of equity, as `method` says."""

    method: Literal["fixed_quantity", "fixed_notional", "target_weight"] = "fixed_notional"
    amount: Decimal = Decimal(1000)
