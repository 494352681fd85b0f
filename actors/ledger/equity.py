"""What an account is worth at current marks. Figures for people and charts: `float`, never booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.core.market import MarketBoard
from actors.ledger.account_book import AccountBook
from actors.ledger.lots import Position
from actors.messages.account import AccountSnapshot
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.views.valuation import Valuation


def equity(book: AccountBook, valuation: Valuation, market: MarketBoard) -> float:
    """Σ own holdings in the base currency, and what open contracts have gained since they were made.

    An asset without any price counts nothing, nor does a contract.
    """
    currency = book.settings.base_currency
    worth, _ = valuation.total(book.own_holdings(), currency, market)
    return worth + valuation.open_gains(book.contracts, currency, market) if book.contracts else worth


def at_mark(
    name: str,
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    valuation: Valuation,
    market: MarketBoard,
    now: int,
) -> AccountSnapshot:
    """The account as it stands; P&L and fees of other currencies at today's rate. Changes nothing."""
    currency = book.settings.base_currency
    worth = equity(book, valuation, market)
    realised = unrealised = fees = 0.0
    for position in positions:
        instrument = instruments.get(position.instrument)
        rate = valuation.price(instrument.quote, currency, market) if instrument is not None else None
        if instrument is None or rate is None:
            continue
        realised += float(position.realised_pnl) * rate
        fees += float(position.fees) * rate
        mark = market.mark_price(position.instrument)
        if position.quantity and mark is not None:
            gain = float(position.quantity) * mark - float(position.cost)
            unrealised += gain * float(instrument.multiplier) * rate
    return AccountSnapshot(
        ts_event=now,
        account=name,
        currency=currency,
        equity=worth,
        cash=float(book.journal.holdings.get(currency, ZERO)),
        unrealised_pnl=unrealised,
        realised_pnl=realised,
        fees=fees,
        drawdown=book.drawdown(worth),
    )
