"""What the recorded market offers: displayed levels, each of which can be taken once until it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from actors.messages.market import Level
from actors.model.instrument import ZERO, Instrument
from actors.model.money import round_to_lot, round_to_tick, to_decimal

UNLIMITED = Decimal("Infinity")
_CACHE_MAX = 50_000
_ENDLESS = float("inf")


ToTicks = Callable[[float], Decimal]
"""A `float` price as whole ticks."""


class KnownTicks(dict[float, Decimal]):
    """`float` prices as whole ticks, each computed once."""

    __slots__ = ("_tick_size",)

    def __init__(self, tick_size: Decimal) -> None:
        super().__init__()
        self._tick_size = tick_size

    def __missing__(self, price: float) -> Decimal:
        if len(self) >= _CACHE_MAX:
            self.clear()
        exact = to_decimal(price)
        if self._tick_size and exact % self._tick_size:
            exact = round_to_tick(price, self._tick_size, "nearest")
        self[price] = exact
        return exact


class Depth(Protocol):
    """What an incoming order meets besides orders of our own."""

    def best(self) -> tuple[Decimal, Decimal] | None:
        """Price and quantity on offer; quantity 0 at the last price when all is taken; None without price."""

    def take(self, quantity: Decimal) -> None:
        """Use up part of what `best` has just shown."""

    def offers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """All prices and quantities on offer, best first."""


class Print:
    """One price with a quantity: a recorded trade, or the point of a bar where the market is."""

    __slots__ = ("price", "quantity", "used")

    def __init__(self, price: Decimal, quantity: Decimal = UNLIMITED, *, used: Decimal = ZERO) -> None:
        self.price = price
        self.quantity = quantity
        """What is left."""
        self.used = used

    def best(self) -> tuple[Decimal, Decimal] | None:
        """See `Depth`."""
        return self.price, self.quantity

    def take(self, quantity: Decimal) -> None:
        """See `Depth`."""
        self.used += quantity
        if self.quantity is not UNLIMITED:
            self.quantity -= quantity

    def offers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """See `Depth`."""
        yield self.price, self.quantity


class SideState(msgspec.Struct, array_like=True):
    """One side as checkpoints keep it."""

    levels: list[Level]
    taken: list[tuple[float, Decimal]]


class AmbientSide:
    """Displayed levels of one side of the recorded book."""

    __slots__ = ("_descending", "_lot_size", "_prices", "_ticks", "_unlimited", "levels", "taken")

    def __init__(
        self, *, descending: bool, instrument: Instrument, ticks: ToTicks, unlimited: bool = False
    ) -> None:
        self._descending = descending
        self._unlimited = unlimited
        self._ticks = ticks
        self._lot_size = instrument.lot_size
        self.levels: dict[float, float] = {}
        self.taken: dict[float, Decimal] = {}
        """What our orders have used up of a level since its size last changed."""
        self._prices: list[float] | None = []

    def best_price(self) -> Decimal | None:
        """Touch, whatever has been taken of it."""
        prices = self._sorted()
        return self._ticks(prices[0]) if prices else None

    def best(self) -> tuple[Decimal, Decimal] | None:
        """See `Depth`."""
        found = self._first_left()
        if found is not None:
            return self._ticks(found[0]), found[1]
        prices = self._sorted()
        return (self._ticks(prices[-1]), ZERO) if prices else None

    def take(self, quantity: Decimal) -> None:
        """See `Depth`."""
        if self._unlimited:
            return
        found = self._first_left()
        assert found is not None, "nothing on offer"
        assert quantity <= found[1]
        self.taken[found[0]] = self.taken.get(found[0], ZERO) + quantity

    def offers(self) -> Iterator[tuple[Decimal, Decimal]]:
        """See `Depth`."""
        for price in self._sorted():
            left = self._left(price)
            if left > ZERO:
                yield self._ticks(price), left

    def displayed(self, price: Decimal) -> Decimal | None:
        """Size shown at a price; None where nobody can see."""
        size = self.levels.get(float(price))
        if size is not None:
            return round_to_lot(size, self._lot_size)
        prices = self._sorted()
        if not prices:
            return None
        worst = self._ticks(prices[-1])
        return None if (price < worst if self._descending else price > worst) else ZERO

    def replace(self, levels: Iterable[Level]) -> None:
        """The whole side anew; what was taken of an unchanged level stays taken."""
        least = -1.0 if self._unlimited else 0.0  # where sizes do not count, their absence does not either
        new = {price: size for price, size in levels if 0 < price < _ENDLESS and least < size < _ENDLESS}
        self._keep_taken(new)
        self.levels, self._prices = new, None

    def replace_one(self, price: float, size: float) -> None:
        """The whole side is this one level."""
        if self.levels.get(price) != size or len(self.levels) != 1:
            self.replace(((price, size),))

    def update(self, price: float, size: float) -> None:
        """One level anew; size 0 removes it."""
        old = self.levels.get(price)
        if old == size:
            return
        self.taken.pop(price, None)
        if 0 < size < _ENDLESS:
            self.levels[price] = size
            if old is None:
                self._prices = None
        elif old is not None:
            del self.levels[price]
            self._prices = None

    def cut(self, price: float, size: float) -> None:
        """The touch is here: whatever was better is gone."""
        for better in [p for p in self.levels if (p > price if self._descending else p < price)]:
            self.update(better, 0.0)
        if 0 < price < _ENDLESS:
            self.update(price, size)

    def snapshot(self) -> SideState:
        """State for the checkpoint."""
        return SideState(list(self.levels.items()), list(self.taken.items()))

    def restore(self, state: SideState) -> None:
        """Take a checkpoint's state."""
        self.levels, self.taken, self._prices = dict(state.levels), dict(state.taken), None

    def _keep_taken(self, new: Mapping[float, float]) -> None:
        if self.taken:
            same = {p: q for p, q in self.taken.items() if new.get(p) == self.levels.get(p)}
            self.taken = same

    def _sorted(self) -> list[float]:
        if self._prices is None:
            self._prices = sorted(self.levels, reverse=self._descending)
        return self._prices

    def _left(self, price: float) -> Decimal:
        if self._unlimited:
            return UNLIMITED
        size = round_to_lot(self.levels[price], self._lot_size)
        return size - self.taken.get(price, ZERO)

    def _first_left(self) -> tuple[float, Decimal] | None:
        for price in self._sorted():
            left = self._left(price)
            if left > ZERO:
                return price, left
        return None
