from __future__ import annotations

from actors.messages.account import AccountReconciled, DifferenceFound, ExternalFillMoved, ExternalFillShown
from actors.messages.control import BrokerStarted, CommandDone, Reconcile, Scope, Started
from actors.messages.orders import OrderFilled, OrderOutcomeUnknown, QueryAccount
from tests.oms.bench import (
    BTC,
    START,
    Bench,
    D,
    accept,
    approved,
    cancel_request,
    cancelled,
    evidence,
    fill,
    names,
    only,
    status,
    unsure,
    venue_fill,
    venue_order,
)


def connected(reconcile_s: int = 0) -> Bench:
    bench = Bench(reconcile_s=reconcile_s)
    bench.feed(Started(ts_event=START, epoch=2), BrokerStarted(ts_event=START, account="acc"))
    return bench


def test_a_fresh_line_is_asked_for_a_statement_and_a_complete_one_reconciles() -> None:
    bench = connected()
    (query,) = bench.sent
    assert isinstance(query, QueryAccount)
    assert (query.asked_seq, query.fills_after) == (2, {BTC: ""})
    (done,) = bench.feed(evidence(2))
    assert isinstance(done, AccountReconciled)
    assert done.asked_seq == 2


def test_part_of_a_statement_does_not_reconcile_and_is_asked_for_again() -> None:
    bench = connected()
    assert bench.feed(evidence(2, orders=None), evidence(2, fills=None)) == []
    assert names(bench.wait(30)) == ["QueryAccount"]


def test_a_statement_asked_for_over_the_line_before_does_not_reconcile() -> None:
    bench = connected()
    bench.feed(BrokerStarted(ts_event=START, account="acc"))
    assert bench.feed(evidence(2)) == []
    assert names(bench.feed(evidence(3))) == ["AccountReconciled"]


def test_statements_are_asked_for_at_intervals() -> None:
    bench = connected(reconcile_s=60)
    bench.feed(evidence(2))
    assert bench.wait(59.9) == []
    assert names(bench.wait(0.1)) == ["QueryAccount"]


def test_intervals_hold_when_one_step_carries_several_statements() -> None:
    bench = connected(reconcile_s=60)
    bench.feed(evidence(2))
    bench.wait(60)
    later = START // 1_000_000 + 60_000
    same_step = bench.sequencer.seq
    bench.feed(evidence(same_step), evidence(same_step, venue_time_ms=later))
    assert len(only(bench.sent, AccountReconciled)) == 3


def test_the_operator_can_ask_for_a_statement_of_an_account_that_exists() -> None:
    bench = connected()
    ask = Reconcile(ts_event=START, scope=Scope(account="acc"), command_id="1", by="test")
    assert names(bench.feed(ask)) == ["QueryAccount", "CommandDone"]
    (refused,) = bench.feed(Reconcile(ts_event=START, scope=Scope(account="x"), command_id="2", by="test"))
    assert isinstance(refused, CommandDone)
    assert (refused.accepted, refused.text) == (False, "there is no account x; name one of: acc")


def test_missed_fills_are_adopted_once_and_move_the_paging_mark() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 4))
    statement = evidence(
        3,
        orders=(venue_order(filled_quantity=D(6)),),
        fills=(venue_fill("1", 4), venue_fill("2", 2)),
        read_to="2",
    )
    sent = bench.feed(statement, statement)
    assert [message.quantity for message in only(sent, OrderFilled)] == [D(2)]
    (query,) = bench.feed(BrokerStarted(ts_event=START, account="acc"))
    assert isinstance(query, QueryAccount)
    assert query.fills_after == {BTC: "2"}


def test_a_listed_order_with_more_filled_than_booked_is_asked_about() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), evidence(9, orders=(venue_order(filled_quantity=D(3)),)))
    assert names(bench.wait(0.25)) == ["QueryOrder"]


def test_a_listed_order_settles_an_unknown_submit() -> None:
    bench = Bench()
    bench.feed(approved(), unsure())
    assert names(bench.feed(evidence(9, orders=(venue_order(),)))) == ["OrderAccepted", "AccountReconciled"]


def test_an_accepted_order_that_is_not_listed_becomes_unknown_and_twice_a_difference() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    unknown, _ = bench.feed(evidence(9))
    assert isinstance(unknown, OrderOutcomeUnknown)
    assert unknown.reason == "NOT_LISTED"
    assert not only(bench.feed(evidence(10)), DifferenceFound)  # what it was asked since may explain it
    bench.wait(0.25)
    assert not only(bench.feed(evidence(11)), DifferenceFound)
    bench.feed(status("not_found"))
    (difference,) = only(bench.feed(evidence(12)), DifferenceFound)
    assert difference.kind == "order_missing"
    bench.wait(1.0)
    assert names(bench.feed(status("accepted"))) == ["OrderAccepted"]


def test_an_order_accepted_after_the_question_is_not_missing() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    assert names(bench.feed(evidence(2))) == ["AccountReconciled"]
    assert bench.state() == "accepted"


def test_an_order_being_cancelled_that_is_not_listed_is_asked_about() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_request(), evidence(9))
    assert bench.state() == "pending_cancel"
    assert names(bench.wait(0.25)) == ["QueryOrder"]


def test_no_list_of_orders_is_not_an_empty_one() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), evidence(9, orders=None))
    assert bench.state() == "accepted"


def test_an_order_under_an_id_like_ours_that_nobody_knows_is_foreign_once() -> None:
    bench = Bench()
    stranger = venue_order(client_order_id="T9999ZZZZ0000001", venue_order_id="v9")
    by_hand = venue_order(client_order_id="web_1", venue_order_id="v8")
    foreign, other = only(bench.feed(evidence(0, orders=(stranger, by_hand))), DifferenceFound)
    assert (foreign.kind, foreign.subject) == ("foreign_order", BTC)
    assert (other.kind, other.subject) == ("external_order", BTC)
    assert names(bench.feed(evidence(1, orders=(stranger, by_hand)))) == ["AccountReconciled"]


def test_history_from_before_our_time_is_no_news_and_later_strangers_are() -> None:
    bench = Bench()
    first = evidence(0, fills=(venue_fill("1", venue_order_id="v8"),), read_to="1")
    assert names(bench.feed(first)) == ["AccountReconciled"]
    again = evidence(1, fills=(venue_fill("2", venue_order_id="v9"),), read_to="2")
    assert names(bench.feed(again)) == ["ExternalFillShown", "DifferenceFound", "AccountReconciled"]


def test_closed_orders_and_their_fills_are_forgotten_after_two_completed_queries() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 4), cancelled(4))
    bench.feed(evidence(9, read_to="1"), evidence(3, read_to="1"))
    assert len(bench.oms.snapshot().orders) == 1
    bench.feed(evidence(10, read_to="1"))
    assert bench.oms.snapshot().orders == []
    assert bench.feed(fill("1", 4)) == []


def test_a_statement_that_comes_twice_or_late_counts_once() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 4), cancelled(4))
    late = evidence(8, orders=(venue_order(client_order_id="T00000001000000Z"),), read_to="")
    assert names(bench.feed(evidence(9, read_to="1"), evidence(9, read_to="1"), late)) == [
        "AccountReconciled"
    ]
    assert len(bench.oms.snapshot().orders) == 1
    (query,) = bench.feed(BrokerStarted(ts_event=START, account="acc"))
    assert isinstance(query, QueryAccount)
    assert query.fills_after == {BTC: "1"}


def test_a_list_from_before_an_order_was_refused_says_nothing_about_it() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancelled())
    assert names(bench.feed(evidence(2, orders=(venue_order(),)))) == ["AccountReconciled"]


def test_a_fill_shown_as_external_and_found_to_be_ours_is_moved_not_added() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    stranger = fill("7", 4, client_order_id=None, venue_order_id="v9")
    (shown,) = only(bench.feed(stranger), ExternalFillShown)
    sent = bench.feed(status("accepted", 4, venue_order_id="v9"))
    assert names(sent)[:2] == ["ExternalFillMoved", "OrderFilled"]
    (moved,) = only(sent, ExternalFillMoved)
    assert (moved.trade_id, moved.quantity) == (shown.trade_id, shown.quantity)
    assert only(bench.feed(stranger, status("accepted", 4)), OrderFilled) == []


def test_where_a_venue_sets_no_bound_no_absence_proves_that_an_order_was_never_received() -> None:
    bench = Bench(receive_window_ms=0)
    bench.feed(approved(), unsure())
    for _ in range(40):
        bench.wait(10)
        bench.feed(status("not_found"))
    assert bench.state() == "unknown"
