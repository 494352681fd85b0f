"""What a venue closes of a margin account whose equity no longer covers its positions.

The dearest position first: as many whole lots as bring the requirement down to equity, or all of it. Each is
a market order of the venue's own and fills as one does: at once where quotes show depth, at the next bar's
open where there are bars alone. What it fills at decides: a gap can leave the account with less than nothing.
"""

from __future__ import annotations

from decimal import Decimal

from actors.model.instrument import ONE, ZERO, Instrument
from actors.model.money import round_to_lot
from actors.venues.simulated.margin import MarginAccount


def to_close(account: MarginAccount) -> list[tuple[Instrument, Decimal]]:
    """Instruments and signed changes of position, in the order in which they are made."""
    equity = account.equity()
    missing = account.maintenance() - equity
    wants_all = account.margin.liquidation == "all" or equity <= ZERO
    held = [(account.keeping(instrument, q), instrument, q) for instrument, q in account.held()]
    held.sort(key=lambda each: (-each[0], each[1].id))
    changes = []
    for keeping, instrument, quantity in held:
        if not wants_all and missing <= ZERO:
            break
        closed = abs(quantity)
        if not wants_all and keeping > missing:
            share = round_to_lot(closed * missing / keeping, instrument.lot_size or ONE, "up")
            closed = min(share, closed)
        missing -= keeping * closed / abs(quantity)
        changes.append((instrument, -closed if quantity > ZERO else closed))
    return changes
