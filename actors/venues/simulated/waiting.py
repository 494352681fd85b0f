"""Orders that wait at a price, in price-time priority."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from actors.venues.simulated.events import VenueOrderState

_Entry = tuple[Decimal, int, VenueOrderState]


class Nowhere:
    """Where an order waits that nothing may meet: its account knows it, no market does."""

    def add(self, order: VenueOrderState) -> None:
        """It begins to wait."""

    def remove(self, order: VenueOrderState) -> None:
        """It waits no longer."""


NOWHERE = Nowhere()


class Tally:
    """How many orders wait in several places together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class WaitingOrders:
    """Resting orders of one side, or stops of one side; the first is the one the market reaches first."""

    __slots__ = (
        "_by_stop", "_highest_first", "_nothing", "_tally", "entries", "first_price", "reach", "trailing",
    )  # fmt: skip

    def __init__(self, tally: Tally, *, highest_first: bool, by_stop: bool = False) -> None:
        self._tally = tally
        self._highest_first = highest_first
        self._by_stop = by_stop
        self.entries: list[_Entry] = []
        """In priority; truthy while any order waits."""
        self._nothing = float("-inf") if highest_first else float("inf")
        self.first_price: Decimal | None = None
        """Where the first order waits."""
        self.reach = self._nothing
        """Price of the first order, for comparisons that may err by half a tick; ±infinity without orders."""
        self.trailing = 0
        """How many of them follow the market."""

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[VenueOrderState]:
        return (order for _, _, order in self.entries)

    @property
    def first(self) -> VenueOrderState | None:
        """Best price, then longest waiting."""
        return self.entries[0][2] if self.entries else None

    def add(self, order: VenueOrderState) -> None:
        """Queue behind all of the same price that came earlier."""
        insort(self.entries, (self._key(order), order.priority, order))
        self._tally.count += 1
        self.trailing += order.trails
        self._reach()

    def remove(self, order: VenueOrderState) -> None:
        """Take out an order that waits here."""
        place = bisect_left(self.entries, (self._key(order), order.priority))
        assert self.entries[place][2] is order
        del self.entries[place]
        self._tally.count -= 1
        self.trailing -= order.trails
        self._reach()

    def _price(self, order: VenueOrderState) -> Decimal:
        price = order.stop_price if self._by_stop else order.price
        assert price is not None
        return price

    def _key(self, order: VenueOrderState) -> Decimal:
        return -self._price(order) if self._highest_first else self._price(order)

    def _reach(self) -> None:
        if self.entries:
            price = self.first_price = self._price(self.entries[0][2])
            self.reach = float(price)
        else:
            self.first_price, self.reach = None, self._nothing
