"""Reject codes of a simulated venue."""

from __future__ import annotations

Refusal = tuple[str, str]
"""Code and what was compared."""

UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
UNKNOWN_ORDER = "UNKNOWN_ORDER"
DUPLICATE_ORDER = "DUPLICATE_ORDER"
"""The client order id names an order that is still open."""
BAD_TERMS = "BAD_TERMS"
"""Price, stop price or flags that do not go with the order type."""
PRICE_FILTER = "PRICE_FILTER"
"""Not a whole tick, or not positive."""
LOT_SIZE = "LOT_SIZE"
"""Not a whole lot, or outside the quantity limits."""
NOTIONAL = "NOTIONAL"
"""Below the least notional."""
INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
"""Equity does not cover the initial margin of all positions and open orders."""
WOULD_TAKE = "WOULD_TAKE"
"""A post-only order would fill at once."""
REDUCE_ONLY = "REDUCE_ONLY"
"""Would open or enlarge a position."""
MARKET_CLOSED = "MARKET_CLOSED"
"""The instrument does not trade now."""
