"""What a margin account must hold, and what it pays for what it borrows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, get_args

import msgspec

from actors.model.instrument import Instrument, InstrumentKind


class MarginRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requirements as fractions of notional at mark; those of short positions where they differ."""

    initial: Decimal
    """To open or enlarge a position."""
    maintenance: Decimal
    """To keep it."""
    initial_short: Decimal | None = None
    maintenance_short: Decimal | None = None

    def opening(self, *, is_short: bool) -> Decimal:
        """Initial margin of a position on this side."""
        return self.initial_short if is_short and self.initial_short is not None else self.initial

    def keeping(self, *, is_short: bool) -> Decimal:
        """Maintenance margin of a position on this side."""
        short = self.maintenance_short
        return short if is_short and short is not None else self.maintenance


_HALF, _QUARTER, _TENTH = Decimal("0.5"), Decimal("0.25"), Decimal("0.1")
DEFAULT_RATES: dict[InstrumentKind, MarginRates] = {
    "equity": MarginRates(initial=_HALF, maintenance=_QUARTER, maintenance_short=Decimal("0.3")),
    "spot": MarginRates(initial=_HALF, maintenance=_QUARTER),
    "forex": MarginRates(initial=Decimal("0.05"), maintenance=Decimal("0.03")),
    "future": MarginRates(initial=_TENTH, maintenance=Decimal("0.08")),
    "perpetual": MarginRates(initial=_TENTH, maintenance=Decimal("0.05")),
    "option": MarginRates(initial=Decimal(1), maintenance=Decimal(1)),
}
"""Equities: Regulation T to open, FINRA rule 4210 to keep (a short: 30 %). The others are plain examples."""


class MarginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A margin account: one currency, in which all it trades is quoted."""

    currency: str = "USD"
    rates: dict[str, MarginRates] = {}
    """By instrument, or by its kind: `equity`, `spot`, `forex`, `future`, `perpetual`."""
    borrow: dict[str, Decimal] = {}
    """Yearly rate that short positions pay on their value at mark, by instrument or kind."""
    interest: Decimal = Decimal(0)
    """Yearly rate that is paid on cash owed."""
    days_per_year: Literal[360, 365] = 360
    """A day costs the yearly rate over this; every calendar day counts, at its end in UTC."""
    call_seconds: float = 0.0
    """Between a margin call and the liquidation; 0 liquidates at once."""
    liquidation: Literal["enough", "all"] = "enough"
    """Whether positions are closed, the dearest first, until the rest is covered, or all of them."""

    def rates_of(self, instrument: Instrument) -> MarginRates:
        """Its own, else its kind's, else the default."""
        found = self.rates.get(instrument.id) or self.rates.get(instrument.kind)
        return found or DEFAULT_RATES[instrument.kind]

    def borrow_rate(self, instrument: Instrument) -> Decimal:
        """Yearly; 0 where nothing is charged."""
        return self.borrow.get(instrument.id, self.borrow.get(instrument.kind, Decimal(0)))


def margin_faults(settings: MarginSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys to everything that is wrong, and why it is."""
    for field in ("rates", "borrow"):
        for name in getattr(settings, field):
            if "@" not in name and name not in get_args(InstrumentKind):
                kinds = ", ".join(get_args(InstrumentKind))
                yield (field, name), f"{name!r} is neither an instrument nor one of: {kinds}"
    for name, rates in settings.rates.items():
        for is_short, sides in ((False, "longs"), (True, "shorts")):
            keeping, opening = rates.keeping(is_short=is_short), rates.opening(is_short=is_short)
            if not 0 < keeping <= opening:
                yield (
                    ("rates", name),
                    f"maintenance {keeping} of {sides} must be above 0 and no more than initial {opening}",
                )
    for name, rate in settings.borrow.items():
        if not 0 <= rate < 10:
            yield ("borrow", name), f"{rate} is no yearly rate: write 0.03 for 3 %"
    if not 0 <= settings.interest < 10:
        yield ("interest",), f"{settings.interest} is no yearly rate: write 0.06 for 6 %"
    if settings.call_seconds < 0:
        yield ("call_seconds",), "must not be negative"
