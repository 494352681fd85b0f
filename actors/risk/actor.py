"""Risk: the gate that every order passes, and the trading states that close it.

Reads   OrderIntent, ReplaceRequest, ReplaceReady       orders and changes that ask for approval
        order facts, OrderDenied, PositionChanged, BalanceChanged   what open orders and holdings became
        Started, BrokerStarted, BrokerStopped, AccountReconciled, StrategyFailed, DifferenceFound
        DifferenceSettled, BalanceWithheld              what reconciliation makes of differences
        HealthReported                                  clock, disk or store out of order
        Pause, Resume, ReduceOnly, Halt, ClearHalt      operator
        SetLimit, Approve, ApprovalAsked, -Withdrawn    limits, and what needs a second command
        MarginAnswered, CancelRequest, CancelAll        about orders that wait for the venue's word on margin
        AccountSnapshot, CashTransferred, ChargeBooked, LossDayDue   what losses are measured by
        KillFileSeen                                    kill switch in the state folder
        Flatten, GoalMet, CommandDone, Stop             goals of the oms, and the end of the process
Writes  ApprovedOrder, ApprovedReplace   to oms
        OrderHeld, QueryMargin           what waits, and the question to its venue
        OrderDenied, OrderCancelled      code and figures; the end of what was held
        StateChanged, CommandDone        what became of states and commands
        Flatten                          to oms, when a loss limit says so
        ApprovalAsked, ApprovalSettled, LimitChanged   to operator and audit
State   holds (why which scope is not active), open orders at their worst, holdings, order times; limits in
        force, pending approvals, what accounts and strategies are measured from; orders held for margin
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
from actors.messages.account import (
    AccountReconciled,
    AccountSnapshot,
    BalanceChanged,
    BalanceWithheld,
    DifferenceFound,
    DifferenceSettled,
    PositionChanged,
)
from actors.messages.approvals import ApprovalAsked, ApprovalWithdrawn
from actors.messages.clearing import ContractsChanged
from actors.messages.control import (
    Approve,
    BrokerStarted,
    BrokerStopped,
    CancelAll,
    ClearHalt,
    CommandDone,
    Flatten,
    GoalMet,
    Halt,
    HealthReported,
    HealthSubject,
    KillFileSeen,
    LossDayDue,
    OperatorCommand,
    Pause,
    ReduceOnly,
    Resume,
    Scope,
    SetLimit,
    Started,
    StateChanged,
    Stop,
    StrategyFailed,
    TradingState,
)
from actors.messages.corrections import FillCorrected
from actors.messages.margin import MarginAnswered, MarginDue
from actors.messages.orders import (
    CancelRequest,
    OrderDenied,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRecovered,
    ReplaceReady,
    ReplaceRequest,
)
from actors.model.instrument import Instrument
from actors.risk import causes, commands
from actors.risk.consent import Consent, ConsentState
from actors.risk.exposure import ExposureState, Settled
from actors.risk.gate import Gate, RiskAccount
from actors.risk.guard import GuardState, LossGuard
from actors.risk.held import HeldOrders, HeldState
from actors.risk.limits import StrategyLimits
from actors.risk.losses import Movement
from actors.risk.states import StatesState
from actors.risk.stored_limits import limit_book
from actors.views.terms import ORDER_ID_NOT_NEW

__all__ = ["RiskAccount", "RiskActor", "RiskState"]


class RiskState(msgspec.Struct, array_like=True):
    """The gate as checkpoints keep it."""

    states: StatesState
    exposure: ExposureState
    order_times: dict[str, list[int]]
    goals: list[tuple[Scope, str]]
    guard: GuardState = msgspec.field(default_factory=GuardState)
    consent: ConsentState = msgspec.field(default_factory=ConsentState)
    stops: list[tuple[Scope, str]] = []
    held: HeldState = msgspec.field(default_factory=HeldState)


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
        strategy_limits: Mapping[str, StrategyLimits] | None = None,
    ) -> None:
        """`strategies` names the account that each is routed to; one without limits of its own has none."""
        self._accounts = dict(accounts)
        self._strategies = dict(strategies)
        self._instruments = dict(instruments)
        self._gate = Gate(accounts, strategies, instruments)
        self._states, self._goals = self._gate.states, self._gate.goals
        self._stops: dict[Scope, str] = {}
        limits = limit_book(
            {name: each.limits for name, each in accounts.items()}, strategies, strategy_limits
        )
        self.guard = LossGuard(self, self._gate, accounts, limits)
        self.consent = Consent(self, self._gate, accounts, limits, self.guard)
        self.held = HeldOrders(self, self._gate)
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
        """Approve, deny or hold an order; a bracket whole."""
        self.held.decide(intent)

    def on_replace_ready(self, ready: ReplaceReady) -> None:
        """A successor is an order like any other, decided now."""
        mark = self.market.mark_price(ready.terms.instrument)
        self.held.decide(OrderIntent(ts_event=self.now, terms=ready.terms, mid_price=mark))

    def on_replace_request(self, request: ReplaceRequest) -> None:
        """Approve, deny or hold new terms of an open order."""
        self.held.decide_replace(request)

    def on_margin(self, word: MarginAnswered | MarginDue) -> None:
        """The venue's word on a held order, or none in time."""
        self.held.take_word(word)

    def on_cancel(self, command: CancelRequest | CancelAll) -> None:
        """The oms cancels what has left; it knows nothing of held orders."""
        self.held.cancel(command)

    # what became of orders

    def on_order_recovered(self, recovered: OrderRecovered) -> None:
        """Count an order that only the record knew, like any other."""
        self._gate.take_recovered(recovered.terms, self.market)

    def on_order_fact(self, fact: Settled) -> None:
        """Move the order's reservation; hold its instrument to reductions while it is unknown."""
        self._gate.exposure.settle(fact)
        self.held.follow(fact)
        if isinstance(fact, OrderFilled):
            self.guard.losses.take_fill(fact, fact.fee, fact.fee_currency, fact.price, self.market)
        elif isinstance(fact, FillCorrected):
            take_fill, was, is_ = self.guard.losses.take_fill, fact.before, fact.after
            take_fill(fact, -was.fee, was.fee_currency, was.price, self.market)
            take_fill(fact, is_.fee, is_.fee_currency, is_.price, self.market)
        states = self._states
        if isinstance(fact, OrderOutcomeUnknown) or (states.holds and states.has_cause("unknown")):
            causes.follow_unknown(states, self._gate.exposure, fact.account, fact.instrument)
            self._announce("every order's outcome is known again")

    def on_order_denied(self, denied: OrderDenied) -> None:
        """What the oms could not send after all reserves nothing; our own denials never did."""
        if denied.code != ORDER_ID_NOT_NEW:
            self._gate.exposure.drop(denied.client_order_id)
            self.held.settle(denied.client_order_id)

    def on_position_changed(self, change: PositionChanged) -> None:
        """What was reserved for this fill is now held; what it has lost may be too much."""
        self._gate.exposure.book(change)
        self.held.settle(change.client_order_id)
        if self.guard.on_booking(change):
            self._announce()

    def on_balance_changed(self, change: BalanceChanged | ContractsChanged) -> None:
        """Follow what the account holds."""
        self._gate.exposure.book(change)
        self.guard.losses.holdings_changed(change.account)

    def on_account_snapshot(self, snapshot: AccountSnapshot) -> None:
        """The moment to look at losses: everything is valued at mark."""
        if self.guard.on_valuation(snapshot.account):
            self._announce()

    def on_movement(self, movement: Movement) -> None:
        """Follow what is no trade."""
        self.guard.losses.take_movement(movement, self.market)

    def on_loss_day_due(self, due: LossDayDue) -> None:
        """Daily losses count anew."""
        self.guard.on_day(due)

    # states

    def on_started(self, started: Started) -> None:
        """A process life begins: every account waits for its venue; strategies that are gone stay shut."""
        for cause in ("stop", *get_args(HealthSubject)):
            self._states.lift_all(cause)
        self._stops.clear()
        self.consent.begin()
        self.guard.begin()
        for account in self._accounts:
            causes.account_is(self._states, account, "starting", f"process life {started.epoch} begins")
            causes.strategies_gone(self._states, self._gate.exposure, self._strategies, account)
        self._announce(again=True)

    def on_broker_started(self, started: BrokerStarted) -> None:
        """Connected: the venue's statement decides what is known."""
        if started.account in self._accounts:
            causes.account_is(
                self._states, started.account, "reconciling", "connected, asking for a statement"
            )
            self._announce()

    def on_broker_stopped(self, stopped: BrokerStopped) -> None:
        """Disconnected: nothing new is sent there."""
        if stopped.account in self._accounts:
            causes.account_is(
                self._states, stopped.account, "reconciling", f"connection lost: {stopped.reason}"
            )
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

    def on_strategy_failed(self, failed: StrategyFailed) -> None:
        """Only this strategy stops."""
        causes.strategy_failed(self._states, failed)
        self._announce()

    def on_difference_found(self, difference: DifferenceFound) -> None:
        """A position or an order that is not ours: no new exposure there until the operator resumes it."""
        causes.difference_found(self._states, difference, self._instruments)
        self._announce()

    def on_balance_withheld(self, withheld: BalanceWithheld) -> None:
        """The smaller of two figures is what is available."""
        self._gate.exposure.withhold(withheld)

    def on_difference_settled(self, settled: DifferenceSettled) -> None:
        """Nothing is left to be answered about the instrument."""
        scope = Scope(account=settled.account, instrument=settled.instrument)
        self._states.lift(scope, ("reduce_only",), ("difference",))
        self._announce("difference settled")

    def on_state_command(self, command: Pause | Resume | ReduceOnly | Halt | ClearHalt) -> None:
        """Do what the operator says, and say what was done."""
        unknown = commands.unknown_name(
            command.scope, self._accounts, self._strategies, self._instruments, self._states
        )
        if unknown:
            self._done(command, False, unknown)
        elif isinstance(command, Resume | ClearHalt):
            self._done(command, *self.consent.lift(command))
        else:
            self._done(command, *self.consent.stop(command))

    def on_set_limit(self, command: SetLimit) -> None:
        """Change a limit that is in force, or ask whether it may be changed."""
        self._done(command, *self.consent.set_limit(command))

    def on_approve(self, command: Approve) -> None:
        """The second command."""
        self._done(command, *self.consent.approve(command))

    def on_approval_asked(self, asked: ApprovalAsked) -> None:
        """Keep what another actor asks until it is answered."""
        self.consent.on_approval_asked(asked)

    def on_approval_withdrawn(self, withdrawn: ApprovalWithdrawn) -> None:
        """Nobody needs to answer that any more."""
        self.consent.on_approval_withdrawn(withdrawn)

    def on_kill_file_seen(self, seen: KillFileSeen) -> None:
        """The file halts everything; while it is there nothing clears that, and its going does not either."""
        self.consent.on_kill_file(seen.is_there)
        if seen.is_there:
            self._states.hold(Scope(), "halted", "operator", "halted by file: kill switch")
            self._announce()

    def _done(self, command: OperatorCommand, accepted: bool, text: str) -> None:
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
        """A flatten that was refused is no goal, and a stop that was refused stops nothing."""
        if not done.accepted:
            for scope in [scope for scope, command in self._stops.items() if command == done.command_id]:
                del self._stops[scope]
                self._states.lift(scope, ("starting",), ("stop",))
                self._announce("stop was refused")
            for scope in [scope for scope, command in self._goals.items() if command == done.command_id]:
                self._drop_goal(scope, "flatten was refused")

    def _drop_goal(self, scope: Scope, reason: str) -> None:
        self._goals.pop(scope, None)
        if self._states.lift(scope, ("reduce_only",), ("goal",)):
            self._announce(reason)

    def on_stop(self, stop: Stop) -> None:
        """Only cancels until the next process life."""
        self._stops[stop.scope] = stop.command_id
        self._states.hold(stop.scope, "starting", "stop", f"stopped by {stop.by}")
        self._announce()

    def _announce(self, reason: str = "", *, again: bool = False) -> None:
        for scope, state, why in self._states.changes(again=again):
            self.send(
                StateChanged(ts_event=self.now, scope=scope, state=state, reason=why or reason or "active")
            )
        self.held.follow_states()

    # state

    def snapshot(self) -> RiskState:
        """The whole gate."""
        return RiskState(
            self._states.snapshot(),
            self._gate.exposure.snapshot(),
            self._gate.order_times.snapshot(),
            list(self._goals.items()),
            self.guard.snapshot(),
            self.consent.snapshot(),
            list(self._stops.items()),
            self.held.snapshot(),
        )

    def restore(self, state: RiskState) -> None:
        """Take a checkpoint's state; `Started` makes an account that it does not know wait."""
        self._states.restore(state.states)
        self._gate.exposure.restore(state.exposure)
        self._gate.order_times.restore(state.order_times)
        self._goals.clear()
        self._goals.update(state.goals)
        self._stops = dict(state.stops)
        self.guard.restore(state.guard)
        self.consent.restore(state.consent)
        self.held.restore(state.held)
