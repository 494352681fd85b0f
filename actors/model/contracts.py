"""What an account's derivatives have gained: net quantity at one average cost, as venues reckon it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import NamedTuple

import msgspec

from actors.model.instrument import ZERO

STEP = Decimal("1E-8")
"""A part of an average cost that has no end is cut to this; what is cut stays with the rest."""
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
_WIDE = Context(prec=40, traps=[])


class Contracts(msgspec.Struct, frozen=True, array_like=True):
    """Open contracts of one instrument in one account."""

    quantity: Decimal = ZERO
    """Signed."""
    cost: Decimal = ZERO
    """Σ quantity × price, signed, per unit of multiplier."""


class Settled(NamedTuple):
    """Contracts after a fill, and what it has realised, per unit of multiplier."""

    contracts: Contracts
    gained: Decimal


def settle(held: Contracts, change: Decimal, price: Decimal) -> Settled:
    """Buy (`change` > 0) or sell: what it closes is paid out at once, what it opens costs nothing yet."""
    quantity, cost = held.quantity, held.cost
    if not quantity or (quantity > ZERO) == (change > ZERO):
        added = _EXACT.multiply(change, price)
        return Settled(Contracts(_EXACT.add(quantity, change), _EXACT.add(cost, added)), ZERO)
    if abs(change) < abs(quantity):
        share = _WIDE.divide(_WIDE.multiply(cost, abs(change)), abs(quantity))
        part = share.quantize(STEP, ROUND_HALF_EVEN, _WIDE)
        gained = _EXACT.subtract(_EXACT.multiply(-change, price), part)
        return Settled(Contracts(_EXACT.add(quantity, change), _EXACT.subtract(cost, part)), gained)
    gained = _EXACT.subtract(_EXACT.multiply(quantity, price), cost)
    rest = _EXACT.add(quantity, change)
    return Settled(Contracts(rest, _EXACT.multiply(rest, price)), gained)


def restate(held: Contracts, was: Decimal, price_was: Decimal, becomes: Decimal, price: Decimal) -> Settled:
    """Put signed figures in the place of a fill's that `settle` has counted.

    What is open of it costs otherwise, what is closed of it has gained otherwise, and what is taken back of
    it leaves at its own price.
    """
    quantity = held.quantity
    is_held = bool(quantity) and (quantity > ZERO) == (was > ZERO)
    still_open = (was if abs(was) < abs(quantity) else quantity) if is_held else ZERO
    dearer, change = _EXACT.subtract(price, price_was), _EXACT.subtract(becomes, was)
    cost = _EXACT.add(held.cost, _EXACT.multiply(still_open, dearer))
    gained = _EXACT.multiply(_EXACT.subtract(still_open, was), dearer)
    if is_held and change and (change > ZERO) != (was > ZERO):
        part = change if abs(change) < abs(quantity) else -quantity
        quantity, change = _EXACT.add(quantity, part), _EXACT.subtract(change, part)
        cost = _EXACT.add(cost, _EXACT.multiply(part, price))
        if not quantity:
            gained, cost = _EXACT.subtract(gained, cost), ZERO
    if not change:
        return Settled(Contracts(quantity, cost), gained)
    after = settle(Contracts(quantity, cost), change, price)
    return Settled(after.contracts, _EXACT.add(gained, after.gained))
