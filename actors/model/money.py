"""Exact money: the only two places where a number is rounded, and the only way from `float` to `Decimal`."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from math import isfinite
from typing import Literal

ZERO = Decimal(0)

Rounding = Literal["down", "up", "nearest", "towards_zero"]

_MODES = {
    "down": ROUND_FLOOR,
    "up": ROUND_CEILING,
    "nearest": ROUND_HALF_EVEN,
    "towards_zero": ROUND_DOWN,
}


def to_decimal(number: Decimal | float | int | str) -> Decimal:
    """The shortest decimal that reads back as the same number; `float` goes by way of `repr`.

    Raises:
        ValueError: Not a finite number.
    """
    if number.__class__ is float and number:
        return _of_float(number)
    value = number if isinstance(number, Decimal) else Decimal(str(number))
    if not value.is_finite():
        raise ValueError(f"{number!r} is not a finite number")
    return value


@lru_cache(maxsize=4096)
def _of_float(number: float) -> Decimal:
    """One price is converted by several actors in a row; zero is left out, it has two signs."""
    if not isfinite(number):
        raise ValueError(f"{number!r} is not a finite number")
    return Decimal(repr(number))


def _round_to_step(number: Decimal | float, step: Decimal, rounding: Rounding) -> Decimal:
    if number.__class__ is Decimal and number.is_finite():
        value = number
    else:
        value = to_decimal(number)
    if not step:
        return value
    # repr noise of a float product (0.1 + 0.2) must not push a whole step: settle it far below the step first
    if isinstance(number, float):
        value = value.quantize(step.scaleb(-6), rounding=ROUND_HALF_EVEN)
    return (value / step).to_integral_value(rounding=_MODES[rounding]) * step


def round_to_tick(price: Decimal | float, tick_size: Decimal, rounding: Rounding) -> Decimal:
    """Nearest price on the grid in the named direction; a `tick_size` of 0 means no grid."""
    return _round_to_step(price, tick_size, rounding)


def round_to_lot(
    quantity: Decimal | float, lot_size: Decimal, rounding: Rounding = "towards_zero"
) -> Decimal:
    """Nearest quantity on the grid in the named direction; a `lot_size` of 0 means no grid."""
    if lot_size and quantity.__class__ is Decimal and quantity.is_finite():  # what every order passes
        return (quantity / lot_size).to_integral_value(_MODES[rounding]) * lot_size
    return _round_to_step(quantity, lot_size, rounding)
