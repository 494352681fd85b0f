"""Trading states: what each permits, on which scopes they stand, and which one is in effect.

A column of the table is open only if it is open in every scope that covers the order.

    state                     new  reduce        replace  cancel
    active                    yes  yes           yes      yes
    reduce_only, paused       no   yes           no       yes
    halted                    no   flatten only  no       yes
    starting, reconciling     no   no            no       yes
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import msgspec

from actors.messages.control import HealthSubject, Scope, TradingState

Action = Literal["new", "reduce", "replace", "cancel"]


class Permits(NamedTuple):
    """One row of the table."""

    new: bool
    reduce: bool
    flatten: bool
    """Reductions that belong to a standing flatten goal."""
    replace: bool
    cancel: bool = True


PERMITS: dict[TradingState, Permits] = {
    "active": Permits(new=True, reduce=True, flatten=True, replace=True),
    "reduce_only": Permits(new=False, reduce=True, flatten=True, replace=False),
    "paused": Permits(new=False, reduce=True, flatten=True, replace=False),
    "halted": Permits(new=False, reduce=False, flatten=True, replace=False),
    "starting": Permits(new=False, reduce=False, flatten=False, replace=False),
    "reconciling": Permits(new=False, reduce=False, flatten=False, replace=False),
}

SEVERITY: dict[TradingState, int] = {
    "active": 0, "reduce_only": 1, "paused": 2, "reconciling": 3, "starting": 4, "halted": 5,
}  # fmt: skip
"""Which name is shown when several states cover one scope."""

LossCause = Literal["daily_loss", "drawdown", "peak_loss"]
LOSS_CAUSES: tuple[LossCause, ...] = get_args(LossCause)
Cause = (
    Literal["operator", "account", "strategy", "difference", "goal", "unknown", "stop", "approval"]
    | LossCause
    | HealthSubject
)


class Hold(msgspec.Struct, frozen=True, array_like=True):
    """One reason why a scope is not active."""

    scope: Scope
    state: TradingState
    cause: Cause
    reason: str


def is_allowed(state: TradingState, action: Action, is_flattening: bool) -> bool:
    """One cell of the table."""
    permits = PERMITS[state]
    if action == "reduce" and is_flattening:
        return permits.flatten
    return bool(getattr(permits, action))


def contains(outer: Scope, inner: Scope) -> bool:
    """Whether everything in `inner` also lies in `outer`."""
    return (
        (outer.account is None or outer.account == inner.account)
        and (outer.strategy is None or outer.strategy == inner.strategy)
        and (outer.instrument is None or outer.instrument == inner.instrument)
    )


def in_effect(scope: Scope, holds: Iterable[Hold]) -> tuple[TradingState, str]:
    """State and reason that hold for everything in the scope."""
    state: TradingState = "active"
    reason = ""
    for hold in holds:
        if SEVERITY[hold.state] > SEVERITY[state] and contains(hold.scope, scope):
            state, reason = hold.state, hold.reason
    return state, reason


class States:
    """All holds that stand, in the order they came to stand."""

    def __init__(self) -> None:
        self.holds: dict[tuple[Scope, TradingState, Cause], Hold] = {}
        self._announced: dict[Scope, TradingState] = {}

    def hold(self, scope: Scope, state: TradingState, cause: Cause, reason: str) -> bool:
        """Let a state stand; False when it stood before for this cause."""
        key = (scope, state, cause)
        is_new = key not in self.holds
        self.holds[key] = Hold(scope, state, cause, reason)
        return is_new

    def lift(self, scope: Scope, states: tuple[TradingState, ...], causes: tuple[Cause, ...]) -> bool:
        """Take back what stands on exactly this scope; False when nothing did."""
        keys = [key for key in self.holds if key[0] == scope and key[1] in states and key[2] in causes]
        for key in keys:
            del self.holds[key]
        return bool(keys)

    def lift_all(self, cause: Cause) -> None:
        """Take back everything that stands for this cause."""
        for key in [key for key in self.holds if key[2] == cause]:
            del self.holds[key]

    def has(self, scope: Scope, cause: Cause) -> bool:
        """Whether this cause holds exactly this scope."""
        return any(hold.scope == scope and hold.cause == cause for hold in self.holds.values())

    def has_cause(self, cause: Cause) -> bool:
        """Whether anything stands for this cause."""
        return any(hold.cause == cause for hold in self.holds.values())

    def of(self, scope: Scope) -> tuple[TradingState, str]:
        """State in effect and its reason."""
        return in_effect(scope, self.holds.values())

    def obstacle(
        self, account: str, strategy: str, instrument: str, action: Action, is_flattening: bool
    ) -> Hold | None:
        """The most severe hold that forbids this; None when it is allowed everywhere."""
        found: Hold | None = None
        for hold in self.holds.values():
            if not hold.scope.covers(account, strategy, instrument):
                continue
            if is_allowed(hold.state, action, is_flattening):
                continue
            if found is None or SEVERITY[hold.state] > SEVERITY[found.state]:
                found = hold
        return found

    def changes(self, *, again: bool = False) -> list[tuple[Scope, TradingState, str]]:
        """Scopes whose state in effect is another than when last asked, wider scopes first.

        Args:
            again: Also those that are as they were, for readers who have begun anew.
        """
        scopes = dict.fromkeys([*(hold.scope for hold in self.holds.values()), *self._announced])
        found = []
        for scope in sorted(scopes, key=_width):
            state, reason = self.of(scope)
            if again or self._announced.get(scope, "active") != state:
                found.append((scope, state, reason))
            if state == "active":
                self._announced.pop(scope, None)
            else:
                self._announced[scope] = state
        return found

    def snapshot(self) -> StatesState:
        """State for the checkpoint."""
        return StatesState(list(self.holds.values()), list(self._announced.items()))

    def restore(self, state: StatesState) -> None:
        """Take a checkpoint's state."""
        self.holds = {(hold.scope, hold.state, hold.cause): hold for hold in state.holds}
        self._announced = dict(state.announced)


def _width(scope: Scope) -> int:
    return sum(part is not None for part in (scope.account, scope.strategy, scope.instrument))


class StatesState(msgspec.Struct, array_like=True):
    """Holds, and what was last announced of each scope that is not active."""

    holds: list[Hold]
    announced: list[tuple[Scope, TradingState]]
