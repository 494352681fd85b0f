"""The peak that drawdowns are measured from, and how books notice that they contradict themselves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.ledger.account_book import AccountBook, LedgerAccount
from actors.ledger.lots import Position, trade
from tests.ledger.build import BTC, INSTRUMENTS

D = Decimal


def a_book() -> AccountBook:
    return AccountBook(LedgerAccount(base_currency="USDT"))


def test_drawdown_is_measured_from_the_highest_equity_seen() -> None:
    book, seen = a_book(), []
    for equity in (100.0, 90.0, 120.0, 60.0):
        seen.append(book.drawdown(equity))
        book.valued(equity)
    assert seen == [0.0, pytest.approx(-0.1), 0.0, -0.5]


def test_asking_for_the_drawdown_does_not_raise_the_peak() -> None:
    book = a_book()
    assert book.drawdown(100.0) == 0.0
    assert book.drawdown(90.0) == 0.0


@pytest.mark.parametrize("amount", [-50.0, 900.0])
def test_a_transfer_leaves_the_drawdown_what_it_was(amount: float) -> None:
    book = a_book()
    book.valued(100.0)
    assert book.drawdown(90.0) == pytest.approx(-0.1)
    book.equity_moved(90.0, 90.0 + amount)
    assert book.drawdown(90.0 + amount) == pytest.approx(-0.1)


def test_an_emptied_account_starts_its_peak_anew() -> None:
    book = a_book()
    book.valued(100.0)
    book.equity_moved(100.0, 0.0)
    assert book.drawdown(0.0) == 0.0
    book.equity_moved(0.0, 10.0)
    assert book.drawdown(9.0) == pytest.approx(-0.1)


def test_lots_without_their_booking_are_noticed() -> None:
    book, position, instrument = a_book(), Position("main", "s", BTC), INSTRUMENTS[BTC]
    assert book.broken([position], INSTRUMENTS) is None
    trade(position, instrument, D(2), D(100), 0)
    assert book.broken([position], INSTRUMENTS) == "lots come to -2 BTC, the journal to 0"
    book.take_fill(instrument, D(2), D(100), D(0), D(0))
    assert book.broken([position], INSTRUMENTS) is None


def test_a_journal_that_does_not_balance_is_noticed() -> None:
    book = a_book()
    book.journal.restore({"holdings": {"USDT": D("0.01")}})
    assert book.broken([], INSTRUMENTS) == "the trial balance of USDT is 0.01, not 0"
