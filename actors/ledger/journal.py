"""Double entry in units of assets: every movement debits one place and credits another by the same amount.

Places of one account, each kept per asset; a debit counts positive:

    holdings     what the venue owes us; equals its statement
    trading      mirror of the open lots: − their quantity in the base asset, + their cost in the quote asset
    contracts    open derivatives, which nobody owes us: + their quantity, by instrument, − their cost
    realised     − realised P&L, quote asset, before fees
    fees         + what was paid in fees, in the asset that paid; in the quote asset where a position paid
    dividend, funding, borrow, interest
                 − what positions and loans have brought, + what they have cost, other than by trading
    opening, deposit, withdrawal, conversion, adjustment
                 − what came in other than by trading; never profit, never loss
    external     − what others brought into the account by orders that are not ours, + what they took
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.ledger.exact import add, subtract
from actors.messages.account import CashReason
from actors.messages.clearing import ChargeKind
from actors.model.money import ZERO

Place = Literal["holdings", "trading", "realised", "fees", "external", "contracts"] | CashReason | ChargeKind
PLACES: tuple[Place, ...] = (
    "holdings", "trading", "realised", "fees",
    "opening", "deposit", "withdrawal", "conversion", "adjustment", "external",
    "contracts", "dividend", "funding", "borrow", "interest",
)  # fmt: skip
FORMER: dict[str, Place] = {"fee": "fees", "correction": "realised"}
"""Places of former versions for what came after a fill was booked, and where it is booked now."""


class Journal:
    """Totals of one account's places."""

    __slots__ = ("_totals", "_trading", "holdings")

    def __init__(self) -> None:
        self._totals: dict[Place, dict[str, Decimal]] = {place: {} for place in PLACES}
        self.holdings = self._totals["holdings"]
        """What the account holds, per asset; read only."""
        self._trading = self._totals["trading"]

    def move(self, asset: str, amount: Decimal, debit: Place, credit: Place) -> None:
        """Book `amount` (signed) of `asset` from `credit` to `debit`.

        Raises:
            decimal.Inexact: The new total would need rounding.
        """
        debited, credited = self._totals[debit], self._totals[credit]
        more = add(debited.get(asset, ZERO), amount)
        less = subtract(credited.get(asset, ZERO), amount)
        debited[asset] = more
        credited[asset] = less

    def exchange(self, base: str, units: Decimal, quote: str, cost: Decimal) -> None:
        """Book signed units of one asset for a signed cost in another, as two of `move` would.

        Raises:
            decimal.Inexact: A new total would need rounding.
        """
        holdings, trading = self.holdings, self._trading
        held, mirrored = holdings.get(base, ZERO), trading.get(base, ZERO)
        paid, spent = holdings.get(quote, ZERO), trading.get(quote, ZERO)
        holdings[base], trading[base] = add(held, units), subtract(mirrored, units)
        holdings[quote], trading[quote] = subtract(paid, cost), add(spent, cost)

    def total(self, place: Place, asset: str) -> Decimal:
        """Debits minus credits so far."""
        return self._totals[place].get(asset, ZERO)

    def totals(self, place: Place) -> dict[str, Decimal]:
        """Debits minus credits so far, per asset."""
        return dict(self._totals[place])

    def trial_balance(self) -> dict[str, Decimal]:
        """Per asset the sum over all places; anything but zero means broken books."""
        sums: dict[str, Decimal] = {}
        for totals in self._totals.values():
            for asset, amount in totals.items():
                sums[asset] = add(sums.get(asset, ZERO), amount)
        return sums

    def snapshot(self) -> dict[str, dict[str, Decimal]]:
        """State for the checkpoint: place → asset → total."""
        return {place: dict(totals) for place, totals in self._totals.items()}

    def restore(self, state: dict[str, dict[str, Decimal]]) -> None:
        """Take a checkpoint's state."""
        self._totals = {place: dict(state.get(place, {})) for place in PLACES}
        self.holdings, self._trading = self._totals["holdings"], self._totals["trading"]
        for former, place in FORMER.items():
            for asset, amount in state.get(former, {}).items():
                totals = self._totals[place]
                totals[asset] = add(totals.get(asset, ZERO), amount)
