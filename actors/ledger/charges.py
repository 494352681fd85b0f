"""Charges in the books: dividends, funding, borrow fees, interest; each strategy's part by what it held."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from actors.ledger.account_book import AccountBook
from actors.ledger.exact import add, subtract
from actors.ledger.lots import Position
from actors.messages.clearing import ChargeBooked, PositionCharged
from actors.model.money import ZERO

SHARE_STEP = Decimal("1E-8")
"""Parts of a charge are whole multiples of this; the last holder's takes what is left."""


def book_charge(
    book: AccountBook, positions: Sequence[Position], charge: PositionCharged
) -> list[ChargeBooked]:
    """Book cash that came or went; returns each strategy's part."""
    book.journal.move(charge.asset, charge.amount, "holdings", charge.kind)
    holders = [p for p in positions if p.instrument == charge.instrument and p.quantity]
    booked = []
    for position, amount in zip(holders, _parts(holders, charge), strict=True):
        match charge.kind:
            case "dividend":
                position.dividends = add(position.dividends, amount)
            case "funding":
                position.funding = subtract(position.funding, amount)
            case "borrow":
                position.borrow = subtract(position.borrow, amount)
            case "interest":  # of the account as a whole
                continue
        booked.append(
            ChargeBooked(
                ts_event=charge.ts_event,
                account=charge.account,
                strategy=position.strategy,
                instrument=position.instrument,
                kind=charge.kind,
                asset=charge.asset,
                amount=amount,
            )
        )
    return booked


def _parts(holders: Sequence[Position], charge: PositionCharged) -> list[Decimal]:
    """In proportion to signed quantities: who is long against the account's short receives what it pays."""
    if not charge.quantity:
        return [ZERO for _ in holders]
    per_unit = charge.amount / charge.quantity
    parts = [(per_unit * p.quantity).quantize(SHARE_STEP, ROUND_HALF_EVEN) + ZERO for p in holders]
    if holders and sum((p.quantity for p in holders), ZERO) == charge.quantity:
        parts[-1] = add(parts[-1], subtract(charge.amount, sum(parts, ZERO)))
    return parts
