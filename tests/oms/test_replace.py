from __future__ import annotations

from typing import Any

from actors.messages.orders import (
    CommandRefused,
    OrderCancelled,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderReplaced,
    ReplaceOrder,
    ReplaceReady,
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
    fill,
    names,
    only,
    rejected,
    replaced,
    status,
    unsure,
    venue_order,
)


def test_a_replace_by_cancel_sends_the_remainder_through_risk_once_the_cancel_is_confirmed() -> None:
    bench = Bench()
    assert names(bench.feed(approved(), accept(), approved_replace()))[2:] == ["CancelOrder"]
    ended, ready = bench.feed(cancelled())
    assert isinstance(ended, OrderCancelled)
    assert isinstance(ready, ReplaceReady)
    assert (ready.terms.client_order_id, ready.terms.replaces) == ("T00000001000000B", ID)
    assert (ready.terms.quantity, ready.terms.price) == (D(8), D(101))
    assert (ready.terms.side, ready.terms.strategy) == ("buy", "alpha")


def test_fills_during_the_cancel_reduce_the_remainder() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 2), approved_replace())
    (ready,) = only(bench.feed(cancelled(5), fill("2", 3)), ReplaceReady)
    assert ready.terms.quantity == D(3)


def test_a_replace_with_nothing_left_is_refused() -> None:
    for end in ((fill("1", 10),), (fill("1", 8), cancelled(8))):
        bench = Bench()
        bench.feed(approved(), accept(), approved_replace())
        sent = bench.feed(*end)
        (refused,) = only(sent, CommandRefused)
        assert (refused.command, refused.code) == ("replace", "NOTHING_LEFT")
        assert only(sent, ReplaceReady) == []


def test_a_refused_cancel_of_a_replace_refuses_the_replace_and_the_order_goes_on() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), approved_replace())
    (refused,) = bench.feed(rejected("cancel"))
    assert isinstance(refused, CommandRefused)
    assert refused.command == "replace"
    assert bench.state() == "accepted"
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]


def test_a_cancel_during_a_replace_wins() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), approved_replace())
    (refused,) = bench.feed(cancel_request())
    assert isinstance(refused, CommandRefused)
    assert refused.code == "CANCEL_REQUESTED"
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]


def test_a_replace_by_cancel_of_an_unanswered_submit_waits_for_its_answer() -> None:
    bench = Bench()
    assert names(bench.feed(approved(), approved_replace())) == ["SubmitOrder"]
    assert names(bench.feed(accept())) == ["OrderAccepted", "CancelOrder"]
    assert names(bench.feed(cancelled())) == ["OrderCancelled", "ReplaceReady"]


def test_a_second_replace_is_refused_while_one_is_under_way() -> None:
    for native in (False, True):
        bench = Bench(native_replace=native)
        bench.feed(approved(), accept(), approved_replace())
        (refused,) = bench.feed(approved_replace(new_client_order_id="T00000001000000C"))
        assert isinstance(refused, CommandRefused)
        assert refused.code == "ORDER_BUSY"


def native() -> Bench:
    bench = Bench(native_replace=True)
    bench.feed(approved(), accept())
    (command,) = bench.feed(approved_replace())
    assert isinstance(command, ReplaceOrder)
    assert (command.venue_order_id, command.quantity, command.price) == ("v1", D(8), D(101))
    return bench


def test_a_native_replace_changes_the_order_in_place() -> None:
    bench = native()
    (event,) = bench.feed(replaced())
    assert isinstance(event, OrderReplaced)
    assert (event.quantity, event.price) == (D(8), D(101))
    (last,) = bench.feed(fill("1", 8))
    assert isinstance(last, OrderFilled)
    assert last.remaining == D(0)


def test_a_native_replace_to_what_is_already_filled_ends_the_order() -> None:
    bench = native()
    (filled,) = bench.feed(fill("1", 8))
    assert isinstance(filled, OrderFilled)
    assert filled.remaining == D(2)
    assert names(bench.feed(replaced())) == ["OrderReplaced", "OrderCancelled"]


def test_a_fill_beyond_the_old_quantity_shows_that_the_replace_took_place() -> None:
    bench = Bench(native_replace=True)
    bench.feed(approved(), accept(), approved_replace(quantity=D(15)))
    assert names(bench.feed(fill("1", 12))) == ["OrderReplaced", "OrderFilled"]
    assert bench.order().remaining == D(3)


def test_a_new_venue_id_of_a_replace_keeps_the_old_one_known() -> None:
    bench = native()
    bench.feed(replaced(venue_order_id="v2"))
    bench.restart()
    sent = bench.feed(
        fill("1", 2, client_order_id=None), fill("1", 3, client_order_id=None, venue_order_id="v2")
    )
    assert [message.quantity for message in only(sent, OrderFilled)] == [D(2), D(3)]


def test_a_cancel_waits_for_a_native_replace() -> None:
    bench = native()
    assert bench.feed(cancel_request()) == []
    assert names(bench.feed(replaced())) == ["OrderReplaced", "CancelOrder"]


def test_a_refused_replace_of_an_unknown_order_leaves_it_unknown() -> None:
    bench = Bench(native_replace=True)
    bench.feed(approved(), unsure())
    sent = bench.feed(approved_replace())
    assert names(sent) == ["CommandRefused", "OrderOutcomeUnknown"]
    assert only(sent, OrderOutcomeUnknown)[0].reason == "STILL_UNKNOWN"


def unsettled() -> Bench:
    bench = native()
    (unknown,) = bench.feed(unsure("replace"))
    assert isinstance(unknown, OrderOutcomeUnknown)
    assert unknown.command == "replace"
    bench.wait(0.25)
    assert names(bench.feed(status("accepted"))) == ["QueryAccount"]
    return bench


def test_an_unknown_replace_is_settled_by_the_terms_the_venue_lists() -> None:
    bench = unsettled()
    line = venue_order(quantity=D(8), price=D(101))
    sent = bench.feed(evidence(bench.sequencer.seq, orders=(line,)))
    assert names(sent) == ["OrderReplaced", "AccountReconciled"]


def test_an_unknown_replace_has_failed_only_when_it_can_no_longer_take_effect() -> None:
    bench = unsettled()
    sent = START // 1_000_000
    early = evidence(bench.sequencer.seq, orders=(venue_order(),), venue_time_ms=sent + 6_000)
    assert names(bench.feed(early)) == ["AccountReconciled"]
    late = evidence(bench.sequencer.seq, orders=(venue_order(),), venue_time_ms=sent + 6_001)
    assert names(bench.feed(late)) == ["CommandRefused", "AccountReconciled"]
    assert bench.state() == "accepted"


def test_a_list_that_tells_the_old_stop_shows_that_a_change_of_the_stop_alone_has_failed() -> None:
    for line, word in ((venue_order(stop_price=D(90)), "CommandRefused"), (venue_order(), "OrderReplaced")):
        bench = Bench(native_replace=True)
        stop: dict[str, Any] = {"order_type": "stop_limit", "stop_price": D(90)}
        bench.feed(
            approved(**stop), accept(), approved_replace(quantity=D(10), price=D(100), stop_price=D(95))
        )
        bench.feed(unsure("replace"))
        late = evidence(bench.sequencer.seq, orders=(line,), venue_time_ms=START // 1_000_000 + 6_001)
        assert word in names(bench.feed(late))


def test_a_change_the_venue_made_by_itself_is_adopted_from_its_list() -> None:
    bench = Bench(native_replace=True)
    bench.feed(approved(), accept())
    assert names(bench.feed(replaced(quantity=9, price=100))) == ["QueryAccount"]
    line = venue_order(quantity=D(9))
    assert names(bench.feed(evidence(3, orders=(line,)))) == ["OrderReplaced", "AccountReconciled"]
    assert names(bench.feed(evidence(4, orders=(line,)))) == ["AccountReconciled"]
