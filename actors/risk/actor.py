"""Risk: the gate that every order passes, and the trading states that close it.

Reads   OrderIntent, ReplaceRequest, ReplaceReady       orders and changes that ask for approval
        order facts, OrderDenied, PositionChanged, BalanceChanged   what open orders and holdings became
        Started, BrokerStarted, BrokerStopped, AccountReconciled, StrategyFailed, DifferenceFound
        HealthReported                                  clock, disk or store out of order
        Pause, Resume, ReduceOnly, Halt, ClearHalt      operator, and limits that act like one
        Flatten, GoalMet, CommandDone, Stop             goals of the oms, and the end of the process
Writes  ApprovedOrder, ApprovedReplace   to oms
        OrderDenied                      code and figures
        StateChanged, CommandDone        what became of states and commands
State   holds (why which scope is not active), open orders at their worst, holdings, order times
Fails   fatal: an unchecked order must be impossible

All states survive restarts. An approval is good only in its step. An account is `starting` from construction
until its first reconciliation, so nothing passes a gate that has not been told to open.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import get_args

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import AccountReconciled, BalanceChanged, DifferenceFound, PositionChanged
from actors.messages.control import (
    BrokerStarted,
    BrokerStopped,
    ClearHalt,
    CommandDone,
    Flatten,
    GoalMet,
    Halt,
    HealthReported,
    HealthSubject,
    Pause,
    ReduceOnly,
    Resume,
    Scope,
    Started,
    StateChanged,
    Stop,
    StrategyFailed,
    TradingState,
)
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    ReplaceReady,
    ReplaceRequest,
)
from actors.model.instrument import Instrument
from actors.risk import commands
from actors.risk.exposure import ExposureState
from actors.risk.gate import Gate, RiskAccount
from actors.risk.rules import Refusal
from actors.risk.states import StatesState
from actors.views.terms import ORDER_ID_NOT_NEW

__all__ = ["RiskAccount", "RiskActor", "RiskState"]


class RiskState(msgspec.Struct, array_like=True):
    """The gate as checkpoints keep it."""

    states: StatesState
    exposure: ExposureState
    order_times: dict[str, list[int]]
    goals: list[tuple[Scope, str]]


class RiskActor(CoreActor):
    """The gate of all accounts."""

    name = "risk"
    state_type = RiskState

    def __init__(
        self,
        *,
        accounts: Mapping[str, RiskAccount],
        strategies: Mapping[str, str],
        instruments: Mapping[str, Instrument],
    ) -> None:
        """`strategies` names the account that each is routed to."""
        self._accounts = dict(accounts)
        self._strategies = dict(strategies)
        self._instruments = dict(instruments)
        self._gate = Gate(accounts, strategies, instruments)
        self._states, self._goals = self._gate.states, self._gate.goals
        for account in self._accounts:
            self._states.hold(Scope(account=account), "starting", "account", "not started yet")

    # reading, for control and telemetry

    def state_of(self, scope: Scope) -> tuple[TradingState, str]:
        """State in effect and its reason."""
        return self._states.of(scope)

    def available(self, account: str, asset: str) -> Decimal:
        """Balance less what open and unknown orders may still take."""
        return self._gate.exposure.available(account, asset)

    # the gate

    def on_order_intent(self, intent: OrderIntent) -> None:
        """Approve or deny an order."""
        self._decide(intent.terms, intent.mid_price)

    def on_replace_ready(self, ready: ReplaceReady) -> None:
        """A successor is an order like any other, decided now."""
        self._decide(ready.terms, self.market.mark_price(ready.terms.instrument))

    def _decide(self, terms: OrderTerms, mid_price: float | None) -> None:
        refusal = self._gate.take(terms, self.now, self.market)
        if refusal is not None:
            self._deny(terms.client_order_id, terms, refusal)
            return
        self.send(ApprovedOrder(ts_event=self.now, terms=terms, mid_price=mid_price))

    def on_replace_request(self, request: ReplaceRequest) -> None:
        """Approve or deny new terms of an open order; until it is known which hold, the worse ones count."""
        refusal = self._gate.take_replace(request, self.now, self.market)
        if refusal is not None:
            order = self._gate.exposure.orders.get(request.client_order_id)
            self._deny(request.new_client_order_id, order.terms if order is not None else None, refusal)
            return
        self.send(
            ApprovedReplace(
                ts_event=self.now,
                client_order_id=request.client_order_id,
                new_client_order_id=request.new_client_order_id,
                quantity=request.quantity,
                price=request.price,
                stop_price=request.stop_price,
            )
        )

    def _deny(self, client_order_id: str, terms: OrderTerms | None, refusal: Refusal) -> None:
        """Account and so on are empty when the order to replace is not known here any more."""
        self.send(
            OrderDenied(
                ts_event=self.now,
                client_order_id=client_order_id,
                account=terms.account if terms is not None else "",
                strategy=terms.strategy if terms is not None else "",
                instrument=terms.instrument if terms is not None else "",
                code=refusal.code,
                figures=refusal.figures,
            )
        )

    # what became of orders

    def on_order_fact(
        self,
        fact: OrderAccepted
        | OrderRejected
        | OrderFilled
        | OrderCancelled
        | OrderExpired
        | OrderReplaced
        | OrderOutcomeUnknown
        | CommandRefused,
    ) -> None:
        """Move the order's reservation; hold its instrument to reductions while it is unknown."""
        self._gate.exposure.settle(fact)
        if isinstance(fact, OrderOutcomeUnknown) or self._states.has_cause("unknown"):
            self._follow_unknown(fact.account, fact.instrument)

    def on_order_denied(self, denied: OrderDenied) -> None:
        """What the oms could not send after all reserves nothing; our own denials never did."""
        if denied.code != ORDER_ID_NOT_NEW:
            self._gate.exposure.drop(denied.client_order_id)

    def on_position_changed(self, change: PositionChanged) -> None:
        """What was reserved for this fill is now held."""
        self._gate.exposure.book(change)

    def on_balance_changed(self, change: BalanceChanged) -> None:
        """Follow the account's balance."""
        self._gate.exposure.book(change)

    def _follow_unknown(self, account: str, instrument: str) -> None:
        scope = Scope(account=account, instrument=instrument)
        unknown = [
            order.terms.client_order_id
            for order in self._gate.exposure.unknown()
            if order.terms.account == account and order.terms.instrument == instrument
        ]
        if unknown:
            self._states.hold(scope, "reduce_only", "unknown", f"outcome unknown: {', '.join(unknown)}")
            self._announce()
        elif self._states.lift(scope, ("reduce_only",), ("unknown",)):
            self._announce("every order's outcome is known again")

    # states

    def on_started(self, started: Started) -> None:
        """A process life begins: every account waits for its venue; strategies that are gone stay shut."""
        for cause in ("stop", *get_args(HealthSubject)):
            self._states.lift_all(cause)
        for account in self._accounts:
            self._account_is(account, "starting", f"process life {started.epoch} begins")
            for instrument in self._gate.exposure.holdings.account_positions(account):
                for strategy in self._gate.exposure.holdings.holders(account, instrument):
                    if self._strategies.get(strategy) != account:
                        scope = Scope(account=account, strategy=strategy)
                        self._states.hold(scope, "halted", "strategy", "holds a position, not configured")
        self._announce()

    def on_broker_started(self, started: BrokerStarted) -> None:
        """Connected: the venue's statement decides what is known."""
        if started.account in self._accounts:
            self._account_is(started.account, "reconciling", "connected, asking for a statement")
            self._announce()

    def on_broker_stopped(self, stopped: BrokerStopped) -> None:
        """Disconnected: nothing new is sent there."""
        if stopped.account in self._accounts:
            self._account_is(stopped.account, "reconciling", f"connection lost: {stopped.reason}")
            self._announce()

    def on_health_reported(self, health: HealthReported) -> None:
        """What trading depends on decides whether new exposure may be taken; it lifts by itself."""
        scope = Scope(account=health.account)
        if health.is_good:
            self._states.lift(scope, ("reduce_only",), (health.subject,))
        else:
            self._states.hold(scope, "reduce_only", health.subject, health.reason)
        self._announce(health.reason)

    def on_account_reconciled(self, reconciled: AccountReconciled) -> None:
        """Books and venue agree: the account may trade."""
        scope = Scope(account=reconciled.account)
        if self._states.lift(scope, ("starting", "reconciling"), ("account",)):
            self._announce("reconciled")

    def _account_is(self, account: str, state: TradingState, reason: str) -> None:
        scope = Scope(account=account)
        self._states.lift(scope, ("starting", "reconciling"), ("account",))
        self._states.hold(scope, state, "account", reason)

    def on_strategy_failed(self, failed: StrategyFailed) -> None:
        """Only this strategy stops."""
        scope = Scope(account=failed.account, strategy=failed.strategy)
        reason = f"{failed.handler} raised {failed.error} at {failed.file}:{failed.line}"
        self._states.hold(scope, "paused", "strategy", reason)
        self._announce()

    def on_difference_found(self, difference: DifferenceFound) -> None:
        """A position or an order that is not ours: no new exposure there until the operator resumes it."""
        if difference.kind not in ("position", "foreign_order"):
            return
        named = [word for word in difference.subject.split() if word in self._instruments]
        scope = Scope(account=difference.account, instrument=named[0] if named else None)
        reason = f"{difference.kind} {difference.subject}: ours {difference.ours}, venue {difference.venue}"
        self._states.hold(scope, "reduce_only", "difference", reason)
        self._announce()

    def on_state_command(self, command: Pause | Resume | ReduceOnly | Halt | ClearHalt) -> None:
        """Do what the operator says, and say what was done."""
        unknown = commands.unknown_name(
            command.scope, self._accounts, self._strategies, self._instruments, self._states
        )
        accepted, text = (False, unknown) if unknown else commands.carry_out(command, self._states)
        self._announce(f"{type(command).__name__} by {command.by}")
        self.send(CommandDone(ts_event=self.now, command_id=command.command_id, accepted=accepted, text=text))

    def on_flatten(self, command: Flatten) -> None:
        """While the goal stands its scope is at most reduce_only, and its closing orders pass a halt."""
        self._goals.setdefault(command.scope, command.command_id)
        self._states.hold(command.scope, "reduce_only", "goal", f"flatten by {command.by}")
        self._announce()

    def on_goal_met(self, met: GoalMet) -> None:
        """The scope is flat, as far as it can be traded."""
        if met.goal == "flatten":
            self._drop_goal(met.scope, "flat")

    def on_command_done(self, done: CommandDone) -> None:
        """A flatten that was refused is no goal."""
        if not done.accepted:
            for scope in [scope for scope, command in self._goals.items() if command == done.command_id]:
                self._drop_goal(scope, "flatten was refused")

    def _drop_goal(self, scope: Scope, reason: str) -> None:
        self._goals.pop(scope, None)
        if self._states.lift(scope, ("reduce_only",), ("goal",)):
            self._announce(reason)

    def on_stop(self, stop: Stop) -> None:
        """Only cancels until the next process life."""
        self._states.hold(stop.scope, "starting", "stop", f"stopped by {stop.by}")
        self._announce()

    def _announce(self, reason: str = "") -> None:
        for scope, state, why in self._states.changes():
            self.send(
                StateChanged(ts_event=self.now, scope=scope, state=state, reason=why or reason or "active")
            )

    # state

    def snapshot(self) -> RiskState:
        """The whole gate."""
        return RiskState(
            self._states.snapshot(),
            self._gate.exposure.snapshot(),
            self._gate.order_times.snapshot(),
            list(self._goals.items()),
        )

    def restore(self, state: RiskState) -> None:
        """Take a checkpoint's state; `Started` makes an account that it does not know wait."""
        self._states.restore(state.states)
        self._gate.exposure.restore(state.exposure)
        self._gate.order_times.restore(state.order_times)
        self._goals.clear()
        self._goals.update(state.goals)
