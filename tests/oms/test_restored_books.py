"""Books out of a backup: what their store did later is nobody else's, and never sent again."""

from __future__ import annotations

from actors.messages.account import DifferenceFound, ExternalFillShown
from actors.messages.control import BooksRestored, BrokerStarted, Started
from actors.messages.orders import OrderDenied, SubmitOrder
from tests.oms.bench import (
    BTC,
    ID,
    START,
    Bench,
    accept,
    approved,
    evidence,
    names,
    only,
    venue_fill,
    venue_order,
)

FORMER = ID[1:5]
OTHER = "TAB12001000000A1"
SECOND = 1_000_000_000


def restored(*former: str) -> Bench:
    """Books with an order that rests, from a backup of the store that made it."""
    bench = Bench()
    bench.feed(approved(), accept(), evidence(2))
    bench.feed(Started(ts_event=START, epoch=2))
    bench.feed(*(BooksRestored(ts_event=START, store_id=store) for store in former or (FORMER,)))
    bench.feed(BrokerStarted(ts_event=START, account="acc"))
    return bench


def test_fills_that_the_backup_came_too_early_for_are_booked_and_said_once_of_each_instrument() -> None:
    bench = restored()
    sent = bench.feed(
        evidence(
            20,
            orders=(venue_order(),),
            fills=tuple(venue_fill(trade, 1, venue_order_id="v8") for trade in ("7", "8")),
        )
    )
    assert len(only(sent, ExternalFillShown)) == 2
    (told,) = only(sent, DifferenceFound)
    assert (told.kind, told.subject) == ("foreign_order", BTC)
    assert f"store {FORMER}'s" in told.venue
    bench.restart()
    again = bench.feed(
        evidence(40, orders=(venue_order(),), fills=(venue_fill("9", 1, venue_order_id="v8"),))
    )
    assert only(again, DifferenceFound) == []
    assert len(only(again, ExternalFillShown)) == 1


def test_a_fill_after_the_restored_start_is_somebody_elses_as_ever() -> None:
    bench = restored()
    later = venue_fill("7", 1, venue_order_id="v8", ts_event=START + 3_600 * SECOND)
    (told,) = only(bench.feed(evidence(20, orders=(venue_order(),), fills=(later,))), DifferenceFound)
    assert told.kind == "external_fill"


def test_an_id_of_the_former_store_is_never_sent_for_that_store_may_have_sent_it() -> None:
    bench = restored("ZZZZ", FORMER)
    waiting = ID[:-1] + "Z"
    sent = bench.feed(approved(waiting), approved("TZZZZ001000000A1"))
    assert only(sent, SubmitOrder) == []
    assert [(each.client_order_id, each.code) for each in only(sent, OrderDenied)] == [
        (waiting, "FORMER_STORE"), ("TZZZZ001000000A1", "FORMER_STORE"),
    ]  # fmt: skip
    assert names(bench.feed(approved(OTHER))) == ["SubmitOrder"]
    bench.restart()
    assert names(bench.feed(approved(ID[:-1] + "Y"))) == ["OrderDenied"]
