"""Fee schedules: what one execution costs, as a list of charges. All amounts are in quote currency.

Each charge has a base and a rate; bounds and rounding hold for each fill, or for the order as a whole: then a
fill costs what the order's charge has grown by. A charge on charges (a tax on a commission) names those it is
raised on.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from actors.errors import ConfigError
from actors.messages.orders import Side
from actors.model.instrument import ZERO
from actors.model.money import Rounding, round_to_lot
from actors.venues.simulated.events import VenueOrderState

FEE_STEP = Decimal("1E-8")
"""Fees are cut to this many decimals where a charge says nothing else."""


def cut(fee: Decimal) -> Decimal:
    """To whole steps, towards zero."""
    return round_to_lot(fee, FEE_STEP) if fee % FEE_STEP else fee


class Charge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a fee schedule."""

    name: str
    base: Literal["notional", "quantity", "fill", "order", "charges"] = "notional"
    """What the rate is of: a fraction of notional, quote currency per unit, per fill or per order, or a
    fraction of the charges named in `of`."""
    rate: Decimal
    """< 0 is a rebate."""
    of: tuple[str, ...] = ()
    """Earlier charges that a charge on charges is raised on."""
    side: Literal["both", "buy", "sell"] = "both"
    liquidity: Literal["both", "maker", "taker"] = "both"
    per: Literal["fill", "order"] = "fill"
    """What the bounds and the rounding below count for."""
    least: Decimal | None = None
    most: Decimal | None = None
    most_share: Decimal | None = None
    """Most as a fraction of notional; holds even against `least`."""
    step: Decimal = FEE_STEP
    rounding: Rounding = "towards_zero"

    def bounded(self, raw: Decimal, notional: Decimal) -> Decimal:
        """The amount charged for a raw amount, both of one fill or of the order so far."""
        if self.least is not None and raw < self.least:
            raw = self.least
        if self.most is not None and raw > self.most:
            raw = self.most
        if self.most_share is not None and raw > notional * self.most_share:
            raw = notional * self.most_share
        return round_to_lot(raw, self.step, self.rounding)


class Schedule:
    """Charges ready to be raised."""

    __slots__ = ("_charges", "_of")

    def __init__(self, charges: Sequence[Charge]) -> None:
        """Check that the charges make a schedule.

        Raises:
            ConfigError: Two of one name, or a charge on one that does not come before it.
        """
        self._charges = tuple(charges)
        places: dict[str, int] = {}
        self._of: list[tuple[int, ...]] = []
        for place, charge in enumerate(self._charges):
            if charge.name in places:
                raise ConfigError(f"two charges are named {charge.name!r}: give each its own name")
            if (charge.base == "charges") != bool(charge.of):
                raise ConfigError(f'charge {charge.name!r} needs base = "charges" and of = […] together')
            for name in charge.of:
                if name not in places:
                    raise ConfigError(
                        f"charge {charge.name!r} is on {name!r}, which is no earlier charge: put it behind it"
                    )
            self._of.append(tuple(places[name] for name in charge.of))
            places[charge.name] = place

    def raise_on(
        self, order: VenueOrderState, quantity: Decimal, notional: Decimal, *, is_maker: bool
    ) -> Decimal:
        """What this fill costs; the order's figures already hold it, and note what it has been charged."""
        charged = list(order.charged) or [ZERO] * (2 * len(self._charges))
        amounts: list[Decimal] = []
        for place, charge in enumerate(self._charges):
            amount = ZERO
            if _applies(charge, order.side, is_maker=is_maker):
                raw = self._raw(place, quantity, notional, amounts)
                if charge.per == "order" or charge.base == "order":
                    raw = charge.rate if charge.base == "order" else charged[2 * place] + raw
                    whole = charge.bounded(raw, order.filled_notional)
                    amount = whole - charged[2 * place + 1]
                    charged[2 * place], charged[2 * place + 1] = raw, whole
                else:
                    amount = charge.bounded(raw, notional)
            amounts.append(amount)
        order.charged = tuple(charged)
        return sum(amounts, ZERO)

    def at_most(self, side: Side, quantity: Decimal, notional: Decimal) -> Decimal:
        """What an order that fills at once would cost, as a maker or a taker, whichever is dearer; ≥ 0."""
        dearest = ZERO
        for is_maker in (False, True):
            amounts: list[Decimal] = []
            for place, charge in enumerate(self._charges):
                if _applies(charge, side, is_maker=is_maker):
                    raw = self._raw(place, quantity, notional, amounts)
                    amounts.append(charge.bounded(raw, notional))
                else:
                    amounts.append(ZERO)
            dearest = max(dearest, sum(amounts, ZERO))
        return dearest

    def _raw(self, place: int, quantity: Decimal, notional: Decimal, amounts: Sequence[Decimal]) -> Decimal:
        """Of one fill, before bounds; `amounts` are those of the charges before it."""
        charge = self._charges[place]
        match charge.base:
            case "notional":
                return charge.rate * notional
            case "quantity":
                return charge.rate * quantity
            case "charges":
                return charge.rate * sum((amounts[other] for other in self._of[place]), ZERO)
            case "fill" | "order":
                return charge.rate


def _applies(charge: Charge, side: Side, *, is_maker: bool) -> bool:
    if charge.side not in ("both", side):
        return False
    return charge.liquidity == "both" or (charge.liquidity == "maker") == is_maker
