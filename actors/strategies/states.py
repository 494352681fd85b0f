"""Trading states as the strategies feel them: who may be awake."""

from __future__ import annotations

from collections.abc import Iterable

from actors.messages.control import Scope, TradingState

AWAKE: frozenset[TradingState] = frozenset({"active", "reduce_only"})
"""In every other state a strategy hears no market data and no timers: whatever it wished would be refused."""


class States:
    """The newest state of every scope heard of."""

    def __init__(self) -> None:
        self._states: dict[Scope, TradingState] = {}

    def set(self, scope: Scope, state: TradingState) -> None:
        """A scope's state is now this."""
        self._states[scope] = state

    def of(self, account: str, strategy: str, instrument: str | None = None) -> list[TradingState]:
        """States of all scopes that cover a strategy, on its account as a whole or also in one instrument."""
        return [
            state
            for scope, state in self._states.items()
            if (scope.instrument is None or scope.instrument == instrument)
            and scope.covers(account, strategy, scope.instrument or "")
        ]

    def may_trade(self, account: str, strategy: str, instrument: str | None = None) -> bool:
        """Whether the strategy may hear the market; never before its account's state is known."""
        is_known = Scope(account=account) in self._states
        return is_known and all(state in AWAKE for state in self.of(account, strategy, instrument))

    def is_active(self, account: str, strategy: str) -> bool:
        """Whether nothing at all holds the strategy back."""
        is_known = Scope(account=account) in self._states
        return is_known and all(state == "active" for state in self.of(account, strategy))

    def snapshot(self) -> list[tuple[Scope, TradingState]]:
        """State for the checkpoint."""
        return list(self._states.items())

    def restore(self, states: Iterable[tuple[Scope, TradingState]]) -> None:
        """Take a checkpoint's state."""
        self._states = dict(states)
