"""Fills by which a venue itself closes a part of our position: each strategy has its part of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from actors.messages.orders import FillReport, OrderFilled
from actors.model.money import ZERO

FEE_STEP = Decimal("1E-8")


def liquidated(fill: FillReport, holders: Mapping[str, Decimal]) -> list[OrderFilled]:
    """The fill as one of each strategy that holds what it closes, in the order of their first booking.

    Args:
        holders: Signed quantity by strategy.
    Returns:
        Nothing if nobody holds it; what is beyond all holdings goes to the last, whose position it flips.
    """
    sign = -1 if fill.side == "buy" else 1
    rest, parts = fill.quantity, []
    held = [(strategy, quantity * sign) for strategy, quantity in holders.items() if quantity * sign > ZERO]
    for place, (strategy, quantity) in enumerate(held):
        part = rest if place == len(held) - 1 else min(rest, quantity)
        rest -= part
        if part:
            parts.append((strategy, part))
    paid, fills = ZERO, []
    for number, (strategy, quantity) in enumerate(parts, 1):
        is_last = number == len(parts)
        share = (fill.fee * quantity / fill.quantity).quantize(FEE_STEP, ROUND_HALF_EVEN)
        fee = fill.fee - paid if is_last else share
        paid += fee
        trade_id = fill.trade_id if len(parts) == 1 else f"{fill.trade_id}.{number}"
        fills.append(_filled(fill, strategy, quantity, fee, trade_id))
    return fills


def _filled(fill: FillReport, strategy: str, quantity: Decimal, fee: Decimal, trade_id: str) -> OrderFilled:
    venue_order_id = fill.venue_order_id or ""
    return OrderFilled(
        ts_event=fill.ts_event,
        client_order_id=fill.client_order_id or f"liquidation:{venue_order_id}",
        account=fill.account,
        strategy=strategy,
        instrument=fill.instrument,
        venue_order_id=venue_order_id,
        trade_id=trade_id,
        side=fill.side,
        quantity=quantity,
        price=fill.price,
        fee=fee,
        fee_currency=fill.fee_currency,
        liquidity="liquidation",
        remaining=ZERO,
        mid_price=None,
    )
