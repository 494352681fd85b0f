"""Every cell of the table of states, on every kind of scope."""

from __future__ import annotations

import pytest

from actors.messages.account import AccountReconciled
from actors.messages.control import (
    BrokerStarted,
    Flatten,
    Halt,
    Pause,
    ReduceOnly,
    Scope,
    Started,
    TradingState,
)
from actors.messages.orders import ApprovedReplace, OrderDenied, ReplaceRequest
from actors.risk.states import PERMITS, Hold, States, contains, in_effect, is_allowed
from tests.risk.build import BTC, ETH, D, Rig, accepted, an_intent, command, some_terms

SCOPES = [
    Scope(),
    Scope(account="main"),
    Scope(account="main", strategy="s"),
    Scope(account="main", instrument=BTC),
    Scope(strategy="s"),
    Scope(instrument=BTC),
]
COMMANDS: dict[TradingState, type[Pause | ReduceOnly]] = {"reduce_only": ReduceOnly, "paused": Pause}
TABLE: dict[TradingState, tuple[bool, bool, bool, bool]] = {
    # state: new, reduce, reduce under a standing flatten goal, replace
    "active": (True, True, True, True),
    "reduce_only": (False, True, True, False),
    "paused": (False, True, True, False),
    "halted": (False, False, True, False),
    "starting": (False, False, False, False),
    "reconciling": (False, False, False, False),
}


def put_into(rig: Rig, state: TradingState, scope: Scope) -> None:
    if state == "halted":
        rig.feed(command(Halt, scope, reason="test"))
    elif state in COMMANDS:
        rig.feed(command(COMMANDS[state], scope))
    elif state == "starting":
        rig.feed(Started(ts_event=0, epoch=2))
    elif state == "reconciling":
        rig.feed(BrokerStarted(ts_event=0, account="main"))


def test_the_table_is_the_designs() -> None:
    assert {state: (row.new, row.reduce, row.flatten, row.replace) for state, row in PERMITS.items()} == TABLE
    assert all(is_allowed(state, "cancel", False) for state in PERMITS)


def cells() -> list[tuple[TradingState, Scope]]:
    by_operator: tuple[TradingState, ...] = ("reduce_only", "paused", "halted")
    by_account: tuple[TradingState, ...] = ("active", "starting", "reconciling")
    return [
        *((state, scope) for state in by_operator for scope in SCOPES),
        *((state, Scope(account="main")) for state in by_account),
    ]


@pytest.mark.parametrize(("state", "scope"), cells(), ids=str)
def test_every_cell(state: TradingState, scope: Scope) -> None:
    new, reduce, flatten, replace = TABLE[state]
    rig = Rig().hold("3").hold("3", ETH)
    resting = some_terms("buy", "1", "99")
    rig.feed(type(an_intent())(ts_event=0, terms=resting, mid_price=None), accepted(resting))
    put_into(rig, state, scope)
    is_open = rig.verdict("buy", "0.001") == "approved"
    is_reducing = rig.verdict("sell", "0.5", reduce_only=True) == "approved"
    (answer,) = rig.feed(a_replace(resting.client_order_id))
    assert (is_open, is_reducing, isinstance(answer, ApprovedReplace)) == (new, reduce, replace)
    rig.feed(command(Flatten, Scope(instrument=BTC)))
    assert (rig.verdict("sell", "0.5", reduce_only=True) == "approved") == flatten
    is_elsewhere_touched = state != "active" and scope.covers("main", "s", ETH)
    assert (rig.verdict("buy", "0.001", instrument=ETH) == "approved") == (not is_elsewhere_touched)


def a_replace(order: str) -> ReplaceRequest:
    return ReplaceRequest(
        ts_event=0, client_order_id=order, new_client_order_id="successor", quantity=D(1), price=D(98)
    )


def test_the_code_names_the_state_and_the_figures_the_scope() -> None:
    rig = Rig()
    put_into(rig, "halted", Scope(account="main", strategy="s"))
    denied = rig.only(OrderDenied, an_intent())
    assert denied.code == "STATE_HALTED"
    assert denied.figures == ("action=new, scope=account=main strategy=s, reason=halted by uid=1000: test")


@pytest.mark.parametrize("first", [s for s in PERMITS if s != "active"])
@pytest.mark.parametrize("second", [s for s in PERMITS if s != "active"])
def test_a_column_is_open_only_if_it_is_open_in_every_scope(
    first: TradingState, second: TradingState
) -> None:
    states = States()
    states.hold(Scope(), first, "operator", "")
    states.hold(Scope(account="main", instrument=BTC), second, "operator", "")
    for action in ("new", "reduce", "replace", "cancel"):
        for is_flattening in (False, True):
            expected = is_allowed(first, action, is_flattening) and is_allowed(second, action, is_flattening)
            found = states.obstacle("main", "s", BTC, action, is_flattening)
            assert (found is None) == expected


def test_a_reduction_of_the_account_that_opens_its_strategys_position_is_new() -> None:
    rig = Rig().hold("3", strategy="other")
    put_into(rig, "reduce_only", Scope())
    assert rig.verdict("sell", "1", strategy="s") == "STATE_REDUCE_ONLY"
    assert rig.verdict("sell", "1", strategy="other") == "approved"


def test_one_account_that_waits_holds_up_no_other() -> None:
    rig = Rig()
    rig.feed(BrokerStarted(ts_event=0, account="main"))
    assert rig.verdict() == "STATE_RECONCILING"
    assert rig.verdict(account="second", strategy="far") == "approved"
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "approved"


def test_nothing_passes_before_the_first_start() -> None:
    assert Rig(is_active=False).verdict() == "STATE_STARTING"


def test_scopes_contain_what_they_do_not_narrow() -> None:
    assert contains(Scope(), Scope(account="main"))
    assert contains(Scope(account="main"), Scope(account="main", instrument=BTC))
    assert not contains(Scope(account="main"), Scope())
    assert not contains(Scope(account="main"), Scope(account="second"))
    assert not contains(Scope(strategy="s"), Scope(account="main"))


def test_the_most_severe_state_is_the_one_shown() -> None:
    holds = [
        Hold(Scope(account="main"), "reconciling", "account", "a"),
        Hold(Scope(), "halted", "operator", "b"),
        Hold(Scope(account="main"), "paused", "operator", "c"),
    ]
    assert in_effect(Scope(account="main"), holds) == ("halted", "b")
    assert in_effect(Scope(account="main"), [holds[0], holds[2]]) == ("reconciling", "a")
    assert in_effect(Scope(account="second"), [holds[0], holds[2]]) == ("active", "")


def test_changes_are_told_once() -> None:
    states = States()
    states.hold(Scope(account="main"), "paused", "operator", "why")
    assert states.changes() == [(Scope(account="main"), "paused", "why")]
    assert states.changes() == []
    states.hold(Scope(), "halted", "operator", "stop")
    assert states.changes() == [(Scope(), "halted", "stop"), (Scope(account="main"), "halted", "stop")]
    states.lift(Scope(), ("halted",), ("operator",))
    assert states.changes() == [(Scope(), "active", ""), (Scope(account="main"), "paused", "why")]
