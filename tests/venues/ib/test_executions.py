"""Executions and their costs, in whatever order they come."""

from __future__ import annotations

from decimal import Decimal

from actors.venues.ib.claims import Commission, Execution
from actors.venues.ib.executions import Booked, Corrected, Executions

D = Decimal


def an_execution(exec_id: str = "0001.01", price: str = "100", *, is_live: bool = True) -> Execution:
    return Execution(
        exec_id=exec_id, order_id=1, client_id=17, perm_id=9, account="DU1", con_id=265598, side="BOT",
        shares=D(10), price=D(price), time_ns=0, order_ref="TTEST", liquidity=2, is_live=is_live,
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


def test_a_cost_that_comes_after_all_waiting_is_told_once() -> None:
    executions = Executions()
    executions.take(an_execution(), 0.0)
    assert executions.give_up(an_execution()) == Booked(an_execution(), None)
    assert executions.late_cost(a_cost()) == an_execution()
    assert executions.late_cost(a_cost()) is None


def test_a_correction_replaces_and_what_is_older_or_the_same_changes_nothing() -> None:
    executions = Executions()
    executions.take_commission(a_cost())
    executions.take(an_execution(), 0.0)
    newer = an_execution("0001.02", "101")
    assert executions.take(newer, 1.0) == Corrected(an_execution(), newer)
    assert executions.take(newer, 2.0) is None
    assert executions.take(an_execution(), 2.0) is None
    assert executions.filled(9) == 10


def test_a_correction_before_the_cost_is_booked_as_corrected() -> None:
    executions = Executions()
    executions.take(an_execution(), 0.0)
    newer = an_execution("0001.02", "101", is_live=False)
    assert executions.take(newer, 1.0) is None
    booked = executions.take_commission(a_cost("0001.02"))
    assert booked is not None
    assert (booked.execution.price, booked.execution.is_live) == (D(101), True)
