"""What an operator's command does to the holds, and how that is told."""

from __future__ import annotations

from collections.abc import Container
from typing import assert_never

from actors.messages.control import ClearHalt, Halt, Pause, ReduceOnly, Resume, Scope, TradingState
from actors.risk.states import LOSS_CAUSES, Cause, Hold, States

RESUMABLE: tuple[Cause, ...] = ("operator", "strategy", "difference", *LOSS_CAUSES)
"""What only an operator lifts; other causes lift by themselves."""
_RESUMED: tuple[TradingState, ...] = ("paused", "reduce_only")


def unknown_name(
    scope: Scope,
    accounts: Container[str],
    strategies: Container[str],
    instruments: Container[str],
    states: States,
) -> str:
    """What is wrong with a scope, in words; empty when it can be meant."""
    if any(hold.scope == scope for hold in states.holds.values()):
        return ""  # also what left the configuration can be resumed
    for kind, name, known in (
        ("account", scope.account, accounts),
        ("strategy", scope.strategy, strategies),
        ("instrument", scope.instrument, instruments),
    ):
        if name is not None and name not in known:
            return f"no {kind} is called {name!r}; see the configured names with `tickerd ctl status`"
    return ""


def carry_out(command: Pause | Resume | ReduceOnly | Halt | ClearHalt, states: States) -> tuple[bool, str]:
    """Move the holds; whether anything changed (or already was so), and one sentence."""
    scope = command.scope
    match command:
        case Pause():
            states.hold(scope, "paused", "operator", f"paused by {command.by}")
            return True, _stands(scope, states, "paused", "is paused")
        case ReduceOnly():
            states.hold(scope, "reduce_only", "operator", f"reduce-only by {command.by}")
            return True, _stands(scope, states, "reduce_only", "is reduce_only")
        case Halt():
            states.hold(scope, "halted", "operator", f"halted by {command.by}: {command.reason}")
            return True, f"{scope} is halted until clear-halt"
        case Resume():
            if states.lift(scope, _RESUMED, RESUMABLE):
                return True, _left(scope, states, "is resumed")
            return False, _left(scope, states, "was neither paused nor reduce_only by itself")
        case ClearHalt():
            if states.lift(scope, ("halted",), RESUMABLE):
                return True, _left(scope, states, "is halted no longer by itself")
            return False, _left(scope, states, "was not halted by itself")
        case _:
            assert_never(command)


def holds_to_lift(command: Resume | ClearHalt, states: States) -> list[Hold]:
    """What the command would lift."""
    lifted = _RESUMED if isinstance(command, Resume) else ("halted",)
    return [
        hold
        for hold in states.holds.values()
        if hold.scope == command.scope and hold.state in lifted and hold.cause in RESUMABLE
    ]


def _stands(scope: Scope, states: States, wanted: TradingState, done: str) -> str:
    """A state that a more severe one hides is said to be hidden."""
    state, _ = states.of(scope)
    return f"{scope} {done}" if state == wanted else _left(scope, states, done)


def _left(scope: Scope, states: States, done: str) -> str:
    state, reason = states.of(scope)
    return f"{scope} {done}; it is {state} now" + (f": {reason}" if reason else "")
