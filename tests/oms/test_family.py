"""A bracket: what becomes of the others when one of its orders ends."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.messages.control import BrokerStarted, Started
from actors.messages.orders import (
    ApprovedOrder,
    CancelOrder,
    OrderCancelled,
    OrderRejected,
    Report,
    SpecialTerms,
    SubmitOrder,
)
from tests.oms.bench import (
    Bench,
    D,
    accept,
    approved,
    approved_replace,
    cancelled,
    fill,
    names,
    not_sent,
    only,
    rejected,
    status,
)

ENTRY, PROFIT, LOSS = "T00000001000000A", "T00000001000000B", "T00000001000000C"


def a_bracket() -> tuple[ApprovedOrder, ApprovedOrder, ApprovedOrder]:
    def exit_of(name: str, *, is_last: bool, **terms: Any) -> ApprovedOrder:
        special = SpecialTerms(parent=ENTRY, oca_group=ENTRY, more_follow=not is_last)
        return approved(name, side="sell", special=special, **terms)

    return (
        approved(ENTRY, special=SpecialTerms(more_follow=True)),
        exit_of(PROFIT, is_last=False, price=D(110)),
        exit_of(LOSS, is_last=True, order_type="stop", price=None, stop_price=D(90)),
    )


def about(name: str, report: Report) -> Any:
    """The report, of this order of the bracket."""
    return msgspec.structs.replace(report, client_order_id=name, venue_order_id=f"v-{name}")


def a_bench(**rules: Any) -> Bench:
    bench = Bench(**rules)
    sent = bench.feed(*a_bracket())
    assert [each.client_order_id for each in only(sent, SubmitOrder)] == [ENTRY, PROFIT, LOSS]
    return bench


def cancels(sent: list[Any]) -> list[str]:
    return [each.client_order_id for each in only(sent, CancelOrder)]


def test_a_refused_exit_takes_an_entry_back_that_has_not_filled() -> None:
    bench = a_bench()
    bench.feed(*(about(name, accept()) for name in (ENTRY, PROFIT)))
    assert cancels(bench.feed(about(LOSS, rejected()))) == [ENTRY]
    assert cancels(bench.feed(about(ENTRY, cancelled()))) == [PROFIT]
    bench.feed(about(PROFIT, cancelled()))
    assert [bench.state(name) for name in (ENTRY, PROFIT, LOSS)] == ["cancelled", "cancelled", "rejected"]


def test_an_exit_that_never_left_takes_back_an_entry_that_is_still_without_an_answer() -> None:
    bench = a_bench()
    assert cancels(bench.feed(about(LOSS, not_sent("submit")))) == []
    assert cancels(bench.feed(about(ENTRY, accept()))) == [ENTRY]


def test_a_refused_exit_of_an_entry_that_has_filled_ends_nothing_else() -> None:
    bench = a_bench()
    bench.feed(*(about(name, accept()) for name in (ENTRY, PROFIT)), about(ENTRY, fill("1", 4)))
    assert cancels(bench.feed(about(LOSS, rejected()))) == []
    assert cancels(bench.feed(about(ENTRY, cancelled(4)))) == []
    assert bench.state(PROFIT) == "accepted"


def test_exits_that_the_venue_ends_by_itself_are_settled_without_a_cancel_of_ours() -> None:
    bench = a_bench()
    bench.feed(*(about(name, accept()) for name in (ENTRY, PROFIT, LOSS)), about(ENTRY, fill("1", 10)))
    sent = bench.feed(about(PROFIT, fill("2", 10)), about(LOSS, cancelled()))
    assert cancels(sent) == []
    (ended,) = only(sent, OrderCancelled)
    assert (ended.client_order_id, ended.filled_quantity) == (LOSS, 0)


def test_a_crash_before_the_last_order_of_a_bracket_leaves_nothing_behind() -> None:
    """The venue holds the entry back and shows nothing of it: it was never received, and so are its exits."""
    bench = a_bench()
    bench.restart()
    bench.feed(Started(ts_event=bench.now, epoch=2), BrokerStarted(ts_event=bench.now, account="acc"))
    for _ in range(8):
        bench.wait(20)
        for name in (ENTRY, PROFIT, LOSS):
            bench.feed(about(name, status("not_found")))
    told = {each.client_order_id: each.code for each in only(bench.sent, OrderRejected)}
    assert told == dict.fromkeys((ENTRY, PROFIT, LOSS), "NOT_RECEIVED")
    assert cancels(bench.sent) == []


def test_a_crash_before_the_last_order_takes_back_an_entry_that_the_venue_shows() -> None:
    bench = a_bench()
    bench.restart()
    bench.feed(
        Started(ts_event=bench.now, epoch=2),
        BrokerStarted(ts_event=bench.now, account="acc"),
        about(ENTRY, status("accepted")),
    )
    for _ in range(8):
        bench.wait(20)
        for name in (PROFIT, LOSS):
            bench.feed(about(name, status("not_found")))
    assert cancels(bench.sent)[0] == ENTRY
    bench.feed(about(ENTRY, cancelled()))
    assert [bench.state(name) for name in (ENTRY, PROFIT, LOSS)] == ["cancelled", "rejected", "rejected"]


def test_an_entry_is_not_replaced_by_another_order_where_its_exits_hang_on_it() -> None:
    bench = a_bench()
    bench.feed(*(about(name, accept()) for name in (ENTRY, PROFIT, LOSS)))
    assert names(bench.feed(approved_replace())) == ["CommandRefused"]
    native = a_bench(native_replace=True)
    native.feed(*(about(name, accept()) for name in (ENTRY, PROFIT, LOSS)))
    assert names(native.feed(approved_replace())) == ["ReplaceOrder"]
