"""What an account and its strategies hold, as figures to be multiplied by prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from actors.model.instrument import Instrument
from actors.model.money import ZERO

if TYPE_CHECKING:
    from actors.risk.losses import Held


class Line(NamedTuple):
    """A position as last booked, converted once and valued often; all 0 where the instrument is unknown."""

    instrument: str
    quote: str
    units: float
    """Signed, multiplier included."""
    entry_price: float
    realised: float
    is_unpriced_lot: bool


def line_of(name: str, instrument: Instrument | None, held: Held) -> Line:
    """The figures of a position."""
    if instrument is None:
        return Line(name, "", 0.0, 0.0, 0.0, held.is_unpriced_lot)
    units = float(held.quantity * instrument.multiplier)
    entry_price, realised = float(held.entry_price_average), float(held.realised_pnl)
    return Line(name, instrument.quote, units, entry_price, realised, held.is_unpriced_lot)


def lines_of(held: Mapping[str, Held], instruments: Mapping[str, Instrument]) -> tuple[Line, ...]:
    """The figures of all positions of a strategy."""
    return tuple([line_of(name, instruments.get(name), each) for name, each in held.items()])


def own_part(
    balances: Mapping[str, Decimal], foreign: Mapping[str, Decimal]
) -> tuple[tuple[str, float], ...]:
    """Each asset with what of its balance is not somebody else's; left out where that is nothing."""
    own = ((asset, amount - foreign.get(asset, ZERO)) for asset, amount in balances.items())
    return tuple([(asset, float(amount)) for asset, amount in own if amount])
