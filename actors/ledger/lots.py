"""One strategy's position in one instrument: its open lots, first in first out, and its round trips."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from actors.ledger.exact import add, multiply, subtract
from actors.messages.assigning import PositionMoved
from actors.model.instrument import ONE, Instrument
from actors.model.money import ZERO


class Lot(msgspec.Struct, frozen=True, array_like=True):
    """A part of a position that came in at one price."""

    quantity: Decimal
    """Signed."""
    price: Decimal
    ts_opened: int
    fill: str = ""
    """The fill that opened it, where that may still be corrected."""


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """Lots that left a strategy's position with what the account holds no longer."""

    strategy: str
    instrument: str
    lots: list[Lot]


class RoundTrip(msgspec.Struct, array_like=True):
    """A position from flat to flat; less than one lot, which nobody can trade, counts as flat."""

    direction: Literal["long", "short"]
    ts_opened: int
    quantity_max: Decimal = ZERO
    closed: Decimal = ZERO
    """Signed quantity closed so far, > 0 of a long position."""
    entry_value: Decimal = ZERO
    """Closed quantity at the prices of the lots it closed."""
    exit_value: Decimal = ZERO
    """Closed quantity at the prices it was closed at."""
    fees: Decimal = ZERO
    """Quote currency."""


class ClosedTrip(msgspec.Struct, frozen=True):
    """What a round trip came to."""

    direction: Literal["long", "short"]
    quantity: Decimal
    """Largest held."""
    entry_price: Decimal
    exit_price: Decimal
    realised_pnl: Decimal
    fees: Decimal
    ts_opened: int


class Position(msgspec.Struct, array_like=True):
    """Signed quantity, cost and lots of one (account, strategy, instrument)."""

    account: str
    strategy: str
    instrument: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    """Σ lot quantity × lot price: signed, per unit of multiplier."""
    realised_pnl: Decimal = ZERO
    """Since the first booking, quote currency, before fees."""
    fees: Decimal = ZERO
    """Since the first booking, quote currency at the prices of the fills."""
    lots: list[Lot] = []
    trip: RoundTrip | None = None
    slippage: Decimal = ZERO
    """Quote currency: fills against the mids that their orders were decided at, > 0 a cost."""
    dividends: Decimal = ZERO
    """Quote currency, > 0 received."""
    funding: Decimal = ZERO
    """Quote currency, > 0 paid."""
    borrow: Decimal = ZERO
    """Quote currency, > 0 paid."""

    @property
    def entry_price_average(self) -> Decimal:
        """Quote per base, rounded to 28 digits; 0 when flat."""
        return self.cost / self.quantity if self.quantity else ZERO

    def copy(self) -> Position:
        """The same state, sharing nothing that changes."""
        trip = msgspec.structs.replace(self.trip) if self.trip is not None else None
        return msgspec.structs.replace(self, lots=list(self.lots), trip=trip)


def trade(
    position: Position, instrument: Instrument, quantity: Decimal, price: Decimal, ts: int, fill: str = ""
) -> tuple[Decimal, Decimal]:
    """Buy (`quantity` > 0) or sell (< 0): close the oldest lots on the other side, open what is left.

    Args:
        fill: What the lot it opens is called, if it may be corrected.
    Returns:
        Realised P&L in quote currency, and the quantity that was closed (≥ 0).
    """
    lots, rest, trip = position.lots, quantity, position.trip
    gained = closed_total = ZERO
    while rest and lots and (lots[0].quantity > ZERO) != (rest > ZERO):
        lot = lots[0]
        if abs(lot.quantity) <= abs(rest):
            closed = lot.quantity
            lots.pop(0)
        else:
            closed = -rest
            lots[0] = Lot(subtract(lot.quantity, closed), lot.price, lot.ts_opened, lot.fill)
        entry, exit_ = multiply(closed, lot.price), multiply(closed, price)
        gained = add(gained, subtract(exit_, entry))
        rest = add(rest, closed)
        closed_total = add(closed_total, abs(closed))
        position.cost = subtract(position.cost, entry)
        if trip is not None:
            trip.closed = add(trip.closed, closed)
            trip.entry_value = add(trip.entry_value, entry)
            trip.exit_value = add(trip.exit_value, exit_)
    if rest:
        lots.append(Lot(rest, price, ts, fill))
        position.cost = add(position.cost, multiply(rest, price))
    position.quantity = add(position.quantity, quantity)
    if gained and instrument.multiplier != ONE:
        gained = multiply(gained, instrument.multiplier)
    position.realised_pnl = add(position.realised_pnl, gained)
    return gained, closed_total


def take_away(position: Position, quantity: Decimal) -> Decimal:
    """Shrink a long position by its oldest lots without any gain; returns their cost."""
    rest, cost = quantity, ZERO
    while rest:
        lot = position.lots[0]
        taken = min(lot.quantity, rest)
        rest = subtract(rest, taken)
        cost = add(cost, multiply(taken, lot.price))
        if taken == lot.quantity:
            position.lots.pop(0)
        else:
            position.lots[0] = Lot(subtract(lot.quantity, taken), lot.price, lot.ts_opened, lot.fill)
    position.quantity = subtract(position.quantity, quantity)
    position.cost = subtract(position.cost, cost)
    if not position.quantity:
        position.trip = None
    return cost


def oldest(position: Position, quantity: Decimal) -> list[Lot]:
    """The lots that make up so much of a long position, oldest first; the last of them perhaps in part."""
    found, rest = [], quantity
    for lot in position.lots:
        part = min(lot.quantity, rest)
        found.append(Lot(part, lot.price, lot.ts_opened, lot.fill))
        rest = subtract(rest, part)
        if not rest:
            break
    return found


def give_back(position: Position, instrument: Instrument, lots: list[Lot]) -> tuple[Decimal, Decimal]:
    """Undo `take_away`: the oldest lots again, less what they close of a position gone short. As `trade`."""
    gained = closed = ZERO
    newer = len(position.lots) if position.quantity > ZERO else 0
    for lot in lots:
        of_lot = trade(position, instrument, lot.quantity, lot.price, lot.ts_opened, lot.fill)
        gained, closed = add(gained, of_lot[0]), add(closed, of_lot[1])
    position.lots = position.lots[newer:] + position.lots[:newer]
    return gained, closed


def hand_over(positions: dict[tuple[str, str, str], Position], moved: PositionMoved) -> list[Position]:
    """Everything one strategy holds becomes another's; returns both, none where they are opposed."""
    account, instrument = moved.account, moved.instrument
    source = positions.get((account, moved.former, instrument))
    if source is None or not source.quantity or moved.former == moved.strategy:
        return []
    target = positions.setdefault(
        (account, moved.strategy, instrument), Position(account, moved.strategy, instrument)
    )
    if source.quantity * target.quantity < ZERO:
        return []
    target.lots = sorted([*target.lots, *source.lots], key=lambda lot: lot.ts_opened)
    target.quantity, target.cost = add(target.quantity, source.quantity), add(target.cost, source.cost)
    if target.trip is None:
        target.trip = source.trip
    else:
        target.trip.quantity_max = max(target.trip.quantity_max, abs(target.quantity))
    source.lots, source.quantity, source.cost, source.trip = [], ZERO, ZERO, None
    return [source, target]


def follow_trip(
    position: Position, instrument: Instrument, quantity: Decimal, closed: Decimal, fee: Decimal, ts: int
) -> ClosedTrip | None:
    """Carry the round trip on after `trade`; a fill through zero ends one and begins the next.

    Args:
        fee: Of this fill, quote currency; divided between two trips by the quantity each had of it.
    """
    position.fees += fee
    trip, held = position.trip, position.quantity
    is_flat = not held or abs(held) < instrument.lot_size
    ended: ClosedTrip | None = None
    if trip is not None and (is_flat or (held > ZERO) != (trip.direction == "long")):
        share = fee * closed / abs(quantity) if not is_flat and quantity else fee
        trip.fees += share
        fee -= share
        ended = _ended(trip, instrument)
        trip = position.trip = None
    if trip is None:
        if is_flat:
            return ended
        trip = position.trip = RoundTrip("long" if held > ZERO else "short", ts)
    trip.fees += fee
    trip.quantity_max = max(trip.quantity_max, abs(held))
    return ended


def _ended(trip: RoundTrip, instrument: Instrument) -> ClosedTrip | None:
    if not trip.closed:
        return None
    return ClosedTrip(
        direction=trip.direction,
        quantity=trip.quantity_max,
        entry_price=trip.entry_value / trip.closed,
        exit_price=trip.exit_value / trip.closed,
        realised_pnl=multiply(subtract(trip.exit_value, trip.entry_value), instrument.multiplier),
        fees=trip.fees,
        ts_opened=trip.ts_opened,
    )
