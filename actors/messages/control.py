"""What starts, stops and steers the trading system, and what its timers say."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.messages.base import Message, Value

TradingState = Literal["active", "reduce_only", "paused", "halted", "starting", "reconciling"]


class Scope(Value, frozen=True, kw_only=True):
    """Where a state holds; a field that is None does not narrow it, so an empty scope is everything."""

    account: str | None = None
    strategy: str | None = None
    instrument: str | None = None

    def covers(self, account: str, strategy: str, instrument: str) -> bool:
        """Whether an order of this account, strategy and instrument falls into the scope."""
        return (
            (self.account is None or self.account == account)
            and (self.strategy is None or self.strategy == strategy)
            and (self.instrument is None or self.instrument == instrument)
        )

    def __str__(self) -> str:
        named = {"account": self.account, "strategy": self.strategy, "instrument": self.instrument}
        return " ".join(f"{key}={value}" for key, value in named.items() if value is not None) or "all"


# sequencer


class Started(Message, frozen=True, kw_only=True):
    """Input: a process life begins; every account is `starting`, whatever was unanswered is unknown."""

    epoch: int


class BooksRestored(Message, frozen=True, kw_only=True):
    """Input: these books are a backup's; what the store did after its newest record is not in them."""

    store_id: str
    """The one that made the backup; its orders may be at the venues."""


class BrokerStarted(Message, frozen=True, kw_only=True):
    """Input: a broker has a fresh connection; commands sent over the one before count as unanswered."""

    account: str


class BrokerStopped(Message, frozen=True, kw_only=True):
    """Input: a broker has lost its connection; until `BrokerStarted` nothing new is sent there."""

    account: str
    reason: str


class ClockMeasured(Message, frozen=True, kw_only=True):
    """Input: the venue's clock minus ours, as last measured by the account's broker."""

    account: str
    offset_ms: int


HealthSubject = Literal["clock", "disk", "store", "broker"]


class HealthReported(Message, frozen=True, kw_only=True):
    """Input: something trading depends on is out of order, or is right again; no new exposure meanwhile."""

    subject: HealthSubject
    is_good: bool
    reason: str
    account: str | None = None
    """None concerns every account."""


class KillFileSeen(Message, frozen=True, kw_only=True):
    """Input: the kill-switch file has come into the state folder, or is gone from it."""

    is_there: bool


class TimeReached(Message, frozen=True, kw_only=True):
    """Input: the sequencer's own, when a timer is due and nothing else waits."""


class BackfillDone(Message, frozen=True, kw_only=True):
    """Input: every bar of this instrument and interval that was missed has been handed over."""

    instrument: str
    interval_ns: int
    """0: of quotes, trades and books."""
    last_end: int
    """End of the newest bar handed over; nanoseconds UTC."""


class StepFailed(Message, frozen=True, kw_only=True):
    """Recorded in place of a step's messages when a core actor raised; nothing of that step was sent."""

    actor: str
    error: str
    """Type of the exception; its text goes to the log only."""
    account: str | None = None
    """Whose message the actor failed on; None when that named no account."""


# operator


class OperatorCommand(Message, frozen=True, kw_only=True):
    """Command: changes trading state; audited, answered after it is durable."""

    scope: Scope
    command_id: str
    by: str
    """Who asked: `uid=1000`, `signal`, `file`, `limit`."""


class Pause(OperatorCommand, frozen=True, kw_only=True):
    """Command: strategies fall silent in this scope; the operator may reduce."""


class Resume(OperatorCommand, frozen=True, kw_only=True):
    """Command: take back a pause or reduce-only of exactly this scope."""


class ReduceOnly(OperatorCommand, frozen=True, kw_only=True):
    """Command: only reductions and cancels in this scope."""


class Halt(OperatorCommand, frozen=True, kw_only=True):
    """Command: latch `halted` on this scope; only `ClearHalt` undoes it."""

    reason: str


class ClearHalt(OperatorCommand, frozen=True, kw_only=True):
    """Command: lift a latched halt of exactly this scope."""


class Flatten(OperatorCommand, frozen=True, kw_only=True):
    """Command: a goal: cancel and close everything in this scope, however often it takes."""


class CancelAll(OperatorCommand, frozen=True, kw_only=True):
    """Command: a goal: cancel every open order in this scope."""


class Reconcile(OperatorCommand, frozen=True, kw_only=True):
    """Command: ask the venue of this account (or of all) for a statement now."""


class ResolveDifference(OperatorCommand, frozen=True, kw_only=True):
    """Command: what becomes of a difference between our books and the venue's statement."""

    difference_id: str
    verdict: Literal["accept", "reject", "undo"]


class ResolveOrder(OperatorCommand, frozen=True, kw_only=True):
    """Command: settle an order that no venue can answer for any more, on the operator's evidence."""

    client_order_id: str
    outcome: Literal["filled", "cancelled", "rejected", "expired"]
    price: Decimal | None = None
    """Quote per base of what is booked as filled; needed for `filled` alone."""
    evidence: str


class SetLimit(OperatorCommand, frozen=True, kw_only=True):
    """Command: change one limit of an account or strategy; a looser one waits for an approval."""

    limit: str
    """Its name in the configuration: `daily_loss_max`."""
    value: str
    """As the configuration would say it; `off` switches it off."""


class Approve(OperatorCommand, frozen=True, kw_only=True):
    """Command: confirm what an earlier command or the configuration asked for, or refuse it."""

    approval_id: str
    is_granted: bool


class Stop(OperatorCommand, frozen=True, kw_only=True):
    """Command: no new orders; cancel or keep resting ones as configured; the process will end."""

    cancel_orders: bool


class CommandDone(Message, frozen=True, kw_only=True):
    """Event: the core has taken an operator's command; what it did in one sentence."""

    command_id: str
    accepted: bool
    text: str


class LimitChanged(Message, frozen=True, kw_only=True):
    """Event: risk → audit. Another limit is in force."""

    scope: Scope
    limit: str
    former: str
    value: str
    reason: str


class StateChanged(Message, frozen=True, kw_only=True):
    """Event: risk → all. The effective trading state of a scope is now another."""

    scope: Scope
    state: TradingState
    reason: str


class StrategyFailed(Message, frozen=True, kw_only=True):
    """Event: strategy host → risk. A handler raised: its messages are discarded, the strategy paused."""

    account: str
    strategy: str
    handler: str
    error: str
    """Type of the exception; its text goes to the log only."""
    file: str
    line: int


class GoalMet(Message, frozen=True, kw_only=True):
    """Event: OMS → all. A latched flatten or cancel goal has nothing left to do."""

    scope: Scope
    goal: Literal["flatten", "cancel"]


# slow work


class OffLoopRequest(Message, frozen=True, kw_only=True):
    """Command: strategy host → edge. Run a module-level function outside the loop."""

    request_id: int
    strategy: str
    function: str
    """`module:name`."""
    arguments: bytes
    """msgpack list."""


class OffLoopResult(Message, frozen=True, kw_only=True):
    """Input: the answer; exactly one of `value` and `error` is given. `LOST` after a restart."""

    request_id: int
    strategy: str
    value: bytes | None
    error: str | None


# timers: each is handed back to the actor that set it, when it is due


class Timer(Message, frozen=True, kw_only=True):
    """Input of one actor: something it asked to be reminded of. `ts_event` is when it was due."""


class BarDue(Timer, frozen=True, kw_only=True):
    """Bars: the bar that ends at `end` closes now unless a later trade has closed it."""

    instrument: str
    interval_ns: int
    end: int


class BackfillDue(Timer, frozen=True, kw_only=True):
    """Bars: what waits behind missed bars of this subscription waits no longer."""

    instrument: str
    interval_ns: int


class StrategyTimer(Timer, frozen=True, kw_only=True):
    """Strategy host: `ctx.set_timer`."""

    strategy: str
    key: str
    every_ns: int
    """0 for once."""


class DayClose(Timer, frozen=True, kw_only=True):
    """Strategy host: the trading day of a strategy's instruments has ended."""

    strategy: str


class AnswerDeadline(Timer, frozen=True, kw_only=True):
    """OMS: the command numbered `attempt` of this order should have been answered by now."""

    client_order_id: str
    attempt: int


class SettleDue(Timer, frozen=True, kw_only=True):
    """OMS: ask (again) what became of this order."""

    client_order_id: str


class GoalDue(Timer, frozen=True, kw_only=True):
    """OMS: drive a goal on."""

    scope: Scope


class EvidenceDue(Timer, frozen=True, kw_only=True):
    """OMS: ask the venue of this account for a statement."""

    account: str


class SnapshotDue(Timer, frozen=True, kw_only=True):
    """Ledger: publish `AccountSnapshot`s."""


class LossDayDue(Timer, frozen=True, kw_only=True):
    """Risk: a new day begins in the account's time zone; daily losses count from here."""

    account: str
