"""Double entry."""

from __future__ import annotations

from decimal import Decimal, Inexact

import pytest

from actors.ledger.journal import Journal

D = Decimal


def test_a_movement_debits_and_credits_the_same_amount() -> None:
    journal = Journal()
    journal.move("USDT", D("100.10"), "holdings", "deposit")
    journal.move("USDT", D("30"), "fees", "holdings")
    assert journal.holdings == {"USDT": D("70.10")}
    assert journal.total("deposit", "USDT") == D("-100.10")
    assert journal.totals("fees") == {"USDT": D(30)}
    assert journal.trial_balance() == {"USDT": 0}


def test_a_total_that_would_need_rounding_raises_and_changes_nothing() -> None:
    journal = Journal()
    journal.move("USDT", D("1e40"), "holdings", "deposit")
    with pytest.raises(Inexact):
        journal.move("USDT", D("1e-40"), "holdings", "deposit")
    assert journal.holdings == {"USDT": D("1e40")}
    assert journal.trial_balance() == {"USDT": 0}


def test_a_restored_journal_is_the_same_and_its_holdings_are_live() -> None:
    journal, restored = Journal(), Journal()
    journal.move("BTC", D(1), "holdings", "opening")
    restored.restore(journal.snapshot())
    restored.move("BTC", D(1), "holdings", "opening")
    assert restored.holdings == {"BTC": 2}
    assert journal.holdings == {"BTC": 1}


def test_a_damaged_total_shows_in_the_trial_balance() -> None:
    journal = Journal()
    journal.restore({"holdings": {"BTC": D(1)}})
    assert journal.trial_balance() == {"BTC": 1}


def test_totals_of_former_places_are_found_where_they_belong_now() -> None:
    journal = Journal()
    journal.move("USD", D(100), "holdings", "deposit")
    former = journal.snapshot() | {"fee": {"USD": D(3)}, "correction": {"USD": D(-1)}}
    former["holdings"] = {"USD": D(98)}
    journal.restore(former)
    assert (journal.total("fees", "USD"), journal.total("realised", "USD")) == (D(3), D(-1))
    assert not any(journal.trial_balance().values())
