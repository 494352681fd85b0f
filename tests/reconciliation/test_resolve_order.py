"""Orders that no venue answers for any more, settled by the operator and a second command."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.control import Approve, CommandDone, ResolveOrder, Scope
from actors.messages.orders import OrderCancelled, OrderFilled, OrderRejected
from tests.reconciliation.world import ACCOUNT, World

D = Decimal
Outcome = Literal["filled", "cancelled", "rejected", "expired"]


def lost(world: World) -> str:
    """An order that the venue has accepted, and then shows and answers for no more."""
    world.connect()
    world.go(5)
    world.market(100.0, 101.0)
    name = world.order("buy", "1", "99")
    world.go(5)
    world.disconnect()
    order = world.engine.find_order(ACCOUNT, client_order_id=name)
    assert order is not None
    world.engine.cancel(ACCOUNT, order.instrument, world.now, client_order_id=name)
    account = world.engine._desk.accounts[ACCOUNT]
    account.by_client.clear()
    account.orders.clear()
    world.connect()
    world.go(600)
    assert (world.order_state(name), world.state()) == ("unknown", "active")
    assert [each.kind for each in world.differences() if each.status == "open"] == ["order_missing"]
    return name


def resolve(
    world: World,
    name: str,
    outcome: Outcome,
    price: Decimal | None = None,
    evidence: str = "mail of the venue",
) -> CommandDone:
    world.feed(
        ResolveOrder(
            ts_event=world.now, scope=Scope(), command_id="r1", by="uid=0", client_order_id=name,
            outcome=outcome, price=price, evidence=evidence,
        )
    )  # fmt: skip
    return world.heard(CommandDone)[-1]


def approve(world: World, *, is_granted: bool = True) -> None:
    asked = world.heard(ApprovalAsked)[-1]
    world.feed(
        Approve(
            ts_event=world.now, scope=Scope(), command_id="a1", by="uid=1", approval_id=asked.approval_id,
            is_granted=is_granted,
        )
    )  # fmt: skip


@pytest.mark.parametrize(("outcome", "event"), [("cancelled", OrderCancelled), ("rejected", OrderRejected)])
def test_nothing_happens_before_the_second_command_and_then_it_is_settled(
    outcome: Outcome, event: type[OrderCancelled | OrderRejected]
) -> None:
    world = World()
    name = lost(world)
    assert resolve(world, name, outcome).accepted
    assert world.order_state(name) == "unknown"
    approve(world)
    assert (world.order_state(name), len(world.heard(event))) == (outcome, 1)
    world.go(600)
    assert world.books() == world.totals()
    assert [each.status for each in world.differences()] == ["gone"]


def test_what_is_settled_as_filled_is_booked_at_the_given_price() -> None:
    world = World()
    name = lost(world)
    assert resolve(world, name, "filled", D(99)).accepted
    approve(world)
    (fill,) = world.heard(OrderFilled)
    assert (fill.client_order_id, fill.quantity, fill.price, fill.remaining) == (name, D(1), D(99), D(0))
    assert world.order_state(name) == "filled"


def test_what_waits_is_not_exchanged_for_something_else_under_its_name() -> None:
    world = World()
    name = lost(world)
    resolve(world, name, "cancelled")
    done = resolve(world, name, "filled", D(99))
    assert (done.accepted, f"order-{name} waits already" in done.text) == (False, True)
    approve(world)
    assert (world.order_state(name), world.heard(OrderFilled)) == ("cancelled", [])


def test_what_was_refused_can_be_asked_for_anew() -> None:
    world = World()
    name = lost(world)
    resolve(world, name, "cancelled")
    approve(world, is_granted=False)
    assert resolve(world, name, "filled", D(99)).accepted
    approve(world)
    assert world.order_state(name) == "filled"


def test_a_refused_approval_leaves_the_order_unknown() -> None:
    world = World()
    name = lost(world)
    resolve(world, name, "cancelled")
    approve(world, is_granted=False)
    assert world.order_state(name) == "unknown"


def test_an_answer_of_the_venue_before_the_approval_wins() -> None:
    world = World()
    name = lost(world)
    resolve(world, name, "filled", D(99))
    world.restart()
    world.connect()
    world.by_hand("buy", "1", "99", name=name)
    world.go(60)
    assert world.order_state(name) == "accepted"
    (settled,) = world.heard(ApprovalSettled)
    assert (settled.is_granted, settled.text) == (
        False,
        f"the venue has answered: order {name} is accepted, 0 filled",
    )
    approve(world)
    done = world.heard(CommandDone)[-1]
    assert (done.accepted, done.text.endswith("pending are none")) == (False, True)
    assert (world.order_state(name), world.heard(OrderFilled)) == ("accepted", [])


@pytest.mark.parametrize(
    ("outcome", "price", "evidence", "says"),
    [
        ("filled", None, "x", "--price"),
        ("cancelled", D(1), "x", "--price"),
        ("cancelled", None, " ", "--evidence"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    outcome: Outcome, price: Decimal | None, evidence: str, says: str
) -> None:
    world = World()
    done = resolve(world, lost(world), outcome, price, evidence)
    assert (done.accepted, says in done.text) == (False, True)
    assert world.heard(ApprovalAsked) == []


def test_an_order_that_the_venue_still_answers_for_is_not_settled_by_hand() -> None:
    world = World()
    world.connect()
    world.go(5)
    world.market(100.0, 101.0)
    name = world.order("buy", "1", "99")
    world.go(5)
    assert "accepted" in resolve(world, name, "cancelled").text
    assert "there is no order" in resolve(world, "TTEST00019999999", "cancelled").text
