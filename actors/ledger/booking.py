"""Beside trades: what the books can hold, lots given to strategies, what a correction touches."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

from actors.errors import ConfigError, InvariantBroken
from actors.ledger.account_book import AccountBook
from actors.ledger.exact import add
from actors.ledger.lots import Position, follow_trip, trade
from actors.messages.account import LotOpened
from actors.messages.corrections import FillCorrected
from actors.model.instrument import Instrument
from actors.model.money import ZERO

KEYS_MAX = 1024
BookedKey = tuple[str, str, str, str]
"""Account, instrument, and what names a booking there."""
T = TypeVar("T")


class BookedKeys:
    """Newest bookings, so that nothing is twice: the OMS sees to that, these are the second guard."""

    def __init__(self) -> None:
        self._keys: dict[BookedKey, None] = {}

    def is_new(self, key: BookedKey) -> bool:
        """Whether it was not booked; from now on it was."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > KEYS_MAX:
            del self._keys[next(iter(self._keys))]
        return True

    def snapshot(self) -> list[BookedKey]:
        """State for the checkpoint, oldest first."""
        return list(self._keys)

    def restore(self, keys: list[BookedKey]) -> None:
        """Take a checkpoint's."""
        self._keys = dict.fromkeys(keys)


def check_bookable(instruments: Iterable[Instrument]) -> None:
    """Refuse what the books cannot hold.

    Raises:
        ConfigError: There is an option among them.
    """
    for instrument in instruments:
        if instrument.kind == "option":
            raise ConfigError(
                f"{instrument.id} is an option, which cannot be booked: remove it from the configuration"
            )


def check_configured(
    positions: Iterable[Position], accounts: Container[str], instruments: Container[str]
) -> None:
    """Refuse books that hold what nobody could trade.

    Raises:
        ConfigError: An account or instrument of an open position is no longer configured.
    """
    for p in positions:
        if p.quantity and (p.account not in accounts or p.instrument not in instruments):
            raise ConfigError(
                f"the books hold {p.quantity} {p.instrument} of {p.strategy} at {p.account}: "
                "configure that account and instrument again until it is closed"
            )


def configured(known: Mapping[str, T], name: str, where: str) -> T:
    """What a booking is about.

    Raises:
        InvariantBroken: It is not configured.
    """
    found = known.get(name)
    if found is None:
        raise InvariantBroken(f"a booking {where} {name!r}, which is not configured")
    return found


def book_lot(book: AccountBook, position: Position, instrument: Instrument, lot: LotOpened) -> Decimal:
    """A part of what was there is the strategy's now; returns the account's net position."""
    book.lots_opened[lot.lot_id] = None
    _, closed = trade(position, instrument, lot.quantity, lot.entry_price, lot.ts_event)
    follow_trip(position, instrument, lot.quantity, closed, ZERO, lot.ts_event)
    book.open_lot(instrument, lot.quantity, lot.entry_price)
    net = book.net[lot.instrument] = add(book.net.get(lot.instrument, ZERO), lot.quantity)
    return net


def touched_by(corrected: FillCorrected, instrument: Instrument, book: AccountBook) -> dict[str, Decimal]:
    """Assets that a correction may move, with what is held of each."""
    assets = [instrument.quote, corrected.before.fee_currency, corrected.after.fee_currency]
    if not instrument.is_derivative:
        assets.insert(0, instrument.base)
    return {asset: book.journal.holdings.get(asset, ZERO) for asset in assets if asset}
