"""Arithmetic of bookings: a result that would have to be rounded raises instead."""

from __future__ import annotations

from decimal import Context, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
"""Sums and products of exchange figures need some 40 digits at most; more means a wrong figure."""

add = EXACT.add
subtract = EXACT.subtract
multiply = EXACT.multiply
