"""What is adopted, what is asked, and what the operator's answer does."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.messages.account import (
    BalanceWithheld,
    CashTransferred,
    DifferenceFound,
    ExternalFillMoved,
    ExternalFillShown,
    VenueTransfer,
)
from actors.messages.control import CommandDone, Flatten, Reconcile, Scope
from actors.messages.orders import OrderDenied, OrderFilled, QueryAccount, SubmitOrder
from actors.reconciliation.policy import ReconcilePolicy
from actors.reconciliation.proposals import Difference
from tests.reconciliation.world import ACCOUNT, BTC, SECOND, World

D = Decimal


def a_world(**settings: object) -> World:
    world = World(**settings)  # type: ignore[arg-type]
    world.connect()
    world.go(5)
    world.market(100.0, 101.0)
    world.order("buy", "1")
    world.go(5)
    assert world.books() == world.totals()
    return world


def away(world: World, seconds: float = 60) -> None:
    world.disconnect()
    world.go(seconds)


def back(world: World) -> None:
    world.connect()
    world.go(30)


def the_difference(world: World) -> Difference:
    (found,) = world.differences()
    return found


def transfers(world: World) -> list[tuple[str, str]]:
    return [
        (each.asset, str(each.amount)) for each in world.heard(CashTransferred) if each.reason != "opening"
    ]


def test_a_notice_is_booked_at_once_and_is_no_difference() -> None:
    world = a_world()
    world.transfer("USDT", "500", row="dep-1", notice=True)
    world.go(600)
    assert (transfers(world), world.differences(), world.books()) == ([], [], world.totals())


def test_cash_that_changed_while_the_line_was_down_is_adopted_where_no_history_is_kept() -> None:
    world = a_world(has_history=False)
    away(world)
    world.transfer("USDT", "500")
    back(world)
    assert the_difference(world).kind == "unrecorded_transfer"
    assert the_difference(world).status == "adopted"
    assert world.books() == world.totals()


def test_cash_that_changed_without_a_word_while_the_line_was_up_is_asked_about() -> None:
    world = a_world(has_history=False)
    world.transfer("USDT", "500")
    world.go(600)
    found = the_difference(world)
    assert (found.kind, found.status, found.subject) == ("balance", "open", "USDT")
    assert (D(found.venue) - D(found.ours), transfers(world)) == (D(500), [])
    assert (world.state(), world.state(BTC)) == ("active", "active")


def test_a_policy_may_ask_where_the_default_adopts_and_adopt_where_it_asks() -> None:
    world = a_world(policy=ReconcilePolicy(transfer="ask", position="adopt"))
    away(world)
    world.transfer("USDT", "500", row="dep-1")
    world.transfer("BTC", "2")
    back(world)
    assert {each.kind: each.status for each in world.differences()} == {
        "transfer": "open",
        "position": "adopted",
    }
    assert transfers(world) == [("BTC", "2.000")]


def test_a_late_notice_of_what_was_adopted_is_moved_not_added() -> None:
    world = a_world(has_history=False)
    away(world)
    world.transfer("USDT", "500")
    happened = world.now
    back(world)
    world.feed(
        CashTransferred(
            ts_event=happened,
            account=ACCOUNT,
            asset="USDT",
            amount=D(500),
            reason="deposit",
            transfer_id="late",
        )
    )
    world.go(600)
    assert sum((D(amount) for _, amount in transfers(world)), D(0)) + D(500) == D(500)
    assert world.books() == world.totals()
    assert the_difference(world).status == "undone"


def test_a_second_transfer_of_the_same_amount_is_another_one() -> None:
    world = a_world(has_history=False)
    away(world)
    world.transfer("USDT", "500")
    back(world)
    world.transfer("USDT", "500", notice=True)
    world.go(600)
    assert world.books() == world.totals()
    assert the_difference(world).status == "adopted"


@pytest.mark.parametrize("amount", ["700", "-700"])
def test_the_smaller_of_two_figures_is_what_is_available(amount: str) -> None:
    world = a_world()
    before = world.core.risk.available(ACCOUNT, "USDT")
    world.transfer("USDT", amount)
    world.go(600)
    assert world.core.risk.available(ACCOUNT, "USDT") == before + min(D(amount), D(0))
    world.resolve(the_difference(world), "accept")
    assert world.core.risk.available(ACCOUNT, "USDT") == before + D(amount)
    world.go(600)
    assert (world.books(), the_difference(world).status) == (world.totals(), "accepted")


def test_what_was_accepted_can_be_undone_and_is_asked_about_again() -> None:
    world = a_world(has_history=False)
    away(world)
    world.transfer("USDT", "-700")
    back(world)
    world.resolve(the_difference(world), "undo")
    assert world.books()["USDT"] == world.totals()["USDT"] + 700
    world.go(600)
    undone, again = world.differences()
    assert (undone.status, again.status, again.kind) == ("undone", "open", "balance")
    world.resolve(again, "accept")
    world.go(600)
    assert world.books() == world.totals()


def test_a_rejected_difference_books_nothing_and_ends_when_the_venue_agrees() -> None:
    world = a_world()
    world.transfer("USDT", "-700")
    world.go(600)
    world.resolve(the_difference(world), "reject")
    world.go(600)
    assert (transfers(world), the_difference(world).status) == ([], "rejected")
    assert world.heard(BalanceWithheld)[-1].amount == 700
    world.transfer("USDT", "700")
    world.go(600)
    assert the_difference(world).status == "gone"
    assert world.heard(BalanceWithheld)[-1].amount == 0


def test_an_unexplained_position_is_reduced_only_as_far_as_both_sides_show_it() -> None:
    world = a_world()
    world.transfer("BTC", "-0.4")
    world.go(600)
    assert (the_difference(world).kind, world.state(BTC)) == ("position", "reduce_only")
    world.order("buy", "0.1", "100")
    assert "reason=position" in world.heard(OrderDenied)[-1].figures
    world.feed(Flatten(ts_event=world.now, scope=Scope(account=ACCOUNT), command_id="f", by="test"))
    world.go(60)
    sold = [each.quantity for each in world.heard(OrderFilled) if each.side == "sell"]
    assert sum(sold, D(0)) == D("0.599")
    assert sum(1 for each in world.heard(SubmitOrder) if each.terms.side == "sell") == 1


def test_an_accepted_loss_of_a_position_shrinks_it_at_cost_and_frees_the_instrument() -> None:
    world = a_world()
    realised = world.snapshot().realised_pnl
    world.transfer("BTC", "-0.4")
    world.go(600)
    world.resolve(the_difference(world), "accept")
    world.go(600)
    (position,) = world.core.ledger.positions(ACCOUNT)
    assert position.quantity == D("0.599")
    assert (world.books(), world.state(BTC)) == (world.totals(), "active")
    assert world.snapshot().realised_pnl == realised
    assert not any(world.core.ledger.trial_balance(ACCOUNT).values())


def test_what_others_hold_here_is_no_profit_no_loss_and_no_drawdown() -> None:
    world = a_world()
    away(world)
    world.by_hand("buy", "50", "102")
    back(world)
    before = world.snapshot()
    world.market(50.0, 51.0)
    world.go(5)
    after = world.snapshot()
    own = float(world.core.ledger.positions(ACCOUNT)[0].quantity)
    assert after.equity == pytest.approx(before.equity - own * 50.0)
    assert world.books() == world.totals()


def test_an_external_booking_that_is_moved_leaves_nothing_behind() -> None:
    world = a_world()
    books = world.books()
    away(world)
    world.by_hand("buy", "0.5", "102")
    back(world)
    (shown,) = world.heard(ExternalFillShown)
    assert world.books() == world.totals() != books
    world.feed(msgspec.convert(shown, ExternalFillMoved, from_attributes=True))
    assert world.books() == books


def test_what_others_sell_of_a_position_is_gone_from_it_and_no_loss() -> None:
    world = a_world()
    before = world.snapshot()
    away(world)
    world.by_hand("sell", "0.599", "99", name="panic-1")
    back(world)
    (position,) = world.core.ledger.positions(ACCOUNT)
    assert position.quantity == D("0.4")
    assert (world.books(), world.state(BTC)) == (world.totals(), "active")
    after = world.snapshot()
    assert after.equity == pytest.approx(before.equity, abs=0.599 * 1.0)
    assert after.drawdown == pytest.approx(before.drawdown, abs=1e-9)
    assert not any(world.core.ledger.trial_balance(ACCOUNT).values())
    world.market(100.0, 101.0)
    world.feed(Flatten(ts_event=world.now, scope=Scope(account=ACCOUNT), command_id="f", by="test"))
    world.go(60)
    assert world.books() == world.totals()
    assert world.core.ledger.positions(ACCOUNT)[0].quantity == 0


def test_an_operator_who_names_no_known_difference_is_told_so() -> None:
    world = a_world()
    stranger = Difference(
        difference_id="d99", account=ACCOUNT, kind="balance", subject="USDT", instruments=[], ours="",
        venue="", evidence="", status="open", found_seq=0, found_ts=0,
    )  # fmt: skip
    world.resolve(stranger, "accept")
    done = world.heard(CommandDone)[-1]
    assert (done.accepted, done.text) == (False, "there is no difference d99; see `ctl reconcile show`")


def ask_for_a_statement(world: World) -> None:
    world.feed(
        Reconcile(ts_event=world.now, scope=Scope(account=ACCOUNT), command_id=f"c{world.now}", by="test")
    )


def order_without_an_answer(world: World) -> str:
    world.loses_answers = True
    name = world.order("buy", "1")
    world.loses_answers = False
    return name


def test_what_an_order_without_an_answer_may_explain_is_not_judged() -> None:
    world = a_world()
    name = order_without_an_answer(world)
    for _ in range(2):
        ask_for_a_statement(world)
        world.go(2)
        assert world.order_state(name) == "pending_submit", "not unknown yet"
    assert world.books() != world.totals()
    assert not world.differences()
    world.go(120)
    assert world.books() == world.totals()
    assert not world.differences()
    assert not world.heard(DifferenceFound)


def test_an_order_sent_after_the_question_explains_nothing() -> None:
    world = a_world(has_history=False)
    world.transfer("USDT", "500")
    ask_for_a_statement(world)
    world.go(2)
    ask_for_a_statement(world)
    order_without_an_answer(world)
    world.go(2)
    assert the_difference(world).subject == "USDT"


def test_a_history_that_comes_late_explains_what_was_asked_about() -> None:
    world = a_world()
    world.transfer("USDT", "500")
    world.go(600)
    assert (the_difference(world).kind, the_difference(world).status) == ("balance", "open")
    world.history.append(
        VenueTransfer(
            transfer_id="late",
            asset="USDT",
            amount=D(500),
            reason="deposit",
            ts_event=world.now - 600 * SECOND,
        )
    )
    world.go(600)
    assert (the_difference(world).status, the_difference(world).bookings[0].transfer_id) == (
        "adopted",
        "late",
    )
    assert world.books() == world.totals()
    world.go(1200)
    assert len(transfers(world)) == 1


def test_the_history_is_asked_for_while_something_needs_explaining_and_then_no_more() -> None:
    world = a_world()
    assert [query.transfers_since for query in world.heard(QueryAccount)] == [None]
    away(world)
    world.transfer("USDT", "500", row="dep-1")
    back(world)
    world.sent.clear()
    world.go(600)
    first, *later = [query.transfers_since for query in world.heard(QueryAccount)]
    assert first is not None, "no statement has agreed yet"
    assert later == [None] * len(later) != []
