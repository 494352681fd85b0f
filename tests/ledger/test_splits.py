"""Splits in the books: whole shares for all, the same cost, fractions sold at the price of the split."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ledger.splits import apportion
from actors.messages.account import PositionChanged, TradeClosed
from actors.messages.clearing import PositionSplit
from tests.ledger.build import SHARE, Rig, a_fill, a_quote

D = Decimal


def a_split(
    quantity: str, after: str, before: str, price: str = "0", lieu: str = "0", action_id: str = "x"
) -> PositionSplit:
    return PositionSplit(
        ts_event=9,
        account="main",
        instrument=SHARE,
        shares_before=D(before),
        shares_after=D(after),
        quantity=D(quantity),
        price=D(price),
        cash_in_lieu=D(lieu),
        action_id=action_id,
    )


@pytest.mark.parametrize(
    ("exact", "wanted", "whole"),
    [
        (("52.5", "105"), "157", ("52", "105")),
        (("52.5", "52.5"), "105", ("53", "52")),
        (("3.3", "3.4", "3.3"), "10", ("3", "4", "3")),
        (("-52.5", "-105"), "-157", ("-52", "-105")),
        (("-0.6", "-0.7"), "-1", ("0", "-1")),
        (("5.5", "-2.5"), "3", ("5", "-2")),
    ],
)
def test_the_largest_fraction_gets_the_next_share(
    exact: tuple[str, ...], wanted: str, whole: tuple[str, ...]
) -> None:
    assert apportion([D(each) for each in exact], D(wanted), D(1)) == [D(each) for each in whole]


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=6))
def test_parts_come_to_the_whole_and_none_is_a_share_away_from_its_own(cents: list[int]) -> None:
    exact = [D(each) / 100 for each in cents]
    wanted = D(int(sum(exact)))
    whole = apportion(exact, wanted, D(1))
    assert sum(whole) == wanted
    assert all(abs(part - each) <= 1 for part, each in zip(whole, exact, strict=True))


def test_lots_keep_their_cost_and_order_and_a_round_trip_goes_on() -> None:
    rig = Rig()
    rig.feed(
        a_quote(1.0), a_fill("buy", "10", "30", instrument=SHARE), a_fill("buy", "10", "60", instrument=SHARE)
    )
    rig.feed(a_fill("sell", "5", "60", instrument=SHARE))
    change = rig.one(PositionChanged, a_split("45", "3", "1"))
    assert (change.quantity, change.client_order_id, change.filled_quantity) == (D(45), "split:x", D(0))
    (position,) = rig.ledger.positions("main")
    assert [(lot.quantity, lot.price) for lot in position.lots] == [(D(15), D(10)), (D(30), D(20))]
    closed = rig.one(TradeClosed, a_fill("sell", "45", "20", instrument=SHARE))
    # 5 at 30, 5 at 30 and 10 at 60 against 60 for the first 5 and 60 for the rest: in shares of after
    assert (closed.quantity, closed.entry_price, closed.realised_pnl) == (D(60), D(15), D(300))


def test_shares_that_a_reverse_split_leaves_nothing_of_are_paid_out_and_the_trade_is_over() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "20", "2", instrument=SHARE))
    sent = rig.feed(a_split("0", "1", "30", price="66", lieu="44"))
    (closed,) = [m for m in sent if isinstance(m, TradeClosed)]
    assert abs(closed.realised_pnl - 4) < D("1E-8")
    assert rig.balance("ACME") == 0
    assert rig.balance("USD") == D(-40) + 44
    assert not any(rig.ledger.trial_balance("main").values())


def test_a_split_told_twice_is_booked_once() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "20", "2", instrument=SHARE))
    rig.feed(a_split("40", "2", "1"))
    assert rig.feed(a_split("40", "2", "1")) == []
    assert rig.balance("ACME") == 40


def test_shares_that_no_strategy_holds_are_split_as_the_venue_says() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "20", "2", instrument=SHARE))
    rig.feed(a_split("100", "2", "1", price="1", lieu="7"))
    assert rig.balance("ACME") == 100
    assert [position.quantity for position in rig.ledger.positions("main")] == [D(40)]
    assert [position.realised_pnl for position in rig.ledger.positions("main")] == [D(0)]
    assert not any(rig.ledger.trial_balance("main").values())
