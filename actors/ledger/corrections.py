"""Corrected executions in the books: what was booked is taken back, what stands now is booked.

A fill opened lots, or closed lots of fills before it, or both. So that it can be taken back as if it had
never been, the lots of a fill that may change bear its name, and what it closed is remembered. A lot whose
closing falls away is open again at its own price; a closing whose lot falls away becomes a lot itself.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.core.market import MarketBoard
from actors.ledger.account_book import AccountBook, Executed
from actors.ledger.attribution import slippage_of
from actors.ledger.exact import add, multiply, subtract
from actors.ledger.in_kind import fee_value, paid_by_position
from actors.ledger.lots import ClosedTrip, Lot, Position, RoundTrip, follow_trip, trade
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import OrderFilled
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.views.valuation import Valuation

REMEMBERED_MAX = 4_096
"""As many as the OMS may correct."""
RecordKey = tuple[str, str, str]
"""Account, instrument, name of the fill."""


class Record(msgspec.Struct, array_like=True):
    """What a fill that may change has done to its position."""

    key: RecordKey
    price: Decimal
    ts: int
    in_kind: Decimal
    """Part of its fee that the position paid."""
    closed: list[Lot]
    """Lots of others that it closed, oldest first, at their own prices."""


def name_of(fill: OrderFilled | FillCorrected) -> str:
    """What lots call the fill that opened them: unique within account and instrument."""
    return f"{fill.venue_order_id}/{fill.trade_id}"


class Corrections:
    """Fills that may change, and how one is taken back."""

    def __init__(self) -> None:
        self._records: dict[RecordKey, Record] = {}

    def note(self, fill: OrderFilled, position: Position, change: Decimal, in_kind: Decimal) -> str:
        """Remember a fill that is about to be booked; returns what its lots are to be called."""
        name = name_of(fill)
        key = (fill.account, fill.instrument, name)
        self._add(Record(key, fill.price, fill.ts_event, in_kind, closed_by(position, change)))
        return name

    def _add(self, record: Record) -> None:
        self._records[record.key] = record
        if len(self._records) > REMEMBERED_MAX:
            del self._records[next(iter(self._records))]

    def book(
        self,
        book: AccountBook,
        position: Position,
        instrument: Instrument,
        corrected: FillCorrected,
        valuation: Valuation,
        market: MarketBoard,
    ) -> ClosedTrip | None:
        """Put other figures in the place of a fill's; returns a round trip that this has ended."""
        key = (corrected.account, corrected.instrument, name_of(corrected))
        record = self._records.get(key)
        if record is None:
            record = Record(key, corrected.before.price, corrected.ts_filled, ZERO, [])
            self._add(record)
        before, after = _as_fill(corrected, corrected.before), _as_fill(corrected, corrected.after)
        was = subtract(_signed(before), record.in_kind)
        in_kind = paid_by_position(after, instrument, subtract(position.quantity, was))
        becomes = subtract(_signed(after), in_kind)
        realised, trip = position.realised_pnl, position.trip
        is_of_trip = trip is not None and corrected.ts_filled >= trip.ts_opened
        self._reprice(position, instrument, record, was, after.price, trip if is_of_trip else None)
        self._resize(position, instrument, record, was, becomes)
        gained = subtract(position.realised_pnl, realised)
        book.restate_fill(
            instrument, Executed(_signed(before), before.price, record.in_kind),
            Executed(_signed(after), after.price, in_kind), gained,
        )  # fmt: skip
        for fill, paid, sign in ((before, record.in_kind, -1), (after, in_kind, 1)):
            if rest := subtract(fill.fee, paid):
                book.journal.move(fill.fee_currency, rest * sign, "fees", "holdings")
        record.in_kind = in_kind
        change = subtract(becomes, was)
        book.net[instrument.id] = add(book.net.get(instrument.id, ZERO), change)
        position.slippage += slippage_of(after, instrument) - slippage_of(before, instrument)
        fee = subtract(
            fee_value(after, instrument, valuation, market), fee_value(before, instrument, valuation, market)
        )
        if not change and not is_of_trip:
            position.fees += fee
            return None
        return follow_trip(position, instrument, change, ZERO, fee, corrected.ts_event)

    # prices: what a fill had closed, or had opened and others closed, is realised otherwise

    def _reprice(
        self,
        position: Position,
        instrument: Instrument,
        record: Record,
        quantity: Decimal,
        price: Decimal,
        trip: RoundTrip | None,
    ) -> None:
        difference = subtract(price, record.price)
        if not difference:
            return
        name, still_open = record.key[2], ZERO
        for place, lot in enumerate(position.lots):
            if lot.fill == name:
                still_open = add(still_open, lot.quantity)
                position.lots[place] = msgspec.structs.replace(lot, price=price)
        position.cost = add(position.cost, multiply(still_open, difference))
        gained = multiply(subtract(still_open, quantity), difference)
        position.realised_pnl = add(position.realised_pnl, multiply(gained, instrument.multiplier))
        closing = _sum(record.closed)
        if trip is not None:
            trip.exit_value = add(trip.exit_value, multiply(closing, difference))
            since_closed = subtract(add(quantity, closing), still_open)
            trip.entry_value = add(trip.entry_value, multiply(since_closed, difference))
        for other in self._others(record):
            other.closed = [
                msgspec.structs.replace(lot, price=price) if lot.fill == name else lot for lot in other.closed
            ]
        record.price = price

    def _others(self, record: Record) -> list[Record]:
        about = record.key[:2]
        return [each for each in self._records.values() if each.key[:2] == about and each is not record]

    # quantities

    def _resize(
        self, position: Position, instrument: Instrument, record: Record, was: Decimal, becomes: Decimal
    ) -> None:
        change = subtract(becomes, was)
        if not change:
            return
        if not was or (change > ZERO) == (was > ZERO):
            self._trade(position, instrument, Lot(change, record.price, record.ts, record.key[2]))
        else:
            self._take_back(position, instrument, record, -change)
        position.lots.sort(key=lambda lot: lot.ts_opened)

    def _trade(self, position: Position, instrument: Instrument, lot: Lot) -> None:
        """Book a part of a fill as if it came now, and remember what it closes."""
        record = self._records.get((position.account, position.instrument, lot.fill))
        if record is not None:
            record.closed += closed_by(position, lot.quantity)
        trade(position, instrument, lot.quantity, lot.price, lot.ts_opened, lot.fill)

    def _take_back(self, position: Position, instrument: Instrument, record: Record, rest: Decimal) -> None:
        """Undo so much of a fill: what is still open of it, then what it closed, then what closed it."""
        rest = _take_open(position, record.key[2], rest)
        loose: list[Lot] = []
        kept, closed = _split(record.closed, -rest)
        for lot in closed:
            self._unmatch(position, instrument, lot, record.price)
            loose.append(lot)
        record.closed, rest = kept, add(rest, _sum(closed))
        for other in self._others(record) if rest else ():
            mine = [lot for lot in other.closed if lot.fill == record.key[2]]
            _, closed = _split(mine, rest)
            for lot in closed:
                self._unmatch(position, instrument, lot, other.price)
                loose.append(Lot(-lot.quantity, other.price, other.ts, other.key[2]))
            other.closed, rest = _without(other.closed, closed), subtract(rest, _sum(closed))
        if rest:  # nobody remembers what became of it
            loose.append(Lot(-rest, record.price, record.ts))
        for lot in loose:
            self._trade(position, instrument, lot)

    def _unmatch(self, position: Position, instrument: Instrument, lot: Lot, price: Decimal) -> None:
        """A lot was not closed at this price after all."""
        entry, exit_ = multiply(lot.quantity, lot.price), multiply(lot.quantity, price)
        gained = multiply(subtract(exit_, entry), instrument.multiplier)
        position.realised_pnl = subtract(position.realised_pnl, gained)
        trip = position.trip
        if (
            trip is not None
            and abs(trip.closed) >= abs(lot.quantity)
            and (trip.closed > ZERO) == (lot.quantity > ZERO)
        ):
            trip.closed = subtract(trip.closed, lot.quantity)
            trip.entry_value = subtract(trip.entry_value, entry)
            trip.exit_value = subtract(trip.exit_value, exit_)

    # state

    def forget(self, account: str, instrument: str) -> None:
        """Its fills are in other shares now."""
        for key in [key for key in self._records if key[:2] == (account, instrument)]:
            del self._records[key]

    def snapshot(self) -> list[Record]:
        """State for the checkpoint, oldest first."""
        return [msgspec.structs.replace(each, closed=list(each.closed)) for each in self._records.values()]

    def restore(self, records: list[Record]) -> None:
        """Take a checkpoint's."""
        self._records = {
            each.key: msgspec.structs.replace(each, closed=list(each.closed)) for each in records
        }


def closed_by(position: Position, change: Decimal) -> list[Lot]:
    """The lots, the last perhaps in part, that a trade of this signed quantity closes."""
    found: list[Lot] = []
    rest = change
    for lot in position.lots:
        if not rest or (lot.quantity > ZERO) == (rest > ZERO):
            break
        part = lot.quantity if abs(lot.quantity) <= abs(rest) else -rest
        found.append(msgspec.structs.replace(lot, quantity=part))
        rest = add(rest, part)
    return found


def _take_open(position: Position, name: str, rest: Decimal) -> Decimal:
    """Take a fill's own open lots away, newest first; returns what is left to be taken."""
    mine = [lot for lot in position.lots if lot.fill == name]
    _, taken = _split(mine, rest)
    position.lots = _without(position.lots, taken)
    for lot in taken:
        position.quantity = subtract(position.quantity, lot.quantity)
        position.cost = subtract(position.cost, multiply(lot.quantity, lot.price))
    return subtract(rest, _sum(taken))


def _split(lots: list[Lot], wanted: Decimal) -> tuple[list[Lot], list[Lot]]:
    """Lots that stay, and so much of the newest; nothing where they are of the other sign."""
    kept, taken = list(lots), []
    while kept and wanted and (kept[-1].quantity > ZERO) == (wanted > ZERO):
        lot = kept.pop()
        part = lot.quantity if abs(lot.quantity) <= abs(wanted) else wanted
        taken.append(msgspec.structs.replace(lot, quantity=part))
        if part != lot.quantity:
            kept.append(msgspec.structs.replace(lot, quantity=subtract(lot.quantity, part)))
        wanted = subtract(wanted, part)
    return kept, taken


def _without(lots: list[Lot], taken: list[Lot]) -> list[Lot]:
    """Lots less the parts of them that were taken, which name the same fill."""
    rest = list(lots)
    for part in taken:
        for place in range(len(rest) - 1, -1, -1):
            lot = rest[place]
            if (lot.fill, lot.price, lot.ts_opened) != (part.fill, part.price, part.ts_opened):
                continue
            if abs(lot.quantity) < abs(part.quantity):
                continue
            if lot.quantity == part.quantity:
                del rest[place]
            else:
                rest[place] = msgspec.structs.replace(lot, quantity=subtract(lot.quantity, part.quantity))
            break
    return rest


def _sum(lots: list[Lot]) -> Decimal:
    found = ZERO
    for lot in lots:
        found = add(found, lot.quantity)
    return found


def _signed(fill: OrderFilled) -> Decimal:
    return fill.quantity if fill.side == "buy" else -fill.quantity


def _as_fill(corrected: FillCorrected, figures: FillFigures) -> OrderFilled:
    """The fill with these figures, as the books take fills."""
    return OrderFilled(
        ts_event=corrected.ts_filled, client_order_id=corrected.client_order_id, account=corrected.account,
        strategy=corrected.strategy, instrument=corrected.instrument,
        venue_order_id=corrected.venue_order_id, trade_id=corrected.trade_id, side=corrected.side,
        quantity=figures.quantity, price=figures.price, fee=figures.fee, fee_currency=figures.fee_currency,
        liquidity=corrected.liquidity, remaining=ZERO, mid_price=corrected.mid_price,
    )  # fmt: skip
