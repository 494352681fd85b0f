"""What raises risk needs a second command: looser limits, live orders for the first time, clearing a halt.

Lifting what a loss limit did counts as clearing a halt. What lowers risk is done at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec

from actors.core.actor import CoreActor
from actors.messages.approvals import ApprovalAsked, ApprovalSettled, ApprovalWithdrawn
from actors.messages.control import (
    Approve,
    ClearHalt,
    Halt,
    LimitChanged,
    Pause,
    ReduceOnly,
    Resume,
    Scope,
    SetLimit,
)
from actors.risk import commands
from actors.risk.approvals import Approvals, ApprovalsState, Pending
from actors.risk.gate import Gate, RiskAccount
from actors.risk.guard import LossGuard
from actors.risk.states import LOSS_CAUSES, Hold
from actors.risk.stored_limits import BadLimit, Change, LimitBook, StoredLimits

CONFIGURATION = "config"

Answer = tuple[bool, str]
"""Whether a command was accepted, and one sentence."""


class ConsentState(msgspec.Struct, array_like=True):
    """Limits and approvals as checkpoints keep them."""

    limits: list[tuple[Scope, StoredLimits]] = []
    approvals: ApprovalsState = msgspec.field(default_factory=ApprovalsState)
    is_kill_file_there: bool = False


class Consent:
    """Keeps limits and approvals for the risk actor; sends through it."""

    def __init__(
        self,
        core: CoreActor,
        gate: Gate,
        accounts: Mapping[str, RiskAccount],
        limits: LimitBook,
        guard: LossGuard,
    ) -> None:
        self._core, self._gate, self._accounts, self._guard = core, gate, dict(accounts), guard
        self._states = gate.states
        self.limits = limits
        self.approvals = Approvals()
        self.is_kill_file_there = False
        """As last seen; while it is, no halt is cleared."""

    # a process life begins

    def begin(self) -> None:
        """Compare the configuration with what is stored."""
        tightened, loosened = self.limits.take_configuration()
        for change in tightened:
            self._tell_limit(change, "the configuration is tighter now")
        self._withdraw_what_is_no_longer_asked(loosened)
        for change in loosened:
            self._ask_limit(change, SetLimit(
                ts_event=self._core.now, scope=change.scope, command_id="", by=CONFIGURATION,
                limit=change.limit, value=change.value,
            ))  # fmt: skip
        self._use_limits()
        for name, account in self._accounts.items():
            self._begin_live(name, account.live_id)

    def _withdraw_what_is_no_longer_asked(self, loosened: list[Change]) -> None:
        """The configuration asks for a looser limit only as long as it says so."""
        for each in list(self.approvals.pending.values()):
            asked = each.command
            if not isinstance(asked, SetLimit) or asked.by != CONFIGURATION:
                continue
            if asked.scope not in self.limits.scopes():
                continue
            says = self.limits.stored(asked.scope).configured.get(asked.limit)
            if says != asked.value:
                self._settle(
                    each, is_granted=False, by=CONFIGURATION, text="the configuration says otherwise"
                )

    def _begin_live(self, account: str, live_id: str | None) -> None:
        scope = Scope(account=account)
        self._states.lift(scope, ("paused",), ("approval",))
        waiting = [each for each in self.approvals.pending.values() if each.live_account == account]
        key = f"{account} {live_id}"
        if live_id is None or key in self.approvals.live:
            for each in waiting:
                self._settle(each, is_granted=False, by=CONFIGURATION, text="the account is not new to live")
            return
        pending = waiting[0] if waiting else self._ask(
            f"account {account} trades live for the first time, as {live_id}", CONFIGURATION, live=account
        )  # fmt: skip
        reason = f"first time live: {_how_to(pending.approval_id)}"
        self._states.hold(scope, "paused", "approval", reason)

    def _use_limits(self) -> None:
        for account in self._accounts:
            self._gate.use_limits(account, self.limits.account(account))

    def holds(self) -> list[Hold]:
        """Everything that stands, also what a more severe state hides."""
        return list(self._states.holds.values())

    # commands

    def on_kill_file(self, is_there: bool) -> None:
        """While the file is there no halt is cleared, and what was asked before it came is asked anew."""
        if is_there and not self.is_kill_file_there:
            self._withdraw_lifts(Scope(), "file")
        self.is_kill_file_there = is_there

    def stop(self, command: Pause | ReduceOnly | Halt) -> Answer:
        """Stop at once; an approval asked for earlier does not lift this."""
        self._withdraw_lifts(command.scope, command.by)
        return commands.carry_out(command, self._states)

    def _withdraw_lifts(self, scope: Scope, by: str) -> None:
        for each in list(self.approvals.pending.values()):
            if isinstance(each.command, Resume | ClearHalt) and each.command.scope == scope:
                self._settle(each, is_granted=False, by=by, text="stopped again since it was asked for")

    def lift(self, command: Resume | ClearHalt) -> Answer:
        """Resume what an operator paused at once; ask before a halt or a loss limit is lifted."""
        lifted = [hold.cause for hold in commands.holds_to_lift(command, self._states)]
        if isinstance(command, ClearHalt) and self.is_kill_file_there:
            return False, _KILL_FILE
        if not lifted or (isinstance(command, Resume) and not set(lifted) & set(LOSS_CAUSES)):
            return commands.carry_out(command, self._states)
        pending = self.approvals.like(command)
        if pending is None:
            pending = self._ask(self._words_of(command), command.by, command)
        return True, f"{pending.what} waits: {_how_to(pending.approval_id)}"

    def _words_of(self, command: Resume | ClearHalt) -> str:
        """What it would lift, with every reason."""
        what = "clear the halt of" if isinstance(command, ClearHalt) else "resume"
        reasons = (hold.reason for hold in commands.holds_to_lift(command, self._states))
        return f"{what} {command.scope} ({'; '.join(reasons)})"

    def set_limit(self, command: SetLimit) -> Answer:
        """Tighten at once, ask before loosening."""
        try:
            change = self.limits.change_of(command.scope, command.limit, command.value)
        except BadLimit as error:
            return False, str(error)
        account = self._accounts.get(command.scope.account or "")
        if (
            change.limit == "margin_check"
            and change.value == "true"
            and not (account and account.answers_margin)
        ):
            return (
                False,
                f"the venue of {command.scope.account} does not say what an order would do to margin",
            )
        waiting = self.approvals.of_limit(command)
        if waiting is not None and isinstance(waiting.command, SetLimit):
            if waiting.command.value == change.value:
                return True, f"{waiting.what} waits: {_how_to(waiting.approval_id)}"
            self._settle(waiting, is_granted=False, by=command.by, text="another value is asked for")
        if change.value == change.former:
            return True, f"{change.place} is {change.value} already"
        if self.limits.is_looser(change):
            pending = self._ask_limit(change, msgspec.structs.replace(command, value=change.value))
            return True, f"{pending.what} waits: {_how_to(pending.approval_id)}"
        self._put_limit(change, f"set by {command.by}")
        return True, f"{change.place} is {change.value} now, was {change.former}"

    def on_approval_asked(self, asked: ApprovalAsked) -> None:
        """Another actor waits for the answer; ours are known."""
        if asked.approval_id not in self.approvals.pending:
            self.approvals.pending[asked.approval_id] = Pending(
                asked.approval_id, asked.what, asked.asked_by, self._core.now
            )

    def on_approval_withdrawn(self, withdrawn: ApprovalWithdrawn) -> None:
        """What another actor asked for is void."""
        pending = self.approvals.pending.get(withdrawn.approval_id)
        if pending is not None:
            self._settle(pending, is_granted=False, by="core", text=withdrawn.why)

    def take_configured_limits(self) -> None:
        """Put what the configuration says otherwise in force, looser or not: where nothing is at risk."""
        tightened, loosened = self.limits.differences()
        for change in (*tightened, *loosened):
            self.limits.put(change)
        self._use_limits()

    def approve(self, command: Approve) -> Answer:
        """Carry out, or drop, what waits."""
        pending = self.approvals.pending.get(command.approval_id)
        if pending is None:
            waiting = ", ".join(self.approvals.pending) or "none"
            return False, f"no approval {command.approval_id!r} is pending: pending are {waiting}"
        if not command.is_granted:
            self._settle(pending, is_granted=False, by=command.by, text="refused")
            return True, f"refused: {pending.what}"
        if isinstance(pending.command, ClearHalt) and self.is_kill_file_there:
            return False, _KILL_FILE
        accepted, text = self._overtaken(pending) or self._grant(pending, command.by)
        self._settle(pending, is_granted=accepted, by=command.by, text=text)
        return accepted, text

    def _overtaken(self, pending: Pending) -> Answer | None:
        """A refusal when more, or something else, would be lifted than was asked for."""
        command = pending.command
        if not isinstance(command, Resume | ClearHalt) or self._words_of(command) == pending.what:
            return None
        return False, f"it would {self._words_of(command)} by now, and nobody has asked for that: ask again"

    def _grant(self, pending: Pending, by: str) -> Answer:
        match pending.command:
            case Resume() | ClearHalt() as command:
                causes = [hold.cause for hold in commands.holds_to_lift(command, self._states)]
                answer = commands.carry_out(command, self._states)
                self._guard.count_anew(command.scope, causes)
                return answer
            case SetLimit() as command:
                try:
                    change = self.limits.change_of(command.scope, command.limit, command.value)
                except BadLimit as error:
                    return False, str(error)
                self._put_limit(change, f"approved by {by}")
                return True, f"{change.place} is {change.value} now, was {change.former}"
            case None:
                return True, self._allow_live(pending)
            case _:
                assert_never(pending.command)

    def _allow_live(self, pending: Pending) -> str:
        account = pending.live_account
        if account is not None and account in self._accounts:
            self.approvals.live[f"{account} {self._accounts[account].live_id}"] = None
            self._states.lift(Scope(account=account), ("paused",), ("approval",))
        return f"approved: {pending.what}"

    def _put_limit(self, change: Change, reason: str) -> None:
        self.limits.put(change)
        self._use_limits()
        self._tell_limit(change, reason)
        self._guard.on_valuation(change.scope.account or "")

    def _tell_limit(self, change: Change, reason: str) -> None:
        self._core.send(
            LimitChanged(
                ts_event=self._core.now,
                scope=change.scope,
                limit=change.limit,
                former=change.former,
                value=change.value,
                reason=reason,
            )
        )

    def _ask_limit(self, change: Change, command: SetLimit) -> Pending:
        waiting = self.approvals.of_limit(command)
        if waiting is not None:
            self._settle(waiting, is_granted=False, by=command.by, text="another value is asked for")
        return self._ask(f"loosen {change.place} from {change.former} to {change.value}", command.by, command)

    def _ask(
        self,
        what: str,
        by: str,
        command: ClearHalt | Resume | SetLimit | None = None,
        live: str | None = None,
    ) -> Pending:
        now = self._core.now
        pending = Pending(self.approvals.new_id(), what, by, now, command, live)
        self.approvals.pending[pending.approval_id] = pending
        self._core.send(ApprovalAsked(ts_event=now, approval_id=pending.approval_id, what=what, asked_by=by))
        return pending

    def _settle(self, pending: Pending, *, is_granted: bool, by: str, text: str) -> None:
        del self.approvals.pending[pending.approval_id]
        self._core.send(
            ApprovalSettled(
                ts_event=self._core.now,
                approval_id=pending.approval_id,
                is_granted=is_granted,
                by=by,
                text=text,
            )
        )

    # state

    def snapshot(self) -> ConsentState:
        """State for the checkpoint."""
        return ConsentState(self.limits.snapshot(), self.approvals.snapshot(), self.is_kill_file_there)

    def restore(self, state: ConsentState) -> None:
        """Take a checkpoint's state."""
        self.limits.restore(state.limits)
        self._use_limits()
        self.approvals.restore(state.approvals)
        self.is_kill_file_there = state.is_kill_file_there


_KILL_FILE = "the kill-switch file KILL is in the state folder: remove it, then clear the halt again"


def _how_to(approval_id: str) -> str:
    return f"confirm with `tickerd ctl approve {approval_id}`"
