"""The operator's verbs become the core's commands, or one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages.control import CancelAll, Flatten, Halt, OperatorCommand, Pause, Reconcile, Scope
from daemon.control_commands import COMMANDS, NEEDS_ALL, Names, command_of, in_scope, parameters_of
from daemon.control_protocol import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError

NAMES = Names(
    accounts=("paper", "real"),
    strategies={"sma": "paper", "maker": "real"},
    instruments={"BTCUSDT@binance": ("paper", "real"), "ETHUSDT@binance": ("real",)},
)


def command(method: str, **params: Any) -> OperatorCommand:
    given = parameters_of(method, params)
    return command_of(method, given, NAMES, now_ns=7, command_id="c", by="uid=0")


def refusal(method: str, **params: Any) -> str:
    with pytest.raises(RpcError) as caught:
        command(method, **params)
    assert caught.value.code in (INVALID_PARAMS, METHOD_NOT_FOUND)
    return str(caught.value)


def test_a_command_carries_its_time_its_id_and_who_asked() -> None:
    assert command("halt", account="paper", reason="odd fills") == Halt(
        ts_event=7, scope=Scope(account="paper"), command_id="c", by="uid=0", reason="odd fills"
    )


@pytest.mark.parametrize(
    ("params", "scope"),
    [
        ({"account": "real"}, Scope(account="real")),
        ({"strategy": "sma"}, Scope(account="paper", strategy="sma")),
        ({"strategy": "sma", "account": "paper"}, Scope(account="paper", strategy="sma")),
        ({"instrument": "ETHUSDT@binance"}, Scope(account="real", instrument="ETHUSDT@binance")),
        (
            {"instrument": "BTCUSDT@binance", "account": "paper"},
            Scope(account="paper", instrument="BTCUSDT@binance"),
        ),
        ({"all": True}, Scope()),
    ],
)
def test_a_scope_gets_the_account_it_implies(params: dict[str, Any], scope: Scope) -> None:
    assert command("flatten", **params) == Flatten(ts_event=7, scope=scope, command_id="c", by="uid=0")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"account": "papr"}, "there is no account 'papr': known are paper, real"),
        ({"strategy": "x"}, "there is no strategy 'x': known are sma, maker"),
        ({"instrument": "x"}, "there is no instrument 'x': known are BTCUSDT@binance, ETHUSDT@binance"),
        ({"strategy": "sma", "account": "real"}, "strategy 'sma' belongs to account 'paper', not 'real'"),
        ({"instrument": "ETHUSDT@binance", "account": "paper"}, "belongs to account 'real', not 'paper'"),
        ({"instrument": "BTCUSDT@binance"}, "is traded by paper, real: name one with account"),
        ({"strategy": "sma", "instrument": "BTCUSDT@binance"}, "a strategy or an instrument, not both"),
        ({"all": True, "account": "paper"}, "exclude each other"),
        ({"acount": "paper"}, "pause has no parameter 'acount': it takes account, all, instrument, strategy"),
        ({"account": 3}, "pause: Expected str | null, got int - at $.account"),
    ],
)
def test_a_wrong_scope_is_refused_with_the_known_names(params: dict[str, Any], message: str) -> None:
    assert message in refusal("pause", **params)


def test_an_unknown_command_lists_the_known_ones() -> None:
    assert "known are status, metrics" in refusal("panic")


OF_ONE_THING = {
    "set-limit", "approve", "resolve-difference", "resolve-order", "assign-order", "assign-holding",
    "assign-position",
}  # fmt: skip


@pytest.mark.parametrize("method", sorted(set(COMMANDS) - OF_ONE_THING))
def test_only_what_acts_or_unprotects_needs_all(method: str) -> None:
    if method in NEEDS_ALL:
        assert "or say all" in refusal(method)
    else:
        assert command(method).scope == Scope()
    assert command(method, all=True).scope == Scope()
    assert type(command(method, account="paper")) is COMMANDS[method]


def test_stopping_is_never_held_up_by_a_missing_scope() -> None:
    assert isinstance(command("pause"), Pause)
    assert isinstance(command("halt"), Halt)
    assert isinstance(command("reconcile"), Reconcile)
    assert isinstance(command("cancel-all", strategy="sma"), CancelAll)


def test_rows_are_narrowed_to_the_scope() -> None:
    rows = [{"account": "paper", "strategy": "sma", "n": 1}, {"account": "real", "strategy": "maker", "n": 2}]
    assert in_scope(rows, parameters_of("orders", {}), NAMES) == rows
    assert in_scope(rows, parameters_of("orders", {"strategy": "maker"}), NAMES) == [rows[1]]
    with pytest.raises(RpcError, match="there is no account 'x'"):
        in_scope(rows, parameters_of("orders", {"account": "x"}), NAMES)
