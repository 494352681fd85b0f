"""Orders and fills that our books do not know, given to a strategy by the operator."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.account import (
    DifferenceFound,
    ExternalFillMoved,
    ExternalFillShown,
    LotOpened,
    PositionChanged,
)
from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.assigning import AssignHolding, AssignOrder, AssignPosition, PositionMoved
from actors.messages.control import BrokerStarted, CommandDone, Scope
from actors.messages.orders import (
    CancelRequest,
    OrderAccepted,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRecovered,
    QueryOrder,
)
from actors.model.ids import panic_order_id
from tests.oms.bench import (
    BTC,
    ID,
    START,
    Bench,
    D,
    accept,
    approved,
    evidence,
    names,
    only,
    position,
    status,
    venue_fill,
    venue_order,
)

LOST = "T00000001000000Z"


def with_lost(*fills: Any, orders: tuple[Any, ...] = ()) -> Bench:
    """Books that come upon what another life of theirs has done, and two statements more."""
    bench = Bench()
    bench.feed(BrokerStarted(ts_event=START, account="acc"), evidence(2))
    bench.feed(evidence(3, orders=orders, fills=fills))
    bench.feed(evidence(40, orders=orders), evidence(60, orders=orders), evidence(80, orders=orders))
    return bench


def assign(reference: str, **changed: Any) -> AssignOrder:
    given: dict[str, Any] = {
        "scope": Scope(account="acc", strategy="alpha"), "command_id": "c1", "by": "uid=1", "evidence": "log",
    } | changed  # fmt: skip
    return AssignOrder(ts_event=START, reference=reference, **given)


def granted(approval_id: str, *, is_granted: bool = True) -> ApprovalSettled:
    return ApprovalSettled(
        ts_event=START, approval_id=approval_id, is_granted=is_granted, by="uid=1", text=""
    )


def test_fills_booked_as_external_are_moved_to_the_strategy_once_approved() -> None:
    bench = with_lost(venue_fill("7", 1, venue_order_id="v8"), venue_fill("8", 2, venue_order_id="v8"))
    assert len(only(bench.sent, ExternalFillShown)) == 2
    asked = bench.feed(assign("v8"))
    (question,) = only(asked, ApprovalAsked)
    assert (question.approval_id, only(asked, CommandDone)[0].accepted) == ("assign-v8", True)
    assert "to alpha of acc: log" in question.what
    bench.restart()
    sent = bench.feed(granted("assign-v8"))
    assert names(sent) == [
        "OrderRecovered", "ExternalFillMoved", "ExternalFillMoved", "OrderAccepted", "OrderFilled",
        "OrderFilled",
    ]  # fmt: skip
    assert [(fill.strategy, fill.trade_id, fill.quantity) for fill in only(sent, OrderFilled)] == [
        ("alpha", "7", D(1)), ("alpha", "8", D(2)),
    ]  # fmt: skip
    assert only(sent, OrderFilled)[-1].remaining == 0
    assert list(bench.oms.unclaimed()) == []
    again = bench.feed(assign("v8"))
    assert not only(again, CommandDone)[0].accepted


def test_an_order_that_still_rests_is_ours_from_then_on() -> None:
    line = venue_order(client_order_id=LOST, venue_order_id="v9", quantity=D(5))
    bench = with_lost(venue_fill("7", 1, venue_order_id="v9"), orders=(line,))
    (found,) = bench.oms.unclaimed()
    assert (found.client_order_id, found.is_open, found.trade_ids) == (LOST, True, ("7",))
    bench.feed(assign(LOST))
    sent = bench.feed(granted("assign-v9"))
    assert [order.terms.quantity for order in only(sent, OrderRecovered)] == [D(5)]
    assert len(only(sent, ExternalFillMoved)) == len(only(sent, OrderFilled)) == 1
    bench.wait(1)
    assert only(bench.sent, QueryOrder)[-1].venue_order_id == "v9"
    bench.feed(status("partially_filled", filled=1, client_order_id=LOST, venue_order_id="v9"))
    assert bench.state(LOST) == "partially_filled"
    cancel = bench.feed(CancelRequest(ts_event=START, client_order_id=LOST, reason="test"))
    assert [command.venue_order_id for command in cancel] == ["v9"]  # type: ignore[attr-defined]


def test_an_order_without_a_fill_is_unknown_until_the_venue_has_answered() -> None:
    bench = with_lost(orders=(venue_order(client_order_id=LOST, venue_order_id="v9"),))
    bench.feed(assign("v9"))
    sent = bench.feed(granted("assign-v9"))
    assert len(only(sent, OrderOutcomeUnknown)) == 1
    assert (
        len(only(bench.feed(status("accepted", client_order_id=LOST, venue_order_id="v9")), OrderAccepted))
        == 1
    )
    assert bench.state(LOST) == "accepted"


def test_what_is_refused_changes_nothing() -> None:
    bench = with_lost(venue_fill("7", 1, venue_order_id="v8"))
    bench.feed(assign("7"))
    assert bench.feed(granted("assign-v8", is_granted=False)) == []
    assert bench.feed(granted("assign-v8")) == []
    assert len(list(bench.oms.unclaimed())) == 1


def test_a_wrong_reference_or_no_evidence_is_one_sentence() -> None:
    bench = with_lost(venue_fill("7", 1, venue_order_id="v8"), venue_fill("7", 1, venue_order_id="v9"))
    bench.feed(approved(), accept())

    def refusal(command: AssignOrder) -> str:
        (done,) = only(bench.feed(command), CommandDone)
        assert not done.accepted
        return str(done.text)

    assert "nothing that is not in our books is called zz in acc" in refusal(assign("zz"))
    assert "is called " + ID in refusal(assign(ID))
    assert f"7 names 2 orders: say which, {BTC}/v8, {BTC}/v9" in refusal(assign("7"))
    assert "--evidence" in refusal(assign("v8", evidence=" "))
    assert "--strategy" in refusal(assign("v8", scope=Scope(account="acc")))
    other = assign("v8", scope=Scope(account="other", strategy="alpha"))
    assert "v8 is of account acc" in refusal(other)


def test_an_order_is_meant_before_a_trade_of_the_same_number() -> None:
    for reference, order in (("7", "7"), ("8", "7"), (f"{BTC}/9", "9")):
        bench = with_lost(venue_fill("8", 1, venue_order_id="7"), venue_fill("7", 1, venue_order_id="9"))
        (asked,) = only(bench.feed(assign(reference)), ApprovalAsked)
        assert asked.approval_id == f"assign-{order}"


def test_what_waits_is_not_given_to_somebody_else_under_its_name() -> None:
    bench = with_lost(venue_fill("8", 1, venue_order_id="7"))
    bench.feed(assign("7"))
    (done,) = only(bench.feed(assign("8")), CommandDone)
    assert (done.accepted, "assign-7 waits already" in done.text) == (False, True)


def test_a_holding_of_nobodys_becomes_the_strategys_at_its_cost() -> None:
    bench = Bench()
    command = AssignHolding(
        ts_event=START, scope=Scope(account="acc", strategy="alpha"), command_id="c7", by="uid=1",
        evidence="bought by hand", instrument=BTC, quantity=D(3), price=D(90),
    )  # fmt: skip
    (asked,) = only(bench.feed(command), ApprovalAsked)
    bench.restart()
    (lot,) = only(bench.feed(granted(asked.approval_id)), LotOpened)
    assert (lot.strategy, lot.quantity, lot.entry_price, lot.lot_id) == ("alpha", D(3), D(90), "c7")


def test_a_fill_of_an_order_assigned_already_is_booked_to_it_and_not_shown() -> None:
    bench = with_lost(venue_fill("7", 1, venue_order_id="v8"))
    bench.feed(assign("v8"))
    bench.feed(granted("assign-v8"))
    before = len(only(bench.sent, ExternalFillShown))
    sent = bench.feed(evidence(120, fills=(venue_fill("9", 1, venue_order_id="v8"),)))
    assert [fill.strategy for fill in only(sent, OrderFilled)] == ["alpha"]
    assert len(only(bench.sent, ExternalFillShown)) == before
    assert [each.kind for each in only(sent, DifferenceFound)] == ["position"], "more than the order was for"
    assert sum((fill.quantity for fill in only(bench.sent, OrderFilled)), Decimal(0)) == D(2)


def test_what_panic_sold_is_said_to_close_ours_and_is_nobodys_to_give_away() -> None:
    name = panic_order_id(1, 1)
    bench = with_lost(venue_fill("7", 1, venue_order_id="v8", client_order_id=name, side="sell"))
    (shown,) = only(bench.sent, ExternalFillShown)
    assert shown.closes_ours
    assert list(bench.oms.unclaimed()) == []


def renamed(bench: Bench) -> str:
    """What `old` holds is asked for by `alpha`; returns the approval it waits for."""
    command = AssignPosition(
        ts_event=START, scope=Scope(account="acc", strategy="alpha"), command_id="c7", by="uid=1",
        evidence="renamed", instrument=BTC, former="old",
    )  # fmt: skip
    (approval_id,) = [asked.approval_id for asked in only(bench.feed(command), ApprovalAsked)]
    assert isinstance(approval_id, str)
    return approval_id


def test_what_a_strategy_that_is_gone_holds_is_moved_once_approved() -> None:
    bench = Bench()
    bench.feed(position(4, strategy="old"), position(3, net=7))
    approval = renamed(bench)
    bench.restart()
    (moved,) = only(bench.feed(granted(approval)), PositionMoved)
    assert (moved.former, moved.strategy, moved.instrument) == ("old", "alpha", BTC)


@pytest.mark.parametrize("since", [position(-3, net=1), position(0, strategy="old")])
def test_what_was_closed_or_opposed_while_its_approval_was_waited_for_is_not_moved(
    since: PositionChanged,
) -> None:
    bench = Bench()
    bench.feed(position(4, strategy="old"))
    approval = renamed(bench)
    bench.feed(since)
    assert only(bench.feed(granted(approval)), PositionMoved) == []
