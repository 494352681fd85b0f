"""Books that are new on an account that is not: who may open them, and when."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages.account import DifferenceFound
from actors.reconciliation.policy import ReconcilePolicy
from tests.reconciliation.test_decisions import away, back
from tests.reconciliation.world import World

D = Decimal


def used(name: str = "TOLD00010000001") -> World:
    world = World()
    world.market(100.0, 101.0)
    world.by_hand("buy", "0.5", "90", name=f"{name}A"[:16])
    world.connect()
    world.go(30)
    return world


def test_new_books_on_an_account_that_shows_our_kind_of_orders_wait_for_the_operator() -> None:
    world = used()
    assert (world.state(), world.books()) == ("reconciling", {})
    opening = next(each for each in world.differences() if each.kind == "opening")
    assert "TOLD00010000001A" in opening.venue
    world.go(3_600)
    assert world.state() == "reconciling"
    assert len([each for each in world.heard(DifferenceFound) if each.kind == "opening"]) == 1
    world.resolve(opening, "accept")
    world.go(30)
    assert (world.state(), world.books()) == ("active", world.totals())


@pytest.mark.parametrize("line", ["stays", "breaks", "process dies"])
def test_new_books_wait_on_when_what_spoke_against_them_is_gone_from_the_statements(line: str) -> None:
    world = used()
    world.cancel_at_venue("TOLD00010000001A")
    if line == "breaks":
        away(world)
        back(world)
    if line == "process dies":
        world.restart()
        world.connect()
    world.go(3_600)
    assert (world.state(), world.books()) == ("reconciling", {})
    (opening,) = [each for each in world.differences() if each.kind == "opening"]
    world.resolve(opening, "accept")
    world.go(30)
    assert (world.state(), world.books()) == ("active", world.totals())


def test_of_an_account_long_in_use_only_some_orders_are_named() -> None:
    world = World()
    world.market(100.0, 101.0)
    for number in range(14):
        world.by_hand("buy", "0.1", "90", name=f"TOLD0001000000{number:02}")
    world.connect()
    world.go(30)
    opening = next(each for each in world.differences() if each.kind == "opening")
    assert opening.venue.count("order T") == 10
    assert opening.venue.endswith("; and 4 more")


def test_new_books_on_an_account_with_orders_by_hand_begin_at_once() -> None:
    world = World()
    world.market(100.0, 101.0)
    world.by_hand("buy", "0.5", "90")
    world.connect()
    world.go(30)
    assert (world.state(), world.books()) == ("active", world.totals())


@pytest.mark.parametrize(
    ("opening", "state"), [("ask", "reconciling"), ("accept", "active"), (None, "active")]
)
def test_holdings_of_what_we_trade_wait_for_the_operator_as_configured(
    opening: str | None, state: str
) -> None:
    world = World(
        policy=ReconcilePolicy(opening=opening),  # type: ignore[arg-type]
        opening={"USDT": D(1_000), "BTC": D(2)},
    )
    world.connect()
    world.go(30)
    assert world.state() == state
