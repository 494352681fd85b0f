from __future__ import annotations

import pytest

from actors.core.sequencer import ActorFailed
from actors.messages.account import DifferenceFound, ExternalFillShown
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured, Flatten, Scope, Started, Stop
from actors.messages.orders import (
    CancelOrder,
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    QueryOrder,
    SubmitOrder,
)
from tests.oms.bench import (
    ID,
    START,
    Bench,
    D,
    accept,
    approved,
    approved_replace,
    cancel_request,
    cancelled,
    evidence,
    expired,
    fill,
    names,
    not_sent,
    only,
    position,
    rejected,
    status,
    unsure,
    venue_fill,
)


def test_a_submit_carries_the_venues_clock_and_its_window() -> None:
    bench = Bench()
    bench.feed(ClockMeasured(ts_event=START, account="acc", offset_ms=-250))
    (submit,) = bench.feed(approved())
    assert isinstance(submit, SubmitOrder)
    assert submit.venue_timestamp_ms == START // 1_000_000 - 250
    assert (submit.receive_window_ms, submit.terms) == (5_000, approved().terms)


def test_an_id_approved_twice_stops_the_core_and_sends_nothing() -> None:
    bench = Bench()
    bench.feed(approved())
    with pytest.raises(ActorFailed):
        bench.feed(approved())
    assert len(only(bench.sent, SubmitOrder)) == 1


def test_a_fill_delivered_twice_counts_once() -> None:
    bench = Bench()
    sent = bench.feed(approved(), accept(), fill("1", 4), fill("1", 4), cancelled(4), fill("1", 4))
    assert [message.quantity for message in only(sent, OrderFilled)] == [D(4)]
    assert only(sent, OrderCancelled)[0].filled_quantity == D(4)


def test_the_same_trade_id_of_another_venue_order_is_another_fill() -> None:
    bench = Bench()
    other = "T00000001000000C"
    bench.feed(approved(), approved(other), accept(), accept(client_order_id=other, venue_order_id="v2"))
    sent = bench.feed(fill("1", 4), fill("1", 3, client_order_id=other, venue_order_id="v2"))
    assert [message.quantity for message in only(sent, OrderFilled)] == [D(4), D(3)]


def test_a_fill_reported_without_the_venues_order_id_and_later_with_it_counts_once() -> None:
    for first, second in ((None, "v1"), ("v1", None)):
        bench = Bench()
        bench.feed(approved())
        sent = bench.feed(fill("1", 4, venue_order_id=first), fill("1", 4, venue_order_id=second))
        assert [message.quantity for message in only(sent, OrderFilled)] == [D(4)]


def test_a_fill_before_its_accept_accepts_the_order_once() -> None:
    bench = Bench()
    sent = bench.feed(approved(), fill("1", 4), accept())
    assert names(sent) == ["SubmitOrder", "OrderAccepted", "OrderFilled"]


def test_a_cancel_that_overtakes_a_fill_waits_for_it() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_request())
    assert bench.feed(cancelled(4)) == []
    assert names(bench.feed(fill("1", 4))) == ["OrderFilled", "OrderCancelled"]
    assert bench.wait(60) == []


def test_a_gap_in_the_cumulative_quantity_asks_for_fills_before_the_terminal_event() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    assert bench.feed(cancelled(6)) == []
    assert bench.state() == "closing"
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert names(bench.feed(fill("1", 4))) == ["OrderFilled"]
    assert names(bench.feed(fill("2", 2), status("cancelled", 6))) == ["OrderFilled", "OrderCancelled"]


def test_a_timeout_after_send_asks_the_venue_once_and_sends_no_second_order() -> None:
    bench = Bench()
    bench.feed(approved())
    assert names(bench.wait(5)) == ["OrderOutcomeUnknown"]
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert bench.wait(4.9) == []
    assert names(bench.feed(status("accepted"))) == ["OrderAccepted"]
    assert bench.wait(600) == []
    assert len(only(bench.sent, SubmitOrder)) == 1


def test_questions_keep_their_pauses_and_the_last_one_repeats() -> None:
    bench = Bench(query_delays_ms=(1_000, 2_000))
    bench.feed(approved(), unsure())
    for pause in (1, 2, 2):
        assert bench.wait(pause - 0.001) == []
        assert names(bench.wait(0.001)) == ["QueryOrder"]
        assert bench.feed(status("not_found")) == []


def test_not_sent_rejects_the_order() -> None:
    bench = Bench()
    (event,) = only(bench.feed(approved(), not_sent()), OrderRejected)
    assert (event.code, event.text) == ("NOT_SENT", "too old")


def test_a_duplicate_refusal_is_a_question_not_an_answer() -> None:
    bench = Bench()
    assert names(bench.feed(approved(), rejected(code="DUPLICATE")))[1:] == ["OrderOutcomeUnknown"]
    assert names(bench.wait(0.25)) == ["QueryOrder"]


def test_a_cancel_of_an_unanswered_submit_waits_for_its_answer() -> None:
    bench = Bench()
    assert bench.feed(approved(), cancel_request())[1:] == []
    assert names(bench.feed(accept())) == ["OrderAccepted", "CancelOrder"]
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]


def test_a_cancel_of_an_unknown_order_leaves_once_it_is_known_to_live() -> None:
    bench = Bench()
    bench.feed(approved(), unsure(), cancel_request())
    bench.wait(0.25)
    assert names(bench.feed(status("accepted"))) == ["OrderAccepted", "CancelOrder"]


def test_a_refused_cancel_tells_and_asks_what_became_of_the_order() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_request())
    (refused,) = bench.feed(rejected("cancel", code="UNKNOWN_ORDER"))
    assert isinstance(refused, CommandRefused)
    assert (refused.command, refused.code) == ("cancel", "UNKNOWN_ORDER")
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert names(bench.feed(fill("1", 10), status("filled", 10))) == ["OrderFilled"]


def test_an_unanswered_cancel_asks_first_and_is_then_sent_again() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_request())
    assert bench.wait(5) == []
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert names(bench.feed(status("accepted"))) == ["CancelOrder"]
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]


def test_a_cancel_of_a_closed_order_is_refused() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), expired())
    (refused,) = bench.feed(cancel_request())
    assert isinstance(refused, CommandRefused)
    assert refused.code == "ORDER_CLOSED"


def test_a_fill_after_the_terminal_event_is_booked_and_shown() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancelled(0))
    filled, difference = bench.feed(fill("1", 4))
    assert isinstance(filled, OrderFilled)
    assert filled.remaining == D(0)
    assert isinstance(difference, DifferenceFound)
    assert difference.kind == "position"


def test_a_fill_of_an_unidentified_venue_order_waits_until_the_order_is_named() -> None:
    bench = Bench()
    bench.feed(approved())
    assert bench.feed(fill("1", 4, client_order_id=None)) == []
    assert names(bench.feed(accept())) == ["OrderAccepted", "OrderFilled"]


def test_an_order_found_to_have_ended_takes_its_waiting_fills_along() -> None:
    bench = Bench()
    bench.feed(approved(), unsure(), fill("1", 10, client_order_id=None))
    assert names(bench.feed(status("filled", 10))) == ["OrderAccepted", "OrderFilled"]


def test_a_fill_of_somebody_elses_order_is_shown_once_all_of_ours_are_named() -> None:
    bench = Bench()
    bench.feed(approved())
    stranger = fill("7", 4, client_order_id=None, venue_order_id="v9")
    assert bench.feed(stranger) == []
    accepted, shown, difference = bench.feed(accept())
    assert isinstance(shown, ExternalFillShown)
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(difference, DifferenceFound)
    assert difference.kind == "external_fill"
    assert bench.feed(stranger) == []


def test_a_fill_of_somebody_elses_order_is_shown_once_the_last_unknown_order_is_found() -> None:
    bench = Bench()
    bench.feed(approved(), unsure())
    stranger = fill("7", 4, client_order_id=None, venue_order_id="v9")
    assert bench.feed(stranger) == []
    sent = bench.feed(status("accepted"))
    assert [type(message) for message in sent] == [OrderAccepted, ExternalFillShown, DifferenceFound]


def test_a_report_of_an_order_nobody_knows_changes_nothing() -> None:
    bench = Bench()
    assert bench.feed(accept(), cancelled(3), status("filled", 3), unsure(), not_sent()) == []
    assert bench.oms.reports_unmatched == 5


def test_an_order_without_a_line_is_denied() -> None:
    bench = Bench()
    bench.feed(BrokerStopped(ts_event=START, account="acc", reason="test"))
    (denied,) = bench.feed(approved())
    assert isinstance(denied, OrderDenied)
    assert denied.code == "BROKER_DOWN"


def test_a_cancel_wished_for_without_a_line_leaves_when_the_line_is_back() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), BrokerStopped(ts_event=START, account="acc", reason="test"))
    assert bench.feed(cancel_request()) == []
    assert names(bench.feed(BrokerStarted(ts_event=START, account="acc"))) == ["CancelOrder", "QueryAccount"]


def test_started_makes_an_unanswered_submit_unknown_and_asks_when_connected() -> None:
    bench = Bench()
    bench.feed(approved())
    bench.restart()
    (unknown,) = bench.feed(Started(ts_event=START, epoch=2))
    assert isinstance(unknown, OrderOutcomeUnknown)
    assert unknown.command == "submit"
    assert bench.wait(100) == []
    assert names(bench.feed(BrokerStarted(ts_event=START, account="acc"))) == ["QueryAccount"]
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert len(only(bench.sent, SubmitOrder)) == 1


def test_an_unanswered_cancel_is_asked_about_after_a_restart_and_driven_on() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_request())
    bench.restart()
    assert bench.feed(Started(ts_event=START, epoch=2)) == []
    bench.feed(BrokerStarted(ts_event=START, account="acc"))
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert names(bench.feed(status("accepted"))) == ["CancelOrder"]


# never received


def prove(first_ms: int, second_ms: int) -> tuple[Bench, list[Message]]:
    """Two answers that do not know the order, asked for so long after the submit."""
    bench = Bench(query_delays_ms=(first_ms, second_ms - first_ms))
    bench.feed(approved(), unsure())
    sent: list[Message] = []
    for pause_ms in (first_ms, second_ms - first_ms):
        assert names(bench.wait(pause_ms / 1_000)) == ["QueryOrder"]
        sent += bench.feed(status("not_found"))
    return bench, sent


def test_two_answers_after_the_window_and_a_gap_apart_prove_it_never_arrived() -> None:
    _, (event,) = prove(6_001, 36_001)
    assert isinstance(event, OrderRejected)
    assert event.code == "NOT_RECEIVED"


def test_a_venue_clock_that_jumps_between_the_answers_does_not_make_the_gap() -> None:
    bench = Bench(query_delays_ms=(6_001, 1_000))
    bench.feed(approved(), unsure())
    bench.wait(6.001)
    bench.feed(status("not_found"), ClockMeasured(ts_event=START, account="acc", offset_ms=40_000))
    bench.wait(1.0)
    assert bench.feed(status("not_found")) == []
    assert bench.state() == "unknown"


def test_answers_less_than_the_gap_apart_prove_nothing() -> None:
    assert prove(6_001, 36_000)[1] == []


def test_an_answer_asked_for_within_window_and_margin_does_not_count() -> None:
    assert prove(6_000, 36_001)[1] == []


def test_an_answer_counts_from_the_oldest_question_it_may_belong_to() -> None:
    bench = Bench(query_delays_ms=(1_000, 60_000))
    bench.feed(approved(), unsure())
    for _ in range(3):
        bench.wait(61)
    assert len(only(bench.sent, QueryOrder)) == 4
    bench.feed(status("not_found"))
    assert bench.order().absent_ms is None


def test_an_answer_nobody_asked_for_does_not_count() -> None:
    bench = Bench()
    bench.feed(approved(), unsure())
    assert bench.feed(status("not_found"), status("not_found")) == []
    bench.now += 100_000_000
    assert bench.feed(status("not_found"), status("not_found")) == []
    assert bench.order().absent_ms is None


def test_an_accepted_order_is_never_closed_by_absence() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), evidence(9))
    for _ in range(20):
        bench.wait(60)
        bench.feed(status("not_found"))
    assert bench.state() == "unknown"


def test_an_order_that_works_after_it_was_proven_absent_is_taken_back_and_shown() -> None:
    bench, _ = prove(7_000, 40_000)
    sent = bench.feed(accept(), accept(), fill("1", 4))
    assert names(sent) == ["DifferenceFound", "CancelOrder", "CancelOrder", "OrderFilled", "DifferenceFound"]


def test_a_restart_after_any_message_changes_nothing() -> None:
    inputs: list[Message | float] = [
        approved(), fill("9", 1, client_order_id=None, venue_order_id="v7"), cancel_request(), accept(), 0.1,
        fill("1", 4), cancelled(6), 0.3, fill("2", 2), status("cancelled", 6),
        approved("T00000001000000B"), 5.0, 0.3, status("not_found", client_order_id="T00000001000000B"), 7.0,
        BrokerStopped(ts_event=START, account="acc", reason="test"), 1.0,
        BrokerStarted(ts_event=START, account="acc"), 0.3,
        evidence(18, fills=(venue_fill("3", 1, venue_order_id="v5"),), read_to="3"), 40.0,
        status("not_found", client_order_id="T00000001000000B"), 45.0,
        status("not_found", client_order_id="T00000001000000B"),
        approved("T00000001000000C"), accept(client_order_id="T00000001000000C", venue_order_id="v3"),
        approved_replace("T00000001000000C", new_client_order_id="T00000001000000D"), 1.0,
        fill("4", 2, client_order_id="T00000001000000C", venue_order_id="v3"),
        cancelled(2, client_order_id="T00000001000000C", venue_order_id="v3"),
        position(3), Flatten(ts_event=START, scope=Scope(), command_id="1", by="test"), 1.0, 3.0, 5.0,
        position(0), 1.0, Stop(ts_event=START, scope=Scope(), command_id="2", by="test", cancel_orders=True),
        1.0,
    ]  # fmt: skip

    def run(restart_at: int | None) -> list[Message]:
        bench = Bench(reconcile_s=60)
        for index, item in enumerate(inputs):
            if index == restart_at:
                bench.restart()
            if isinstance(item, float):
                bench.wait(item)
            else:
                bench.feed(item)
        return bench.sent

    whole = run(None)
    assert only(whole, OrderExpired) == []
    assert {"ReplaceReady", "GoalMet", "OrderRejected", "OrderIntent", "DifferenceFound"} <= set(names(whole))
    assert len(only(whole, CancelOrder)) == 2
    for k in range(1, len(inputs)):
        assert run(k) == whole, k


def test_counters_and_states_are_what_happened() -> None:
    bench = Bench()
    bench.feed(approved(), unsure())
    bench.wait(1)
    assert [order.state for order in bench.oms.orders()].count("unknown") == 1
    assert bench.oms.unknown_since() == START
    assert bench.order().terms.client_order_id == ID
