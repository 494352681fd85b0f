"""What the operator gives to a strategy that no record of ours says is its own."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.base import Message
from actors.messages.control import OperatorCommand


class AssignOrder(OperatorCommand, frozen=True, kw_only=True):
    """Command: an order that our books do not know is the scope's strategy's, with all its fills."""

    reference: str
    """Either id of the order, or one of its trades."""
    evidence: str


class AssignHolding(OperatorCommand, frozen=True, kw_only=True):
    """Command: a part of what the account holds, of which no order tells, is the scope's strategy's."""

    instrument: str
    quantity: Decimal
    """Signed."""
    price: Decimal
    """What it cost."""
    evidence: str


class AssignPosition(OperatorCommand, frozen=True, kw_only=True):
    """Command: what another strategy holds, perhaps one that is gone, is the scope's strategy's."""

    instrument: str
    former: str
    """Whose it was."""
    evidence: str


class PositionMoved(Message, frozen=True, kw_only=True):
    """Command: OMS → ledger. All that one strategy holds of an instrument is another's, at its cost."""

    account: str
    instrument: str
    former: str
    strategy: str
