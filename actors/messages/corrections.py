"""Executions that were changed after they were booked: other figures, a fee that comes late, a bust."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.base import Value
from actors.messages.orders import Liquidity, OrderFact, Side


class FillFigures(Value, frozen=True, kw_only=True):
    """What may change of an execution."""

    quantity: Decimal
    """0 of one that was busted."""
    price: Decimal
    fee: Decimal
    fee_currency: str


class FillCorrected(OrderFact, frozen=True, kw_only=True):
    """Event: OMS → all. An execution is booked with other figures from now on; its order may be long over."""

    venue_order_id: str
    trade_id: str
    revision: int
    """Of the word that stands now."""
    side: Side
    before: FillFigures
    after: FillFigures
    fee_known: bool
    liquidity: Liquidity
    mid_price: float | None
    """As in the fill."""
    ts_filled: int
    """When the execution was."""
    filled_quantity: Decimal
    """What the order has filled in all, by what stands now."""

    @property
    def quantity_change(self) -> Decimal:
        """Of what the order has filled."""
        return self.after.quantity - self.before.quantity

    @property
    def is_late_fee(self) -> bool:
        """Whether nothing but the fee is new."""
        before, after = self.before, self.after
        return (before.quantity, before.price) == (after.quantity, after.price)
