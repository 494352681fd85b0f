"""What happens to positions without a trade: charges, splits, margin; said by who clears the trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.messages.base import Message
from actors.messages.control import Timer
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    ExpiryReport,
    FillReport,
    NotSent,
    OutcomeUnknownReport,
    RejectReport,
    ReplaceReport,
    Report,
    StatusReport,
)

ChargeKind = Literal["dividend", "funding", "borrow", "interest"]


class PositionCharged(Message, frozen=True, kw_only=True):
    """Data: venue → ledger. Cash that holding a position, or a loan, has brought or cost; never a trade."""

    account: str
    instrument: str | None
    """None for interest, which belongs to no position."""
    kind: ChargeKind
    asset: str
    amount: Decimal
    """Signed: > 0 came in. A short pays the dividend and may receive funding."""
    quantity: Decimal
    """The account's signed position that it was reckoned on; 0 for interest."""
    charge_id: str
    """The venue's id; booked once."""


class ChargeBooked(Message, frozen=True, kw_only=True):
    """Event: ledger → all. One strategy's part of a charge, by what it held of the position."""

    account: str
    strategy: str
    instrument: str
    kind: ChargeKind
    asset: str
    amount: Decimal
    """Signed: > 0 came in."""


class PositionSplit(Message, frozen=True, kw_only=True):
    """Data: venue → ledger. A split has changed what the account holds of an instrument."""

    account: str
    instrument: str
    shares_before: Decimal
    shares_after: Decimal
    quantity: Decimal
    """Signed, the account's whole position after it; the fraction that would be left over is paid out."""
    price: Decimal
    """Quote currency per share after it; what a fraction is paid out at."""
    cash_in_lieu: Decimal
    """Quote currency for the fraction, signed: a short pays it."""
    action_id: str
    """Booked once per account and instrument."""


class MarginCalled(Message, frozen=True, kw_only=True):
    """Event: simulated venue → all. Equity is below what the account's positions require."""

    account: str
    currency: str
    equity: Decimal
    requirement: Decimal
    """Maintenance margin."""
    deadline: int
    """Nanoseconds UTC; positions are liquidated from then on while equity stays below."""


class AdjustReport(Report, frozen=True, kw_only=True):
    """Data: venue → OMS. It has changed an open order by itself: a split, or a fill in its group."""

    quantity: Decimal
    """Total, what was filled before included."""
    price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None = None
    limit_offset: Decimal | None = None


OrderReport = (
    AcceptReport
    | RejectReport
    | FillReport
    | CancelReport
    | ReplaceReport
    | AdjustReport
    | ExpiryReport
    | StatusReport
    | OutcomeUnknownReport
    | NotSent
)
"""Everything that venues say of one order."""


class ContractsChanged(Message, frozen=True, kw_only=True):
    """Event: ledger → risk, portfolio, strategies. An account's open contracts of a derivative as booked."""

    account: str
    instrument: str
    quantity: Decimal
    """Net over all strategies, signed."""
    cost: Decimal
    """Σ quantity × price that they were made at, signed, quote currency per unit of multiplier."""


class ClearingDay(Timer, frozen=True, kw_only=True):
    """Clearing: a day (UTC) is over; who is short, or owes cash, pays for it."""
