"""Splits in the books: new quantities at new prices for the same cost, and whole shares for everybody.

What a strategy holds is scaled lot by lot. Shares are whole (or whole lots, where a lot is less than one):
the account keeps the quantity that its venue states, who holds the largest fraction gets the next share, and
every fraction changes hands at the price of the split: a sale like any other, paid out as cash in lieu.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actors.ledger.account_book import AccountBook
from actors.ledger.exact import add, multiply, subtract, total
from actors.ledger.lots import Lot, Position, follow_trip, trade
from actors.ledger.telling import position_changed, trade_closed
from actors.messages.base import Message
from actors.messages.clearing import PositionSplit
from actors.model.instrument import Instrument
from actors.model.money import ZERO, round_to_lot
from actors.model.splits import plain, scaled, share_step


def apportion(exact: Sequence[Decimal], wanted: Decimal, step: Decimal) -> list[Decimal]:
    """Whole quantities that come to `wanted`: cut towards zero, then the largest fractions get the rest."""
    whole = [round_to_lot(quantity, step) for quantity in exact]
    rest = subtract(wanted, total(whole))
    way = step if rest > ZERO else -step
    while abs(rest) >= step:
        fractions = [(quantity - kept) / way for quantity, kept in zip(exact, whole, strict=True)]
        place = max(range(len(whole)), key=fractions.__getitem__)
        whole[place] = add(whole[place], way)
        rest = subtract(rest, way)
    return whole


def rescale(position: Position, split: PositionSplit) -> tuple[Decimal, Decimal]:
    """Scale the lots and the round trip of a position.

    Returns:
        By how much its quantity and its cost have changed; the cost only by what prices were rounded.
    """
    before, after = split.shares_before, split.shares_after
    held, cost = position.quantity, position.cost
    target, lots = scaled(held, before, after), []
    rest = target
    for place, lot in enumerate(position.lots):
        is_last = place == len(position.lots) - 1
        quantity = rest if is_last else scaled(lot.quantity, before, after)
        rest = subtract(rest, quantity)
        lots.append(Lot(quantity, scaled(lot.price, after, before), lot.ts_opened))
    position.lots, position.quantity = lots, target
    position.cost = total(multiply(lot.quantity, lot.price) for lot in lots)
    trip = position.trip
    if trip is not None:
        trip.quantity_max = scaled(trip.quantity_max, before, after)
        trip.closed = scaled(trip.closed, before, after)
    return subtract(target, held), subtract(position.cost, cost)


def book_split(
    book: AccountBook, positions: Sequence[Position], instrument: Instrument, split: PositionSplit
) -> list[Message]:
    """Book a split for everybody who holds the instrument; returns what is to be said of their positions."""
    holders = [position for position in positions if position.instrument == instrument.id]
    move, multiplier, step = book.journal.move, instrument.multiplier, share_step(instrument)
    held = total(position.quantity for position in holders)
    strangers = book.journal.total("holdings", instrument.base) - multiply(held, multiplier)
    for position in holders:
        more, dearer = rescale(position, split)
        move(instrument.base, multiply(more, multiplier), "holdings", "trading")
        move(instrument.quote, multiply(dearer, multiplier), "trading", "adjustment")
    exact = [position.quantity for position in holders]
    ours = round_to_lot(total(exact), step)
    is_all = not strangers and abs(split.quantity - ours) <= step * len(holders)
    if is_all:
        ours = split.quantity
    said, paid = _pay_fractions(book, holders, apportion(exact, ours, step), instrument, split)
    left = multiply(split.quantity, multiplier) - book.journal.total("holdings", instrument.base)
    move(instrument.base, left, "holdings", "adjustment")  # what no strategy holds is split, too
    if odd := subtract(split.cash_in_lieu, paid):
        move(instrument.quote, odd, "holdings", "realised" if is_all else "adjustment")
        if is_all and holders:
            holders[-1].realised_pnl = add(holders[-1].realised_pnl, odd)
    net = book.net[instrument.id] = total(position.quantity for position in holders)
    cause = f"split:{split.action_id}"
    said += [position_changed(position, net, split.ts_event, cause, ZERO) for position in holders]
    return said


def _pay_fractions(
    book: AccountBook,
    holders: Sequence[Position],
    whole: Sequence[Decimal],
    instrument: Instrument,
    split: PositionSplit,
) -> tuple[list[Message], Decimal]:
    """Sell, or buy, what each position has beside whole shares; returns trades closed and cash received."""
    said: list[Message] = []
    paid = ZERO
    for position, quantity in zip(holders, whole, strict=True):
        change = subtract(quantity, position.quantity)
        if not change:
            continue
        realised, closed = trade(position, instrument, change, split.price, split.ts_event)
        ended = follow_trip(position, instrument, change, closed, ZERO, split.ts_event)
        book.take_fill(instrument, change, split.price, ZERO, realised)
        position.quantity = plain(position.quantity)
        paid = subtract(paid, multiply(multiply(change, instrument.multiplier), split.price))
        if ended is not None:
            said.append(trade_closed(position, ended, split.ts_event))
    return said, paid
