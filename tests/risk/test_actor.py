"""The gate in use: commands, recovery, replaces, unknown outcomes."""

from __future__ import annotations

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import AccountReconciled, DifferenceFound
from actors.messages.base import Message
from actors.messages.control import (
    Approve,
    BrokerStarted,
    BrokerStopped,
    ClearHalt,
    CommandDone,
    Flatten,
    GoalMet,
    Halt,
    Pause,
    ReduceOnly,
    Resume,
    Scope,
    Started,
    StateChanged,
    Stop,
    StrategyFailed,
)
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    OrderDenied,
    OrderIntent,
    ReplaceReady,
    ReplaceRequest,
)
from tests.risk.build import (
    BTC,
    ETH,
    D,
    Rig,
    a_fact,
    a_fill,
    a_quote,
    accepted,
    an_intent,
    cancelled,
    command,
    limits,
    some_terms,
    unknown,
)

ENCODE = msgspec.msgpack.Encoder().encode
MAIN = Scope(account="main")


def states(messages: list[Message]) -> list[tuple[str, str]]:
    return [(str(m.scope), m.state) for m in messages if isinstance(m, StateChanged)]


def test_an_account_goes_from_starting_over_reconciling_to_active() -> None:
    rig = Rig(is_active=False)
    assert states(rig.feed(Started(ts_event=0, epoch=1))) == [
        ("account=main", "starting"),
        ("account=second", "starting"),
    ]
    assert states(rig.feed(BrokerStarted(ts_event=0, account="main"))) == [("account=main", "reconciling")]
    reconciled = AccountReconciled(ts_event=0, account="main", asked_seq=0)
    assert states(rig.feed(reconciled)) == [("account=main", "active")]
    assert rig.feed(reconciled) == []
    stopped = BrokerStopped(ts_event=0, account="main", reason="closed")
    (change,) = rig.feed(stopped)
    assert isinstance(change, StateChanged)
    assert (change.state, change.reason) == ("reconciling", "connection lost: closed")
    assert rig.feed(BrokerStarted(ts_event=0, account="stranger")) == []


def test_an_approval_carries_the_terms_and_the_mid() -> None:
    terms = some_terms()
    approved = Rig().only(ApprovedOrder, OrderIntent(ts_event=0, terms=terms, mid_price=100.5))
    assert (approved.terms, approved.mid_price) == (terms, 100.5)


@pytest.mark.parametrize(("kind", "state"), [(Pause, "paused"), (ReduceOnly, "reduce_only")])
def test_a_pause_stands_until_it_is_resumed_on_exactly_its_scope(
    kind: type[Pause | ReduceOnly], state: str
) -> None:
    rig = Rig()
    sent = rig.feed(command(kind, MAIN))
    assert states(sent) == [("account=main", state)]
    assert [m.accepted for m in sent if isinstance(m, CommandDone)] == [True]
    refused = rig.only(CommandDone, command(Resume))
    assert not refused.accepted
    assert "was neither paused nor reduce_only" in refused.text
    done = rig.feed(command(Resume, MAIN))
    assert states(done) == [("account=main", "active")]
    assert rig.verdict() == "approved"


def test_a_halt_is_lifted_by_clear_halt_alone() -> None:
    rig = Rig()
    assert states(rig.feed(command(Halt, reason="loss"))) == [("all", "halted")]
    assert not rig.only(CommandDone, command(Resume)).accepted
    assert rig.verdict() == "STATE_HALTED"
    assert rig.only(CommandDone, command(ClearHalt)).accepted
    assert rig.verdict() == "STATE_HALTED", "a second command confirms it"
    rig.approve()
    assert rig.verdict() == "approved"
    assert not rig.only(CommandDone, command(ClearHalt)).accepted


def test_an_account_changes_with_what_stands_above_it() -> None:
    rig = Rig()
    rig.feed(command(Pause, MAIN))
    assert states(rig.feed(command(Halt, reason="loss"))) == [("all", "halted"), ("account=main", "halted")]
    assert states(rig.clear()) == [("all", "active"), ("account=main", "paused")]


def test_a_resume_says_what_still_stands() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="loss"), command(Pause, MAIN))
    done = rig.only(CommandDone, command(Resume, MAIN))
    assert done.text == "account=main is resumed; it is halted now: halted by uid=1000: loss"


@pytest.mark.parametrize(
    "scope", [Scope(account="nobody"), Scope(account="main", strategy="x"), Scope(instrument="x")]
)
def test_a_scope_that_names_nothing_configured_is_refused(scope: Scope) -> None:
    sent = Rig().feed(command(Halt, scope, reason="typo"))
    (done,) = sent
    assert isinstance(done, CommandDone)
    assert not done.accepted
    assert "is called" in done.text


def test_states_survive_a_new_process_life() -> None:
    rig = Rig()
    rig.feed(command(Halt, Scope(account="main", strategy="s"), reason="loss"), command(Pause, MAIN))
    rig.feed(Started(ts_event=0, epoch=2), BrokerStarted(ts_event=0, account="main"))
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "STATE_HALTED"
    assert rig.verdict(strategy="other") == "STATE_PAUSED"


def test_a_strategy_that_raised_is_paused_alone() -> None:
    rig = Rig()
    failed = StrategyFailed(
        ts_event=0, account="main", strategy="s", handler="on_bar", error="KeyError", file="a.py", line=7
    )
    (change,) = rig.feed(failed)
    assert isinstance(change, StateChanged)
    assert (change.scope, change.state) == (Scope(account="main", strategy="s"), "paused")
    assert change.reason == "on_bar raised KeyError at a.py:7"
    assert (rig.verdict(), rig.verdict(strategy="other")) == ("STATE_PAUSED", "approved")
    assert rig.only(CommandDone, command(Resume, Scope(account="main", strategy="s"))).accepted


@pytest.mark.parametrize("kind", ["position", "foreign_order"])
def test_a_difference_holds_its_instrument_to_reductions(kind: str) -> None:
    rig = Rig().hold("1")
    rig.feed(a_difference(kind, f"{BTC} T0001"))
    assert (rig.verdict(), rig.verdict(instrument=ETH)) == ("STATE_REDUCE_ONLY", "approved")
    assert rig.verdict("sell", "1") == "approved"
    assert rig.only(CommandDone, command(Resume, Scope(account="main", instrument=BTC))).accepted
    assert rig.verdict() == "approved"


def test_a_difference_without_an_instrument_holds_the_account_and_one_of_balance_nothing() -> None:
    rig = Rig()
    rig.feed(a_difference("balance", "USDT"))
    assert rig.verdict() == "approved"
    rig.feed(a_difference("foreign_order", "T0001"))
    assert rig.verdict(instrument=ETH) == "STATE_REDUCE_ONLY"


def a_difference(kind: str, subject: str) -> DifferenceFound:
    return msgspec.convert(["DifferenceFound", 0, "main", kind, subject, "0", "1"], DifferenceFound)


def test_an_unknown_outcome_holds_its_instrument_to_reductions_until_it_is_settled() -> None:
    rig = Rig().hold("3")
    terms = some_terms("sell", "1", "101")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None))
    assert states(rig.feed(unknown(terms))) == [(f"account=main instrument={BTC}", "reduce_only")]
    assert (rig.verdict(), rig.verdict(instrument=ETH)) == ("ORDER_OUTCOME_UNKNOWN", "approved")
    assert rig.verdict("sell", "2.001") == "ORDER_OUTCOME_UNKNOWN"
    assert rig.verdict("sell", "2", "105") == "approved"
    assert states(rig.feed(accepted(terms))) == [(f"account=main instrument={BTC}", "active")]
    assert rig.verdict() == "approved"


def test_an_unknown_order_that_filled_after_all_frees_its_instrument_at_its_end() -> None:
    rig = Rig()
    terms = some_terms("buy", "2", "99")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), unknown(terms))
    rig.feed(a_fill(terms, "1", "1"))
    assert rig.verdict() == "ORDER_OUTCOME_UNKNOWN"
    rig.feed(a_fill(terms, "1", "0"))
    assert rig.verdict() == "approved"


def test_two_unknown_orders_free_their_instrument_only_together() -> None:
    rig = Rig()
    first, second = some_terms("buy", "1", "99"), some_terms("buy", "1", "98")
    rig.feed(*(OrderIntent(ts_event=0, terms=terms, mid_price=None) for terms in (first, second)))
    rig.feed(unknown(first), unknown(second), cancelled(first))
    assert rig.verdict() == "ORDER_OUTCOME_UNKNOWN"
    rig.feed(cancelled(second))
    assert rig.verdict() == "approved"


def test_flatten_closes_the_scope_to_new_exposure_and_passes_a_halt_until_it_is_met() -> None:
    rig = Rig().hold("3").hold("3", ETH)
    scope = Scope(account="main", instrument=BTC)
    assert states(rig.feed(command(Flatten, scope))) == [(f"account=main instrument={BTC}", "reduce_only")]
    assert rig.verdict() == "STATE_REDUCE_ONLY"
    rig.feed(command(Halt, reason="loss"))
    assert rig.verdict("sell", "3") == "STATE_HALTED"
    assert rig.verdict("sell", "3", reduce_only=True) == "approved"
    assert rig.verdict("sell", "3", reduce_only=True, instrument=ETH) == "STATE_HALTED"
    rig.feed(GoalMet(ts_event=0, scope=scope, goal="cancel"))
    assert rig.verdict("buy") == "STATE_HALTED"
    rig.feed(GoalMet(ts_event=0, scope=scope, goal="flatten"))
    rig.clear()
    assert rig.verdict() == "approved"


def test_a_flatten_that_the_oms_refused_is_no_goal() -> None:
    rig = Rig()
    flatten = command(Flatten, MAIN)
    rig.feed(flatten, CommandDone(ts_event=0, command_id=flatten.command_id, accepted=False, text="no"))
    assert rig.verdict() == "approved"


def test_stop_lets_nothing_new_out_until_the_next_life() -> None:
    rig = Rig().hold("1")
    rig.feed(command(Stop, cancel_orders=True))
    assert (rig.verdict(), rig.verdict("sell", reduce_only=True)) == ("STATE_STARTING", "STATE_STARTING")
    rig.feed(Started(ts_event=0, epoch=2), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "approved"


def test_a_position_of_a_strategy_that_is_gone_starts_halted() -> None:
    rig = Rig().hold("1", strategy="gone")
    sent = rig.feed(Started(ts_event=0, epoch=2))
    assert ("account=main strategy=gone", "halted") in states(sent)
    scope = Scope(account="main", strategy="gone")
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict("sell", strategy="gone", reduce_only=True) == "STATE_HALTED"
    rig.feed(command(Flatten, scope))
    assert rig.verdict("sell", strategy="gone", reduce_only=True) == "approved"


def a_resting_order(rig: Rig, quantity: str = "2", price: str = "99") -> str:
    terms = some_terms("buy", quantity, price)
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), accepted(terms))
    return terms.client_order_id


def a_replace(order: str, quantity: str = "2", price: str = "98") -> ReplaceRequest:
    return ReplaceRequest(
        ts_event=0,
        client_order_id=order,
        new_client_order_id="successor",
        quantity=D(quantity),
        price=D(price),
    )


def test_a_replace_is_checked_as_if_the_old_order_were_gone() -> None:
    rig = Rig(limits(position_max=D(5)))
    order = a_resting_order(rig)
    denied = rig.only(OrderDenied, a_replace(order, "5.001"))
    assert (denied.code, denied.client_order_id) == ("POSITION_EXCEEDS_MAX", "successor")
    approved = rig.only(ApprovedReplace, a_replace(order, "5"))
    assert (approved.client_order_id, approved.new_client_order_id) == (order, "successor")


def test_a_replace_counts_against_the_order_rate() -> None:
    rig = Rig(limits(order_rate_max=3))
    order, other = a_resting_order(rig), a_resting_order(rig)
    rig.only(ApprovedReplace, a_replace(order))
    assert rig.only(OrderDenied, a_replace(other)).code == "ORDER_RATE_EXCEEDS_MAX"


def test_a_second_replace_waits_until_it_is_known_what_became_of_the_first() -> None:
    rig = Rig()
    order = a_resting_order(rig)
    rig.only(ApprovedReplace, a_replace(order, price="97"))
    assert rig.only(OrderDenied, a_replace(order, price="96")).code == "REPLACE_UNDER_WAY"


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("2", "98.001", "PRICE_NOT_ON_TICK"),
        ("2.0001", "98", "QUANTITY_NOT_ON_LOT"),
        ("1", "98", "REPLACE_BELOW_FILLED"),
        ("-1", "98", "REPLACE_BELOW_FILLED"),
        ("2", "-1", "PRICE_NOT_POSITIVE"),
    ],
)
def test_impossible_new_terms_are_denied(quantity: str, price: str, code: str) -> None:
    rig = Rig()
    terms = some_terms("buy", "2", "99")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), accepted(terms), a_fill(terms, "1", "1"))
    request = a_replace(terms.client_order_id, quantity, price)
    assert rig.only(OrderDenied, request).code == code


def test_only_a_known_open_order_can_be_replaced() -> None:
    rig = Rig()
    assert rig.only(OrderDenied, a_replace("nothing")).code == "ORDER_NOT_OPEN"
    terms = some_terms("buy", "2", "99")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), unknown(terms))
    assert rig.only(OrderDenied, a_replace(terms.client_order_id)).code == "ORDER_OUTCOME_UNKNOWN"
    rig.feed(cancelled(terms))
    assert rig.only(OrderDenied, a_replace(terms.client_order_id)).code == "ORDER_NOT_OPEN"


def test_the_successor_passes_the_gate_again() -> None:
    rig = Rig()
    terms = some_terms("buy", "1", "98", replaces="gone")
    assert rig.only(ApprovedOrder, ReplaceReady(ts_event=0, terms=terms)).mid_price == 100.0
    rig.feed(command(Pause))
    again = some_terms("buy", "1", "98", replaces="gone")
    assert rig.only(OrderDenied, ReplaceReady(ts_event=0, terms=again)).code == "STATE_PAUSED"


def test_the_next_intent_of_the_same_step_sees_the_first() -> None:
    rig = Rig(is_cash_account=True).balance("USDT", "150")
    assert [rig.verdict("buy", "1", "100") for _ in range(2)] == ["approved", "BALANCE_INSUFFICIENT"]


def test_an_order_that_the_oms_could_not_send_reserves_nothing() -> None:
    rig = Rig(is_cash_account=True).balance("USDT", "100")
    terms = some_terms("buy", "1", "100")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None))
    assert rig.risk.available("main", "USDT") == 0
    rig.feed(a_fact(OrderDenied, terms, code="BROKER_DOWN", figures=""))
    assert rig.risk.available("main", "USDT") == 100


def test_a_second_order_under_an_open_ones_id_leaves_it_reserved() -> None:
    rig = Rig(is_cash_account=True).balance("USDT", "100")
    terms = some_terms("buy", "1", "100")
    for _ in range(2):
        rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None))
    assert rig.risk.available("main", "USDT") == 0


def a_session() -> list[Message]:
    first, second, third = (some_terms("buy", "2", "99", client_order_id=f"life-{n}") for n in range(3))
    booking = Rig(is_active=False).position(D(1), first.client_order_id, D(1))
    return [
        Started(ts_event=0, epoch=1),
        a_quote(100.0),
        AccountReconciled(ts_event=0, account="main", asked_seq=0),
        OrderIntent(ts_event=0, terms=first, mid_price=None),
        accepted(first),
        a_replace(first.client_order_id, "3"),
        a_fill(first, "1", "1"),
        booking,
        OrderIntent(ts_event=0, terms=second, mid_price=None),
        unknown(second),
        OrderIntent(ts_event=0, terms=third, mid_price=None),
        command(Pause, MAIN),
        command(Flatten, Scope(instrument=BTC)),
        cancelled(second),
        command(Resume, MAIN),
        command(Halt, reason="loss"),
        Started(ts_event=0, epoch=2),
        AccountReconciled(ts_event=0, account="main", asked_seq=0),
        an_intent("sell", "1", reduce_only=True),
        GoalMet(ts_event=0, scope=Scope(instrument=BTC), goal="flatten"),
        command(ClearHalt),
        command(Approve, approval_id="a1", is_granted=True),
        an_intent(),
        an_intent(),
    ]


def test_a_gate_restored_after_any_input_goes_on_the_same() -> None:
    given = limits(order_rate_max=3, position_max=D(20))
    whole = Rig(given, is_active=False)
    inputs, answers, taken = a_session(), [], []
    for message in inputs:
        answers.append(whole.feed(message))
        taken.append(whole.sequencer.snapshot())
    assert sum(map(len, answers)) > 15
    for k, state in enumerate(taken):
        rig = Rig(given, is_active=False)
        rig.sequencer.restore(msgspec.msgpack.decode(ENCODE(state), type=CoreSnapshot))
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(state)
        for message, expected in zip(inputs[k + 1 :], answers[k + 1 :], strict=True):
            assert rig.feed(message) == expected
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(taken[-1])
