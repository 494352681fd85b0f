"""What an account must hold, worked out from its fills alone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.e2e.rig import nonzero


def held_after(opening: Mapping[str, int], books: Mapping[str, Any]) -> dict[str, Decimal]:
    """What an account holds that began with this and was filled as the books say, without what is 0."""
    held = dict.fromkeys(("USDT", "BTC", "ETH"), Decimal(0)) | {k: Decimal(v) for k, v in opening.items()}
    for row in books["fills"]:
        sign = 1 if row["side"] == "buy" else -1
        quantity, price = Decimal(row["quantity"]), Decimal(row["price"])
        held[row["instrument"].partition("USDT")[0]] += sign * quantity
        held["USDT"] -= sign * quantity * price
        held[row["fee_currency"]] -= Decimal(row["fee"])
    return nonzero(held)
