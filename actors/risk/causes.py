"""What has happened, as holds: why a scope is not active any more, or is again."""

from __future__ import annotations

from collections.abc import Container, Mapping

from actors.messages.account import DifferenceFound
from actors.messages.control import Scope, StrategyFailed, TradingState
from actors.risk.exposure import Exposure
from actors.risk.states import States

OPENING_WAITS = "these books are new and the account is in use: `tickerd ctl reconcile show`, then `accept`"


def account_is(states: States, account: str, state: TradingState, reason: str) -> None:
    """An account waits for its venue: exactly one of `starting` and `reconciling`."""
    scope = Scope(account=account)
    states.lift(scope, ("starting", "reconciling"), ("account",))
    states.hold(scope, state, "account", reason)


def follow_unknown(states: States, exposure: Exposure, account: str, instrument: str) -> None:
    """Hold an instrument to reductions while the outcome of an order in it is unknown."""
    scope = Scope(account=account, instrument=instrument)
    unknown = [
        order.terms.client_order_id
        for order in exposure.unknown()
        if order.terms.account == account and order.terms.instrument == instrument
    ]
    if unknown:
        states.hold(scope, "reduce_only", "unknown", f"outcome unknown: {', '.join(unknown)}")
    else:
        states.lift(scope, ("reduce_only",), ("unknown",))


def strategies_gone(states: States, exposure: Exposure, strategies: Mapping[str, str], account: str) -> None:
    """A strategy that holds a position and is not configured stays shut."""
    for instrument in exposure.holdings.account_positions(account):
        for strategy in exposure.holdings.holders(account, instrument):
            if strategies.get(strategy) != account:
                scope = Scope(account=account, strategy=strategy)
                states.hold(scope, "halted", "strategy", "holds a position, not configured")


def strategy_failed(states: States, failed: StrategyFailed) -> None:
    """Only this strategy stops."""
    scope = Scope(account=failed.account, strategy=failed.strategy)
    reason = f"{failed.handler} raised {failed.error} at {failed.file}:{failed.line}"
    states.hold(scope, "paused", "strategy", reason)


def difference_found(states: States, difference: DifferenceFound, instruments: Container[str]) -> None:
    """A position or an order that is not ours: no new exposure there until the operator resumes it."""
    if difference.kind == "opening":
        account_is(states, difference.account, "reconciling", OPENING_WAITS)
    if difference.kind not in ("position", "foreign_order"):
        return
    named = [word for word in difference.subject.split() if word in instruments]
    scope = Scope(account=difference.account, instrument=named[0] if named else None)
    reason = f"{difference.kind} {difference.subject}: ours {difference.ours}, venue {difference.venue}"
    states.hold(scope, "reduce_only", "difference", reason)
