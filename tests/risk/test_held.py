"""Orders that wait for the venue's word on margin: what ends the wait, and what they count for meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.messages.base import Message
from actors.messages.control import (
    BrokerStopped,
    CancelAll,
    Flatten,
    Halt,
    KillFileSeen,
    Pause,
    Scope,
    SetLimit,
    Started,
    StateChanged,
    TimeReached,
)
from actors.messages.margin import MarginFigures, QueryMargin
from actors.messages.orders import (
    ApprovedOrder,
    CancelRequest,
    OrderDenied,
    OrderIntent,
    SpecialTerms,
)
from actors.model.venue_rules import Offer
from tests.risk.build import (
    BTC,
    D,
    Rig,
    a_fill,
    a_quote,
    accepted,
    an_intent,
    cancelled,
    command,
    limits,
    some_terms,
)
from tests.risk.margin_rig import answer, checked, ended, figures, held

MAIN = Scope(account="main")


def assert_empty(rig: Rig, order_id: str, *, usdt: str = "1000") -> None:
    """Nothing waits, nothing is reserved, and an answer that comes now is about nothing."""
    assert list(rig.risk.held) == []
    assert b"MarginDue" not in msgspec.msgpack.encode(rig.sequencer.snapshot()), "a timer is left"
    assert rig.risk.available("main", "USDT") == D(usdt)
    assert rig.feed(answer(order_id, figures())) == []
    rig.at(1_000)
    sent = rig.feed(TimeReached(ts_event=0))
    assert [each for each in sent if not isinstance(each, StateChanged)] == []


def test_an_order_leaves_only_when_the_venue_says_that_its_margin_is_there() -> None:
    rig = checked()
    intent = an_intent("buy", "2", "99")
    name = held(rig, intent)
    approved = rig.only(ApprovedOrder, answer(name, figures()))
    assert approved.terms == intent.terms
    assert list(rig.risk.held) == []
    assert rig.feed(answer(name, figures())) == []


def test_the_question_carries_the_whole_order() -> None:
    rig, intent = checked(), an_intent("sell", "2", "101")
    question = rig.only(QueryMargin, intent)
    assert (question.account, question.terms) == ("main", intent.terms)


@pytest.mark.parametrize(
    ("given", "after", "code", "told"),
    [
        ({}, figures(initial="1000"), "", ""),
        (
            {}, figures(initial="1001"), "MARGIN_INSUFFICIENT",
            "available=-1, min=0, equity=1000, initial_margin=1001",
        ),
        ({"excess_liquidity_min": D(900)}, figures(initial="200"), "", ""),
        (
            {"excess_liquidity_min": D(901)}, figures(initial="200"), "EXCESS_LIQUIDITY_BELOW_MIN",
            "excess=900, min=901, equity=1000, maintenance_margin=100",
        ),
        ({"margin_cushion_min": 0.9}, figures(initial="200"), "", ""),
        (
            {"margin_cushion_min": 0.91}, figures(initial="200"), "MARGIN_CUSHION_BELOW_MIN",
            "cushion=0.9000, min=0.91, equity=1000, maintenance_margin=100",
        ),
        # a hedge frees margin: it may leave even an account that has too little of it
        ({"margin_cushion_min": 0.5}, figures("-5", initial="3000"), "", ""),
    ],
)  # fmt: skip
def test_exactly_the_limit_is_allowed_and_the_figures_are_told(
    given: dict[str, Any], after: MarginFigures, code: str, told: str
) -> None:
    rig = checked(**given).balance("USDT", "1000")
    name = held(rig)
    sent = rig.feed(answer(name, after))
    assert ended(sent) == ([(code, told)] if code else [])
    assert any(isinstance(each, ApprovedOrder) for each in sent) == (not code)
    if code:
        assert_empty(rig, name)


def test_no_answer_in_time_and_a_refusal_of_the_venue_deny_with_their_reason() -> None:
    rig = checked(margin_answer_seconds=5.0).balance("USDT", "1000")
    name = held(rig)
    rig.at(4.9)
    assert rig.feed(TimeReached(ts_event=0)) == []
    rig.at(5)
    assert ended(rig.feed(TimeReached(ts_event=0))) == [("MARGIN_UNKNOWN", "no answer within 5 s")]
    assert_empty(rig, name)
    rig = checked().balance("USDT", "1000")
    name = held(rig)
    assert ended(rig.feed(answer(name, text="what if: too much (201)"))) == [
        ("MARGIN_UNKNOWN", "what if: too much (201)")
    ]
    assert_empty(rig, name)


@pytest.mark.parametrize(
    ("happening", "how"),
    [
        (command(Halt, MAIN, reason="enough"), "cancelled"),
        (KillFileSeen(ts_event=0, is_there=True), "cancelled"),
        (command(Flatten, Scope(instrument=BTC)), "cancelled"),
        (command(CancelAll, MAIN), "cancelled"),
        (command(Pause, Scope(account="main", strategy="s")), "STATE_PAUSED"),
        (BrokerStopped(ts_event=0, account="main", reason="cut"), "STATE_RECONCILING"),
        (Started(ts_event=0, epoch=2), "STATE_STARTING"),
    ],
)
def test_what_closes_the_gate_ends_the_wait_at_once(happening: Message, how: str) -> None:
    rig = checked().balance("USDT", "1000")
    name = held(rig)
    sent = rig.feed(happening)
    assert [code for code, _ in ended(sent)] == [how]
    assert not any(isinstance(each, ApprovedOrder | QueryMargin) for each in sent)
    assert_empty(rig, name)


def test_a_cancel_ends_a_held_order_and_what_concerns_others_does_not() -> None:
    rig = checked().balance("USDT", "1000")
    name = held(rig)
    others = CancelAll(ts_event=0, scope=Scope(account="second"), command_id="c", by="me")
    stranger = CancelRequest(ts_event=0, client_order_id="stranger", reason="")
    assert ended(rig.feed(others, stranger, command(Pause, Scope(account="second")))) == []
    assert ended(rig.feed(CancelRequest(ts_event=0, client_order_id=name, reason=""))) == [("cancelled", "")]
    assert_empty(rig, name)


def test_reductions_and_orders_of_a_flatten_are_not_asked_about() -> None:
    rig = checked().hold("5")
    assert rig.verdict("sell", "5", reduce_only=True) == "approved"
    rig = checked().hold("5")
    assert rig.verdict("sell", "3") == "approved"
    held(rig, an_intent("sell", "3"))  # with the first it would flip the position
    rig = checked().hold("5")
    rig.feed(command(Flatten, Scope(instrument=BTC)))
    assert rig.verdict("sell", "5", reduce_only=True) == "approved"


def test_nothing_is_asked_while_the_check_is_off_or_nobody_can_answer() -> None:
    assert Rig(limits()).verdict() == "approved"
    assert Rig(limits(margin_check=True), answers_margin=False).verdict() == "approved"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"position_max": D(3)}, "POSITION_EXCEEDS_MAX"),
        ({"order_rate_max": 1}, "ORDER_RATE_EXCEEDS_MAX"),
        ({"gross_exposure_max": D(350)}, "GROSS_EXPOSURE_EXCEEDS_MAX"),
    ],
)
def test_a_held_order_counts_like_an_approved_one(given: dict[str, Any], code: str) -> None:
    rig = checked(**given)
    name = held(rig, an_intent("buy", "2"))
    assert rig.verdict("buy", "2") == code
    rig.only(ApprovedOrder, answer(name, figures()))
    assert rig.verdict("buy", "2") == code


def test_a_held_order_takes_the_cash_of_a_cash_account() -> None:
    rig = Rig(limits(margin_check=True), is_cash_account=True).balance("USDT", "300")
    held(rig, an_intent("buy", "2", "100"))
    assert rig.verdict("buy", "2", "100") == "BALANCE_INSUFFICIENT"


def test_two_orders_asked_about_together_do_not_both_pass_on_the_same_margin() -> None:
    rig = checked()
    first, second = held(rig), held(rig)
    enough_for_one = figures("600", initial="600")
    rig.only(ApprovedOrder, answer(first, enough_for_one))
    told = "available=-200, min=0, equity=1000, initial_margin=1200 (600 of it promised)"
    assert ended(rig.feed(answer(second, enough_for_one))) == [("MARGIN_INSUFFICIENT", told)]


def test_a_promise_ends_with_the_booking_but_not_for_a_question_asked_before() -> None:
    rig = checked()
    first, second = an_intent(), an_intent()
    held(rig, first)
    held(rig, second)
    rig.feed(answer(first.terms.client_order_id, figures("600", initial="600")), accepted(first.terms))
    rig.feed(a_fill(first.terms, "1", "0"))
    rig.feed(rig.position(D(1), first.terms.client_order_id, D(1)))
    third = held(rig)
    # the venue's figures of the second cannot show the first, those of the third do
    sent = rig.feed(answer(second.terms.client_order_id, figures("600", initial="600")))
    assert [code for code, _ in ended(sent)] == ["MARGIN_INSUFFICIENT"]
    rig.only(ApprovedOrder, answer(third, figures("300", initial="900")))


def test_a_promise_ends_with_an_order_that_was_cancelled_or_never_sent() -> None:
    rig = checked()
    for end in ("cancelled", "denied"):
        intent = an_intent()
        held(rig, intent)
        rig.feed(answer(intent.terms.client_order_id, figures("600", initial="600")))
        denied = OrderDenied(
            ts_event=0, client_order_id=intent.terms.client_order_id, account="main", strategy="s",
            instrument=BTC, code="BROKER_DOWN", figures="",
        )  # fmt: skip
        rig.feed(cancelled(intent.terms) if end == "cancelled" else denied)
    rig.only(ApprovedOrder, answer(held(rig), figures("600", initial="600")))


def test_every_rule_is_asked_again_when_the_answer_comes() -> None:
    rig = checked(price_age_max_seconds=10.0, price_collar=0.05).balance("USDT", "1000")
    name = held(rig, an_intent("buy", "1", "100"))
    rig.feed(a_quote(80.0))
    sent = rig.feed(answer(name, figures()))
    assert [code for code, _ in ended(sent)] == ["PRICE_OUTSIDE_COLLAR"]
    assert_empty(rig, name)


def test_an_order_sent_after_its_wait_counts_in_the_rate_once_and_at_that_time() -> None:
    rig = checked(order_rate_max=2, order_rate_seconds=10.0, margin_answer_seconds=60.0)
    name = held(rig.at(0))
    rig.at(9)
    rig.only(ApprovedOrder, answer(name, figures()))
    rig.at(12)
    held(rig)
    assert rig.verdict() == "ORDER_RATE_EXCEEDS_MAX"


def with_brackets() -> Rig:
    return Rig(limits(margin_check=True), offer=Offer(features=("bracket",)))


def a_bracket() -> OrderIntent:
    entry = some_terms("buy", "1", "100", special=SpecialTerms(more_follow=True))
    child = SpecialTerms(parent=entry.client_order_id)
    exits = (some_terms("sell", "1", "110", special=child), some_terms("sell", "1", "90", special=child))
    return OrderIntent(ts_event=0, terms=entry, mid_price=None, children=exits)


def test_a_bracket_waits_and_ends_whole() -> None:
    rig, bracket = with_brackets(), a_bracket()
    name = held(rig, bracket)
    sent = rig.feed(answer(name, figures()))
    assert [each.terms for each in sent if isinstance(each, ApprovedOrder)] == [
        bracket.terms,
        *bracket.children,
    ]
    rig, bracket = with_brackets(), a_bracket()
    name = held(rig, bracket)
    assert [code for code, _ in ended(rig.feed(answer(name, figures(initial="1001"))))] == [
        "MARGIN_INSUFFICIENT", "BRACKET_REFUSED", "BRACKET_REFUSED",
    ]  # fmt: skip
    rig, bracket = with_brackets(), a_bracket()
    held(rig, bracket)
    exit_id = bracket.children[1].client_order_id
    sent = rig.feed(CancelRequest(ts_event=0, client_order_id=exit_id, reason=""))
    assert ended(sent) == [("cancelled", "")] * 3


def test_the_check_is_tightened_at_once_loosened_by_consent_and_refused_where_nobody_answers() -> None:
    rig = Rig(limits())
    rig.feed(command(SetLimit, MAIN, limit="margin_check", value="true"))
    held(rig)
    rig.feed(command(SetLimit, MAIN, limit="margin_check", value="false"))
    held(rig)  # it waits for the second command
    rig.approve()
    assert rig.verdict() == "approved"
    blind = Rig(limits(), answers_margin=False)
    done = blind.feed(command(SetLimit, MAIN, limit="margin_check", value="true"))
    assert "does not say what an order would do to margin" in str(done[-1])
    assert blind.verdict() == "approved"
