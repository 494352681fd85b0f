"""Charges in the books: accounts of their own, each strategy's part, and what they leave of a result."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.ledger.attribution import Attribution
from actors.messages.clearing import ChargeBooked, ChargeKind, PositionCharged
from tests.ledger.build import BTC, Rig, a_fill, a_quote

D = Decimal


def a_charge(kind: ChargeKind, amount: str, quantity: str, charge_id: str = "1") -> PositionCharged:
    return PositionCharged(
        ts_event=9,
        account="main",
        instrument=None if kind == "interest" else BTC,
        kind=kind,
        asset="USDT",
        amount=D(amount),
        quantity=D(quantity),
        charge_id=charge_id,
    )


def parts(rig: Rig, charge: PositionCharged) -> list[tuple[str, Decimal]]:
    return [(m.strategy, m.amount) for m in rig.feed(charge) if isinstance(m, ChargeBooked)]


@pytest.mark.parametrize("kind", ["dividend", "funding", "borrow", "interest"])
def test_each_kind_has_an_account_of_its_own(kind: ChargeKind) -> None:
    rig = Rig()
    rig.feed(a_charge(kind, "-3", "0"))
    book = rig.ledger._books["main"]
    assert rig.balance("USDT") == D(-3)
    assert book.journal.totals(kind) == {"USDT": D(3)}
    assert not any(rig.ledger.trial_balance("main").values())


def test_strategies_share_by_what_they_hold_and_thirds_add_up() -> None:
    rig = Rig()
    for strategy in "abc":
        rig.feed(a_fill("buy", "1", "100", strategy=strategy))
    found = parts(rig, a_charge("dividend", "1", "3"))
    assert found == [("a", D("0.33333333")), ("b", D("0.33333333")), ("c", D("0.33333334"))]


def test_who_stands_against_the_account_receives_what_it_pays() -> None:
    rig = Rig()
    rig.feed(a_fill("sell", "8", "100", strategy="a"), a_fill("buy", "3", "100", strategy="b"))
    assert parts(rig, a_charge("borrow", "-5", "-5")) == [("a", D(-8)), ("b", D(3))]


def test_a_charge_told_twice_is_booked_once_and_another_of_the_same_day_too() -> None:
    rig = Rig()
    rig.feed(a_charge("borrow", "-1", "0"), a_charge("borrow", "-1", "0"), a_charge("interest", "-1", "0"))
    assert rig.balance("USDT") == D(-2)


def test_a_result_is_what_mids_would_have_given_less_every_cost() -> None:
    rig = Rig()
    rig.feed(a_quote(100.0))
    bought = msgspec.structs.replace(a_fill("buy", "2", "101", fee="0.5"), mid_price=100.0)
    sold = msgspec.structs.replace(a_fill("sell", "1", "109", fee="0.25"), mid_price=110.0)
    rig.feed(bought, sold, a_quote(120.0))
    rig.feed(
        a_charge("funding", "-0.7", "1"), a_charge("borrow", "-0.2", "1"), a_charge("dividend", "0.1", "1")
    )
    (line,) = rig.ledger.attribution("main")
    # at mids: 100 → 110 for one, 100 → 120 for the other
    assert line == Attribution(
        strategy="s",
        instrument=BTC,
        currency="USDT",
        gross=D(30),
        slippage=D(3),
        fees=D("0.75"),
        borrow=D("0.2"),
        funding=D("0.7"),
        dividends=D("0.1"),
        net=D("25.45"),
    )
