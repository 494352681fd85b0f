"""A cash account whose sales are paid some weekdays later: what is not settled cannot buy.

Shares may be sold before their purchase has settled; only cash is held up, so nobody can buy with proceeds
that are not there yet, and a good-faith violation cannot happen.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.model.instrument import ZERO, Instrument
from actors.venues.simulated.accounts import Account, AccountState, Unsettled
from actors.venues.simulated.events import Balance, VenueOrderState
from actors.venues.simulated.settings import SimulatedVenueSettings

if TYPE_CHECKING:
    from actors.venues.simulated.desk import Desk

DAY_NS = 86_400_000_000_000
_THURSDAY = 3
"""Weekday of the first day of the epoch."""


def settles_at(traded: int, weekdays: int) -> int:
    """Start, in UTC, of the day on which a trade is paid: so many weekdays after its own."""
    day, left = traded // DAY_NS, weekdays
    while left:
        day += 1
        left -= (day + _THURSDAY) % 7 < 5
    return day * DAY_NS


class SettledAccount(Account):
    """Cash that knows when it may be spent."""

    __slots__ = ("_desk", "unsettled")

    def __init__(self, name: str, settings: SimulatedVenueSettings, desk: Desk) -> None:
        super().__init__(name, settings)
        self._desk = desk
        self.unsettled: list[Unsettled] = []

    def free(self, asset: str) -> Decimal:
        """Held, not locked, and settled."""
        if self.unsettled and self.unsettled[0].due <= self._desk.now:
            self.unsettled = [each for each in self.unsettled if each.due > self._desk.now]
        return super().free(asset) - sum((e.amount for e in self.unsettled if e.asset == asset), ZERO)

    def balances(self) -> dict[str, Balance]:
        """Settled or not."""
        locked = self.locked
        return {
            asset: Balance(free=super(SettledAccount, self).free(asset), locked=locked.get(asset, ZERO))
            for asset in self.total
        }

    def settle(
        self,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        is_maker: bool,
    ) -> tuple[Decimal, str]:
        """Book one execution; what a sale brings, less its fee, waits."""
        before = self.total.get(instrument.quote, ZERO)
        fee, currency = super().settle(order, instrument, quantity, price, is_maker)
        if order.side == "sell":
            due = settles_at(self._desk.now, self.settings.settlement_days)
            proceeds = self.total[instrument.quote] - before
            self.unsettled.append(Unsettled(due, instrument.quote, proceeds))
        return fee, currency

    def snapshot(self) -> AccountState:
        """State for the checkpoint."""
        state = super().snapshot()
        state.unsettled = self.unsettled
        return state

    def restore(self, state: AccountState) -> None:
        """Take a checkpoint's state."""
        super().restore(state)
        self.unsettled = list(state.unsettled)
