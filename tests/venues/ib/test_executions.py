"""Executions and their costs, in whatever order they come."""

from __future__ import annotations

from decimal import Decimal

from actors.venues.ib.claims import Commission, Execution
from actors.venues.ib.executions import Booked, Executions

D = Decimal


def an_execution(
    exec_id: str = "0001.01", price: str = "100", *, shares: str = "10", is_live: bool = True
) -> Execution:
    return Execution(
        exec_id=exec_id, order_id=1, client_id=17, perm_id=9, account="DU1", con_id=265598, side="BOT",
        shares=D(shares), price=D(price), time_ns=0, order_ref="TTEST", liquidity=2, is_live=is_live,
    )  # fmt: skip


def a_cost(exec_id: str = "0001.01", amount: str = "1") -> Commission:
    return Commission(exec_id=exec_id, amount=D(amount), currency="USD")


def test_a_cost_that_comes_first_is_kept_for_its_execution() -> None:
    executions = Executions()
    assert executions.take_commission(a_cost()) is None
    assert executions.take(an_execution(), 0.0) == Booked(an_execution(), a_cost())
    assert executions.waiting() == []


def test_a_cost_of_minus_one_is_not_known_yet_and_a_rebate_is() -> None:
    executions = Executions()
    assert executions.take(an_execution(), 0.0) is None
    assert executions.take_commission(a_cost(amount="-1")) is None
    assert executions.overdue(3.0, 3.0) == [an_execution()]
    assert executions.take_commission(a_cost(amount="-0.2")) == Booked(an_execution(), a_cost(amount="-0.2"))


def test_a_cost_that_comes_after_all_waiting_is_a_later_word_told_once() -> None:
    executions = Executions()
    executions.take(an_execution(), 0.0)
    given_up = executions.give_up(an_execution())
    assert given_up == Booked(an_execution(), None)
    assert executions.overdue(100.0, 3.0) == []
    late = executions.take_commission(a_cost())
    assert late == Booked(an_execution(), a_cost())
    assert late is not None
    assert given_up is not None
    assert given_up.word < late.word
    assert executions.take_commission(a_cost()) is None


def test_a_correction_replaces_and_what_is_older_or_the_same_says_nothing() -> None:
    executions = Executions()
    executions.take_commission(a_cost())
    first = executions.take(an_execution(), 0.0)
    newer = an_execution("0001.02", "101", shares="7")
    second = executions.take(newer, 1.0)
    assert second == Booked(newer, None), "told at once, its cost follows"
    assert executions.overdue(4.0, 3.0) == [newer]
    assert executions.take(newer, 2.0) is None
    assert executions.take(an_execution(), 2.0) is None
    third = executions.take_commission(a_cost("0001.02", "0.7"))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.word < second.word < third.word
    assert executions.filled(9) == 7
    assert executions.all() == [third]


def test_a_correction_whose_cost_never_comes_is_not_told_again() -> None:
    executions = Executions()
    executions.take_commission(a_cost())
    executions.take(an_execution(), 0.0)
    newer = an_execution("0001.02", "101")
    executions.take(newer, 1.0)
    assert executions.give_up(newer) is None
    assert executions.overdue(100.0, 3.0) == []


def test_a_bust_waits_for_no_cost() -> None:
    executions = Executions()
    executions.take(an_execution(), 0.0)
    busted = an_execution("0001.02", shares="0", is_live=False)
    told = executions.take(busted, 1.0)
    assert told is not None
    assert (told.execution.shares, told.execution.is_live) == (D(0), True)
    assert executions.waiting() == []


def test_a_correction_before_the_cost_is_told_as_corrected() -> None:
    executions = Executions()
    executions.take(an_execution(), 0.0)
    newer = an_execution("0001.02", "101", is_live=False)
    assert executions.take(newer, 1.0) is None
    assert executions.take_commission(a_cost()) is None, "of the revision that stands no more"
    told = executions.take_commission(a_cost("0001.02"))
    assert told is not None
    assert (told.execution.price, told.execution.is_live) == (D(101), True)
