"""Where a stop stands that follows the market, and the limit that goes along with it."""

from __future__ import annotations

from decimal import Decimal

from actors.model.money import ZERO, round_to_tick


def trailed_stop(
    best: Decimal, trail: Decimal, *, is_fraction: bool, is_purchase: bool, tick: Decimal
) -> Decimal:
    """Behind the best price, on the tick, and never nearer than the trail; a sale's stays above zero."""
    distance = trail * best if is_fraction else trail
    if is_purchase:
        return round_to_tick(best + distance, tick, "up")
    return max(round_to_tick(best - distance, tick, "down"), tick or ZERO)


def trailed_limit(stop: Decimal, offset: Decimal, *, is_purchase: bool, tick: Decimal) -> Decimal:
    """So much worse than the stop; a sale's stays above zero."""
    return stop + offset if is_purchase else max(stop - offset, tick or ZERO)
