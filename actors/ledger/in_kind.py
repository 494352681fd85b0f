"""Fees: which a position pays itself, what they are worth; and what leaves a position with a transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.core.market import MarketBoard
from actors.ledger.account_book import AccountBook
from actors.ledger.exact import add, multiply, subtract
from actors.ledger.lots import (
    ClosedTrip,
    Position,
    Taken,
    follow_trip,
    give_back,
    oldest,
    take_away,
    trade,
)
from actors.messages.account import ExternalFill, ExternalFillShown
from actors.messages.orders import OrderFilled
from actors.model.instrument import ONE, Instrument
from actors.model.money import ZERO, to_decimal
from actors.views.valuation import Valuation

STILL_MISSING = ""
"""What positions lack even after an execution was taken back: others have taken it."""


def paid_by_position(fill: OrderFilled, instrument: Instrument, held: Decimal) -> Decimal:
    """Part of the fee that the strategy's position pays: all of a buy's, of a sale's what is still long."""
    fee = fill.fee
    if fill.fee_currency != instrument.base or not fee or instrument.multiplier != ONE:
        return ZERO
    if instrument.is_derivative:
        return ZERO
    if fill.side == "buy" or fee < ZERO:
        return fee
    return max(ZERO, min(fee, subtract(held, fill.quantity)))


def fee_value(
    fill: OrderFilled, instrument: Instrument, valuation: Valuation, market: MarketBoard
) -> Decimal:
    """The fee in quote currency at the price of the fill; 0 for an asset that has no price yet."""
    if not fill.fee or fill.fee_currency == instrument.quote:
        return fill.fee
    if fill.fee_currency == instrument.base:
        return fill.fee * fill.price
    price = valuation.price(fill.fee_currency, instrument.quote, market)
    return fill.fee * to_decimal(price) if price is not None else ZERO


def shrink(
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    asset: str,
    key: str | None = None,
) -> list[Position]:
    """Take what the account holds no longer off the positions that held it, at cost: no gain and no loss.

    Args:
        key: Remembers what was taken, to be given back should its cause be taken back.
    """
    shrunk = []
    taken_lots: list[Taken] = []
    for position in positions:
        instrument = instruments.get(position.instrument)
        if instrument is None or instrument.unit != asset or position.quantity <= ZERO:
            continue
        net = book.net[position.instrument]
        missing = net - book.journal.holdings[asset] / instrument.multiplier
        taken = min(position.quantity, missing)
        if taken > ZERO:
            taken_lots.append(Taken(position.strategy, position.instrument, oldest(position, taken)))
            book.close_lot(instrument, taken, take_away(position, taken))
            book.net[position.instrument] = subtract(net, taken)
            shrunk.append(position)
    if taken_lots and key is not None:
        book.remember_taken(key, taken_lots)
    return shrunk


def grow_back(
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    key: str,
    ended: list[tuple[Position, ClosedTrip]],
) -> list[Position]:
    """Give positions back what an execution took off them that is taken back itself now.

    Args:
        ended: Is added to: a position that went to the other side since is closed by it.
    """
    grown = []
    for taken in book.taken.pop(key, []):
        for position in positions:
            if (position.strategy, position.instrument) != (taken.strategy, taken.instrument):
                continue
            instrument, ts = instruments[taken.instrument], taken.lots[0].ts_opened
            quantity = sum((lot.quantity for lot in taken.lots), ZERO)
            cost = sum((multiply(lot.quantity, lot.price) for lot in taken.lots), ZERO)
            gained, closed = give_back(position, instrument, taken.lots)
            trip = follow_trip(position, instrument, quantity, closed, ZERO, ts)
            book.close_lot(instrument, -quantity, -cost)
            book.journal.move(instrument.quote, gained, "trading", "realised")
            book.net[position.instrument] = add(book.net[position.instrument], quantity)
            grown.append(position)
            if trip is not None:
                ended.append((position, trip))
    return grown


class Followed(NamedTuple):
    """What an execution of others has changed."""

    assets: list[str]
    positions: list[Position]
    ended: list[tuple[Position, ClosedTrip]]
    is_transfer: bool
    """Whether what came of it is neither profit nor loss."""


def follow_external(
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    fill: ExternalFill,
) -> Followed:
    """Book somebody else's execution, or take it back; what it takes of positions is gone at cost, its
    proceeds are ours, and both come back with it."""
    instrument = instruments[fill.instrument]
    is_shown = isinstance(fill, ExternalFillShown)
    if isinstance(fill, ExternalFillShown) and fill.closes_ours:
        return _close_ours(book, positions, instruments, fill)
    assets = book.take_external(fill, instrument, 1 if is_shown else -1)
    net, key = book.net.get(instrument.id, ZERO), f"{instrument.id}/{fill.venue_order_id}/{fill.trade_id}"
    changed: list[Position] = []
    ended: list[tuple[Position, ClosedTrip]] = []
    if not is_shown:
        for missing in (key, STILL_MISSING):
            changed += grow_back(book, positions, instruments, missing, ended)
        key = STILL_MISSING
    changed += shrink(book, positions, instruments, instrument.base, key)
    if gone := subtract(net, book.net.get(instrument.id, ZERO)):
        book.keep_proceeds(instrument, gone, fill.price)
    return Followed(assets, changed, ended, bool(changed))


def _close_ours(
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    fill: ExternalFillShown,
) -> Followed:
    """A sale of what strategies hold, or a purchase of what they are short, each at a profit or loss; of what
    is more than that it is others'."""
    instrument, rest = instruments[fill.instrument], fill.quantity
    held_sign = 1 if fill.side == "sell" else -1
    changed: list[Position] = []
    ended: list[tuple[Position, ClosedTrip]] = []
    for position in positions:
        closing = min(position.quantity * held_sign, rest)
        if position.instrument != instrument.id or closing <= ZERO:
            continue
        rest, moved = subtract(rest, closing), -held_sign * closing
        fee = fill.fee * closing / fill.quantity if fill.fee_currency == instrument.quote else ZERO
        realised, closed = trade(position, instrument, moved, fill.price, fill.ts_event)
        trip = follow_trip(position, instrument, moved, closed, fee, fill.ts_event)
        book.take_fill(instrument, moved, fill.price, ZERO, realised)
        book.net[instrument.id] = add(book.net[instrument.id], moved)
        changed.append(position)
        if trip is not None:
            ended.append((position, trip))
    if changed and fill.fee:
        book.journal.move(fill.fee_currency, fill.fee, "fees", "holdings")
    left = msgspec.structs.replace(fill, quantity=rest, fee=ZERO if changed else fill.fee, closes_ours=False)
    others = follow_external(book, positions, instruments, left)
    paid = [instrument.quote] if changed else []
    assets = list(dict.fromkeys([*others.assets, *paid, *([fill.fee_currency] if fill.fee else [])]))
    return Followed(assets, [*changed, *others.positions], ended, others.is_transfer)
