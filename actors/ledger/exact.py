"""Arithmetic of bookings: a result that would have to be rounded raises instead."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from functools import reduce

EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
"""Sums and products of exchange figures need some 40 digits at most; more means a wrong figure."""

add = EXACT.add
subtract = EXACT.subtract
multiply = EXACT.multiply


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Sum of any number of amounts."""
    return reduce(add, amounts, Decimal(0))
