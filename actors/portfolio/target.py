"""How much a signal wants to hold: signed quantity, whole lots, rounded towards zero."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

from actors.messages.orders import Direction, Signal
from actors.model.instrument import Instrument
from actors.model.money import ZERO, round_to_lot, to_decimal
from actors.portfolio.sizing import Sizing

_SIGNS: dict[Direction, int] = {"long": 1, "short": -1}


class NoTarget(Exception):
    """A signal cannot be sized now; `code` and `figures` as a denial carries them."""

    def __init__(self, code: str, figures: str) -> None:
        super().__init__(f"{code}: {figures}")
        self.code, self.figures = code, figures


def check_signal(signal: Signal) -> None:
    """Refuse figures that mean nothing.

    Raises:
        NoTarget: Strength outside 0..1, or a weight that is no number.
    """
    if not 0.0 <= signal.strength <= 1.0:
        raise NoTarget("SIGNAL_INVALID", f"strength={signal.strength}, allowed=0..1")
    if signal.target_weight is not None and not isfinite(signal.target_weight):
        raise NoTarget("SIGNAL_INVALID", f"target_weight={signal.target_weight}")


def needs_equity(signal: Signal, sizing: Sizing) -> bool:
    """Whether the target is a share of equity."""
    return signal.target_weight is not None or (
        sizing.method == "target_weight" and signal.direction != "flat"
    )


def wants_something(signal: Signal) -> bool:
    """Whether a signal asks for a position at all."""
    if signal.target_weight is not None:
        return signal.target_weight != 0.0
    return signal.direction != "flat" and signal.strength > 0.0


def target_quantity(
    signal: Signal,
    sizing: Sizing,
    instrument: Instrument,
    *,
    mark: float | None,
    equity: float | None,
) -> Decimal:
    """What the strategy should hold.

    Args:
        mark: Quote per base; needed by everything but `flat` and fixed quantities.
        equity: In quote currency; needed where `needs_equity` says so.
    Raises:
        NoTarget: A figure is missing.
    """
    if signal.target_weight is not None:
        weight = to_decimal(signal.target_weight)
    elif signal.direction == "flat":
        return ZERO
    else:
        weight = _SIGNS[signal.direction] * to_decimal(signal.strength) * sizing.amount
        if not weight:
            return ZERO
        if sizing.method == "fixed_quantity":
            return round_to_lot(weight, instrument.lot_size) or ZERO
    if mark is None or not isfinite(mark) or mark <= 0.0:
        raise NoTarget("PRICE_MISSING", f"instrument={instrument.id}")
    per_unit = to_decimal(mark) * instrument.multiplier
    if not needs_equity(signal, sizing):
        return round_to_lot(weight / per_unit, instrument.lot_size) or ZERO
    if equity is None or not isfinite(equity) or equity <= 0.0:
        raise NoTarget("EQUITY_MISSING", f"equity={equity}")
    return round_to_lot(weight * to_decimal(equity) / per_unit, instrument.lot_size) or ZERO
