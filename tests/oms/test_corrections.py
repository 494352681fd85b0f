"""Later words of venues on executions: the newest stands, once, whatever order they come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.core.actor import CoreActor
from actors.ledger.account_book import LedgerAccount
from actors.ledger.actor import LedgerActor
from actors.messages.account import DifferenceFound, ExternalFillMoved, ExternalFillShown, PositionChanged
from actors.messages.clearing import PositionSplit
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    ApprovedOrder,
    FillReport,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    QueryAccount,
    QueryOrder,
)
from actors.oms import corrections
from actors.risk.exposure import Exposure, ExposureState
from tests.oms.bench import (
    BTC,
    ID,
    START,
    Bench,
    D,
    accept,
    an_instrument,
    approved,
    cancel_request,
    cancelled,
    evidence,
    expired,
    fill,
    only,
    status,
    venue_fill,
)

INSTRUMENTS = {BTC: an_instrument()}
OTHER = "T00000001000000C"


class Reservations(CoreActor):
    """What risk counts, and nothing of its rules."""

    name = "reservations"
    state_type = ExposureState

    def __init__(self) -> None:
        self.exposure = Exposure(INSTRUMENTS)

    def on_approved(self, order: ApprovedOrder) -> None:
        self.exposure.reserve(order.terms, D(100))

    def on_fact(self, fact: OrderFilled | OrderCancelled | FillCorrected) -> None:
        self.exposure.settle(fact)

    def on_position(self, change: PositionChanged) -> None:
        self.exposure.book(change)

    def snapshot(self) -> ExposureState:
        return self.exposure.snapshot()

    def restore(self, state: ExposureState) -> None:
        self.exposure.restore(state)


def a_core() -> Bench:
    accounts = {"acc": LedgerAccount(base_currency="USDT", snapshot_ns=10**18)}
    return Bench(around=lambda: [LedgerActor(accounts=accounts, instruments=INSTRUMENTS), Reservations()])


def ledger_of(bench: Bench) -> LedgerActor:
    return next(actor for actor in bench.sequencer.actors if isinstance(actor, LedgerActor))


def exposure_of(bench: Bench) -> Exposure:
    return next(a.exposure for a in bench.sequencer.actors if isinstance(a, Reservations))


def word(trade_id: str, revision: int, quantity: int, price: int = 100, fee: int | None = 1) -> FillReport:
    """The venue's word on an execution; without a fee where it has not told one."""
    return fill(
        trade_id, quantity, price=D(price), fee=D(fee or 0), fee_known=fee is not None, revision=revision
    )


def stands(words: Sequence[FillReport]) -> FillReport:
    """Of one execution: the newest word, with the newest fee that any word up to it has told."""
    ordered = sorted(words, key=lambda each: each.revision)
    known = [each.fee for each in ordered if each.fee_known]
    return msgspec.structs.replace(ordered[-1], fee=known[-1] if known else D(0))


# any number of executions of one order, several words on each, in any order, repeated, with restarts


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[FillReport], list[int | None]]:
    """All words, and the order of their arrival: numbers of words, each at least once, None a restart."""
    words: list[FillReport] = []
    for trade in range(draw(st.integers(1, 3))):
        for revision in range(1, draw(st.integers(1, 4)) + 1):
            words.append(
                word(
                    f"t{trade}", revision, draw(st.integers(0 if revision > 1 else 1, 3)),
                    draw(st.integers(90, 110)), draw(st.integers(0, 2)),
                )
            )  # fmt: skip
    once: list[int | None] = list(range(len(words)))
    again = draw(st.lists(st.one_of(st.none(), st.sampled_from(once)), max_size=6))
    return words, draw(st.permutations(once + again))


@settings(max_examples=120, deadline=None)
@given(story=stories(), is_over=st.booleans())
def test_books_are_what_the_newest_words_say_in_whatever_order_they_come(
    story: tuple[list[FillReport], list[int | None]], is_over: bool
) -> None:
    words, arrivals = story
    bench = a_core()
    bench.feed(approved(quantity=D(20)), accept())
    if is_over:
        bench.feed(cancelled(0))
    heard: dict[str, list[FillReport]] = {}
    for arrival in arrivals:
        if arrival is None:
            bench.restart()
            continue
        bench.feed(words[arrival])
        heard.setdefault(words[arrival].trade_id, []).append(words[arrival])
        assert_sums(bench, [stands(said) for said in heard.values()], is_over=is_over)
    told = [message.trade_id for message in only(bench.sent, OrderFilled)]
    assert len(told) == len(set(told)), "an execution was told as a fill more than once"
    before = msgspec.msgpack.encode(bench.sequencer.snapshot().actors)
    bench.feed(*words)
    assert msgspec.msgpack.encode(bench.sequencer.snapshot().actors) == before


def assert_sums(bench: Bench, standing: list[FillReport], *, is_over: bool) -> None:
    """Order, books and reservations, all by plain sums over what stands."""
    quantity = sum((each.quantity for each in standing), D(0))
    paid = sum((each.quantity * each.price + each.fee for each in booked(bench, standing)), D(0))
    ledger, exposure = ledger_of(bench), exposure_of(bench)
    assert bench.order().filled == quantity
    assert ledger.balances("acc").get("BTC", D(0)) == quantity
    assert ledger.balances("acc").get("USDT", D(0)) == -paid
    assert not any(ledger.trial_balance("acc").values())
    assert exposure.holdings.position("acc", "alpha", BTC) == quantity
    worst = exposure.worst_quantities("acc").get(BTC, D(0))
    assert worst == (quantity if is_over else D(20))


def booked(bench: Bench, standing: list[FillReport]) -> list[FillReport]:
    """Those that were ever told: one that was busted before it was heard of costs nothing."""
    told = {each.trade_id for each in only(bench.sent, OrderFilled) + only(bench.sent, FillCorrected)}
    return [each for each in standing if each.trade_id in told]


# one by one


def test_a_correction_of_a_working_order_opens_again_what_it_has_taken_back() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 6))
    (told,) = bench.feed(word("1", 2, 2, price=99))
    assert isinstance(told, FillCorrected)
    assert (told.before.quantity, told.after.quantity, told.after.price) == (D(6), D(2), D(99))
    assert (bench.state(), bench.order().remaining, told.filled_quantity) == ("partially_filled", D(8), D(2))
    bench.feed(word("1", 3, 0))
    assert (bench.state(), bench.order().remaining) == ("accepted", D(10))


@pytest.mark.parametrize("counts_busted", [False, True])
def test_an_order_ends_whether_or_not_its_venue_counts_what_was_busted(counts_busted: bool) -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 6), word("1", 2, 0), cancel_request())
    (ended,) = only(bench.feed(cancelled(6 if counts_busted else 0)), OrderCancelled)
    assert ended.filled_quantity == 0
    bench.sent.clear()
    bench.feed(status("cancelled", 6 if counts_busted else 0))
    assert only(bench.sent, QueryOrder) == []


def test_an_order_whose_fill_was_busted_before_we_heard_of_it_ends_with_what_stands() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), expired(6))
    assert bench.state() == "closing"
    (ended,) = only(bench.feed(word("1", 2, 0), status("expired", 0)), OrderExpired)
    assert ended.filled_quantity == 0


def test_more_than_an_order_asked_for_holds_no_less_than_nothing() -> None:
    bench = a_core()
    bench.feed(approved(), accept(), word("1", 1, 6), word("1", 2, 14))
    sides = exposure_of(bench).open_sides("acc", BTC)
    assert (sides.buys, sides.sells) == (D(0), D(0))


def test_an_order_that_a_correction_fills_whole_asks_for_its_end() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 6))
    bench.feed(word("1", 2, 10))
    assert only(bench.wait(60), QueryOrder) or only(bench.sent, QueryOrder)
    assert only(bench.feed(status("filled", 10)), OrderCancelled)


def test_a_correction_of_an_order_that_is_forgotten_is_booked_once() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 10))
    for seq in (100, 200, 300):
        bench.feed(evidence(seq))
    assert bench.oms.snapshot().orders == []
    bench.restart()
    (told,) = bench.feed(word("1", 2, 7))
    assert isinstance(told, FillCorrected)
    assert (told.client_order_id, told.strategy, told.filled_quantity) == (ID, "alpha", D(7))
    assert bench.feed(word("1", 2, 7), word("1", 1, 10)) == []


def test_a_statement_tells_what_changed_behind_the_marks_and_nothing_of_it_is_new() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 10))
    statement = evidence(100)
    assert statement.fills is not None
    changed = venue_fill("1", 7, revision=2, client_order_id=ID)
    strange = venue_fill("8", 3, revision=2, venue_order_id="v8")
    fills = msgspec.structs.replace(statement.fills, corrected=(changed, strange))
    sent = bench.feed(msgspec.structs.replace(statement, fills=fills))
    (told,) = only(sent, FillCorrected)
    assert told.after.quantity == 7
    assert only(sent, OrderFilled) == []
    assert only(sent, ExternalFillShown) == []


def test_a_fee_nobody_has_told_is_asked_for_until_it_is_known() -> None:
    bench = Bench()
    (_, _, filled) = bench.feed(approved(), accept(), word("1", 1, 10, fee=None))[-3:]
    assert isinstance(filled, OrderFilled)
    assert (filled.fee, filled.fee_known) == (D(0), False)
    bench.oms._desk.ask_account("acc")
    (question,) = only(bench.feed(), QueryAccount) or only(bench.wait(31), QueryAccount)[:1]
    assert question.fees_wanted == ("1",)
    (told,) = bench.feed(word("1", 2, 10, fee=3))
    assert isinstance(told, FillCorrected)
    assert told.is_late_fee
    assert (told.after.fee, told.fee_known) == (D(3), True)
    assert bench.oms._desk.fees_wanted("acc") == ()


def test_a_correction_that_tells_no_fee_leaves_the_one_that_is_known() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 2, 10, fee=5))
    (told,) = bench.feed(word("1", 3, 8, fee=None))
    assert isinstance(told, FillCorrected)
    assert (told.after.quantity, told.after.fee, told.fee_known) == (D(8), D(5), True)


def test_a_fill_that_is_not_ours_is_taken_back_and_shown_anew() -> None:
    bench = Bench()

    def theirs(revision: int, quantity: int) -> FillReport:
        return fill("7", quantity, client_order_id=None, venue_order_id="v9", revision=revision)

    first = bench.feed(theirs(1, 4))
    assert [type(message) for message in first] == [ExternalFillShown, DifferenceFound]
    bench.restart()
    moved, shown = bench.feed(theirs(2, 3))
    assert (type(moved), moved.quantity) == (ExternalFillMoved, 4)  # type: ignore[attr-defined]
    assert (type(shown), shown.quantity) == (ExternalFillShown, 3)  # type: ignore[attr-defined]
    assert [type(message) for message in bench.feed(theirs(3, 0))] == [ExternalFillMoved]
    assert bench.feed(theirs(2, 3), theirs(1, 4)) == []


def test_what_the_opening_balance_includes_moves_by_its_change_alone() -> None:
    bench = Bench()
    theirs: dict[str, Any] = {"venue_order_id": "v9", "client_order_id": None}
    bench.feed(evidence(100, fills=(venue_fill("7", 4, revision=1, **theirs),)))
    assert only(bench.sent, OrderFilled) + only(bench.sent, ExternalFillShown) == []
    bench.restart()
    moved, shown = bench.feed(fill("7", 3, revision=2, **theirs))
    assert isinstance(moved, ExternalFillMoved)
    assert isinstance(shown, ExternalFillShown)
    assert (moved.quantity, shown.quantity) == (D(4), D(3))


def test_after_a_split_fills_from_before_it_are_not_corrected() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), word("1", 1, 10))
    bench.feed(
        PositionSplit(
            ts_event=START, account="acc", instrument=BTC, shares_before=D(1), shares_after=D(2),
            quantity=D(20), price=D(50), cash_in_lieu=D(0), action_id="x",
        )
    )  # fmt: skip
    assert bench.feed(word("1", 2, 7)) == []


def test_what_is_remembered_of_fills_is_bounded() -> None:
    bench = Bench()
    bench.feed(approved(quantity=D(10_000)), accept())
    for number in range(corrections.REMEMBERED_MAX + 3):
        bench.feed(word(f"n{number}", 1, 1))
    assert len(bench.oms.snapshot().booked) == corrections.REMEMBERED_MAX


def test_fills_that_never_change_are_not_remembered() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), fill("1", 10))
    assert bench.oms.snapshot().booked == []


def test_of_what_was_busted_there_is_nothing_to_give_away() -> None:
    bench = Bench()
    theirs: dict[str, Any] = {"client_order_id": None, "venue_order_id": "v9"}
    bench.feed(fill("7", 4, revision=1, **theirs), fill("8", 6, revision=1, **theirs))
    bench.feed(fill("7", 0, revision=2, **theirs))
    (left,) = bench.oms.unclaimed()
    assert (left.quantity, left.trade_ids) == (D(6), ("8",))
    bench.feed(fill("8", 0, revision=2, **theirs))
    assert list(bench.oms.unclaimed()) == []
