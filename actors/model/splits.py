"""Arithmetic of splits: shares and prices on the other side of one."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from actors.model.instrument import ONE, ZERO, Instrument

STEP = Decimal("1E-12")
"""Quantities and prices that a split makes endless are kept to this."""
_WIDE = Context(prec=40, traps=[])


def share_step(instrument: Instrument) -> Decimal:
    """Smallest quantity that can be held after a split: a share, or a lot where that is less."""
    return min(instrument.lot_size, ONE) or STEP


def scaled(number: Decimal, before: Decimal, after: Decimal) -> Decimal:
    """`number` × `after` / `before`; to `STEP` where that has no end."""
    exact = _WIDE.divide(_WIDE.multiply(number, after), before)
    return plain(exact.quantize(STEP, ROUND_HALF_EVEN, _WIDE))


def plain(number: Decimal) -> Decimal:
    """The same number without zeros behind its last digit."""
    return number.normalize(_WIDE) + ZERO
