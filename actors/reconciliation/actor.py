"""Reconciliation: what is done about differences between our books and the venues' statements.

Reads   StatementDisagrees, StatementAgrees     from ledger (balances and positions)
        DifferenceFound                         from oms (orders and fills that are not ours)
        AccountEvidence, CashTransferred        from venues (history of transfers, notices)
        BrokerStarted                           a line begins: notices before it may have been missed
        SubmitOrder, OrderOutcomeUnknown and what settles them   what they may explain is not judged
        ResolveDifference                       from the operator
Writes  CashTransferred                         to ledger (adopted, accepted, undone)
        DifferenceFound, DifferenceSettled, BalanceWithheld   to risk, oms, alerts
        OpeningAccepted                         to oms
        CommandDone                             to the operator
State   differences with their evidence and bookings, notices and transfers told, orders without an answer
Fails   fatal: never by what a venue says; what cannot be explained is asked
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import (
    AccountEvidence,
    BalanceWithheld,
    CashTransferred,
    DifferenceFound,
    DifferenceSettled,
    OpeningAccepted,
    StatementAgrees,
    StatementDisagrees,
)
from actors.messages.control import BrokerStarted, CommandDone, ResolveDifference
from actors.messages.orders import (
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRecovered,
    OrderRejected,
    OrderReplaced,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.reconciliation.lines import AccountLine
from actors.reconciliation.policy import (
    Explanation,
    Kind,
    ReconcilePolicy,
    answer_of,
    explain,
    is_same,
    reversed_of,
)
from actors.reconciliation.proposals import STANDING, Difference, Proposals, Status
from actors.reconciliation.unanswered import Unanswered

COUNTING_ANSWERS = 2
SHOWN: tuple[Kind, ...] = ("external_fill", "external_order")
"""Somebody else's: shown, and nobody is asked."""


class ReconciliationState(msgspec.Struct, array_like=True):
    """The whole state."""

    lines: dict[str, AccountLine]
    proposals: tuple[int, list[Difference]]
    unknown: dict[str, tuple[str, str]]
    missing: dict[str, str] = {}
    submitted: dict[str, tuple[str, str, int]] = {}


class ReconciliationActor(CoreActor):
    """Differences of all accounts."""

    name = "reconciliation"
    state_type = ReconciliationState

    def __init__(
        self,
        *,
        policies: Mapping[str, ReconcilePolicy],
        venues: Mapping[str, str],
        instruments: Mapping[str, Instrument],
    ) -> None:
        """`venues` names the venue of each account."""
        self._policies = dict(policies)
        self._instruments = {
            account: [each for each in instruments.values() if each.venue == venue]
            for account, venue in venues.items()
        }
        self._lines = {account: AccountLine() for account in policies}
        self._proposals = Proposals()
        self._unanswered = Unanswered()
        self._missing: dict[str, str] = {}
        """Order that a venue no longer shows → its difference."""

    # reading, for control

    def differences(self) -> Iterator[Difference]:
        """Every difference that is still kept, oldest first; read only."""
        return iter(self._proposals)

    # what venues tell of transfers

    def on_broker_started(self, started: BrokerStarted) -> None:
        """Nothing that came and went before this is sure to have been told."""
        if started.account in self._lines:
            self._lines[started.account].began_seq = self.seq

    def on_account_evidence(self, evidence: AccountEvidence) -> None:
        """Remember the history of transfers; no answer leaves the venue without one."""
        line = self._lines.get(evidence.account)
        if line is not None:
            line.told(evidence)

    def on_cash_transferred(self, transfer: CashTransferred) -> None:
        """A notice; what was adopted for the same transfer before it came is taken back: moved, not added."""
        line = self._lines.get(transfer.account)
        if line is None or transfer.reason == "opening" or self._is_own(transfer):
            return
        notice = line.noticed(transfer)
        if notice is None:
            return
        for difference in self._proposals:
            if (
                difference.status == "adopted"
                and difference.account == transfer.account
                and len(difference.bookings) == 1
                and is_same(notice, difference.bookings[0])
                and notice.ts_event <= difference.found_ts
            ):
                self._take_back(difference, "venue")
                return

    def _is_own(self, transfer: CashTransferred) -> bool:
        return transfer.transfer_id.startswith("difference-") or any(
            booking.transfer_id in (transfer.transfer_id, transfer.transfer_id.removesuffix("-undone"))
            for difference in self._proposals
            for booking in difference.bookings
        )

    # orders without an answer: what they may explain is not judged

    def on_submit_order(self, submit: SubmitOrder) -> None:
        self._unanswered.sent(submit, self.seq)

    def on_order_outcome_unknown(self, fact: OrderOutcomeUnknown) -> None:
        self._unanswered.lost(fact)

    def on_order_known(
        self,
        fact: OrderAccepted
        | OrderRejected
        | OrderFilled
        | OrderCancelled
        | OrderExpired
        | OrderReplaced
        | CommandRefused,
    ) -> None:
        """The order's outcome is known, unless this is a part of it only."""
        is_part = isinstance(fact, OrderFilled) and bool(fact.remaining)
        self._unanswered.named(fact.client_order_id, is_settled=not is_part)
        if is_part or not self._missing:
            return
        if isinstance(fact, OrderFilled | OrderRejected | OrderCancelled | OrderExpired):
            missing = self._proposals.get(self._missing.pop(fact.client_order_id, ""))
            if missing is not None and missing.status in STANDING:
                self._end(missing, "gone", "venue")

    # differences

    def on_statement_disagrees(self, found: StatementDisagrees) -> None:
        """Adopt it or ask, as the policy says; until two answers show it, and while an order may, wait."""
        if found.answers < COUNTING_ANSWERS or found.account not in self._policies:
            return
        standing = self._proposals.standing(found.account, found.asset)
        if standing is not None:
            self._follow(standing, found)
            return
        line, instruments = self._lines[found.account], self._instruments[found.account]
        if self._unanswered.may_explain(instruments, found.account, found.asset, asked_seq=line.asked_seq):
            return
        number = self._proposals.next_id()
        explanation = self._explain(found, number)
        kind = explanation.kind
        adopts = answer_of(self._policies[found.account], kind) == "adopt"
        difference = Difference(
            difference_id=number,
            account=found.account,
            kind=kind,
            subject=found.asset,
            instruments=[
                each.id
                for each in instruments
                if kind == "position" and not adopts and each.base == found.asset
            ],
            ours=str(found.ours),
            venue=str(found.venue),
            evidence=f"{found.answers} statements in a row, the last agreeing one asked at seq "
            f"{found.agreed_seq}; {explanation.why}",
            status="open",
            found_seq=self.seq,
            found_ts=self.now,
            bookings=list(explanation.bookings),
        )
        self._proposals.add(difference)
        if adopts:
            self._book(difference, "adopted", "policy")
            return
        self._tell(difference)
        self._withhold(difference, found.ours - found.venue)

    def _explain(self, found: StatementDisagrees, number: str) -> Explanation:
        line = self._lines[found.account]
        return explain(
            found,
            now=self.now,
            number=number,
            history=line.history,
            instruments=self._instruments[found.account],
            line_began_seq=line.began_seq,
            is_trusted=found.asset not in line.distrusted,
        )

    def _follow(self, difference: Difference, found: StatementDisagrees) -> None:
        """The figures move on while nobody has answered; a history that comes late may explain it yet."""
        difference.ours, difference.venue = str(found.ours), str(found.venue)
        amount = found.venue - found.ours
        explanation = self._explain(found, difference.difference_id)
        if explanation.kind == "transfer" and difference.status == "open":
            difference.bookings = list(explanation.bookings)
            if answer_of(self._policies[found.account], "transfer") == "adopt":
                difference.evidence += f"; then {explanation.why}"
                self._book(difference, "adopted", "policy")
                return
        if sum((booking.amount for booking in difference.bookings), ZERO) != amount:
            booking = msgspec.structs.replace(difference.bookings[0], amount=amount)
            difference.bookings = [booking]
            self._withhold(difference, -amount)

    def on_statement_agrees(self, agrees: StatementAgrees) -> None:
        """Books and venue say the same again."""
        difference = self._proposals.standing(agrees.account, agrees.asset)
        if difference is not None:
            self._end(difference, "gone", "venue")

    def on_difference_found(self, found: DifferenceFound) -> None:
        """The oms has come upon something that is not ours, or that our record rules out."""
        if found.account not in self._policies or self._proposals.knows(found):
            return
        difference_id = self._proposals.next_id()
        if found.kind == "order_missing":
            self._missing[found.ours.partition(" ")[0]] = difference_id
        self._proposals.add(
            Difference(
                difference_id=difference_id,
                account=found.account,
                kind=found.kind,
                subject=found.subject,
                instruments=[found.subject] if found.kind in ("position", "foreign_order") else [],
                ours=found.ours,
                venue=found.venue,
                evidence=f"{found.ours or 'not in our books'}; venue: {found.venue}",
                status="shown" if found.kind in SHOWN else "open",
                found_seq=self.seq,
                found_ts=self.now,
            )
        )

    def on_order_recovered(self, recovered: OrderRecovered) -> None:
        """An order shown as foreign is ours: the operator has said whose."""
        terms = recovered.terms
        for difference in self._proposals:
            if (difference.account, difference.kind) == (terms.account, "foreign_order") and (
                difference.status in STANDING and difference.venue.startswith(f"{terms.client_order_id}, ")
            ):
                self._end(difference, "gone", "operator")

    # the operator

    def on_resolve_difference(self, command: ResolveDifference) -> None:
        """Do what the operator says, and say what was done."""
        difference = self._proposals.get(command.difference_id)
        if difference is None:
            accepted, text = (
                False,
                f"there is no difference {command.difference_id}; see `ctl reconcile show`",
            )
        else:
            accepted, text = self._resolve(difference, command)
        self.send(CommandDone(ts_event=self.now, command_id=command.command_id, accepted=accepted, text=text))

    def _resolve(self, difference: Difference, command: ResolveDifference) -> tuple[bool, str]:
        name = f"{difference.difference_id} ({difference.kind} {difference.subject})"
        if command.verdict == "undo":
            if difference.status not in ("adopted", "accepted") or not difference.bookings:
                return False, f"{name} is {difference.status}: nothing is booked that could be undone"
            self._take_back(difference, command.by)
            return True, f"{name} is undone: {_said(difference)} taken back"
        if difference.status not in STANDING:
            return False, f"{name} is {difference.status} already"
        if command.verdict == "reject":
            difference.status, difference.by = "rejected", command.by
            return True, f"{name} is rejected: nothing is booked, the smaller figure stays what is available"
        if difference.kind == "opening":
            self._end(difference, "accepted", command.by)
            self.send(OpeningAccepted(ts_event=self.now, account=difference.account))
            return True, f"{name} is accepted: the next statement opens the books"
        self._book(difference, "accepted", command.by)
        return True, f"{name} is accepted" + (f": {_said(difference)} booked" if difference.bookings else "")

    # doing it

    def _book(self, difference: Difference, status: Status, by: str) -> None:
        line = self._lines[difference.account]
        if by != "policy":
            line.trust(difference.subject, is_trusted=True)
        for booking in difference.bookings:
            self.send(booking)
        line.booked(difference.bookings)
        self._end(difference, status, by)

    def _take_back(self, difference: Difference, by: str) -> None:
        for booking in difference.bookings:
            self.send(reversed_of(booking, self.now))
        if by != "venue":
            self._lines[difference.account].trust(difference.subject, is_trusted=False)
        difference.status, difference.by = "undone", by

    def _end(self, difference: Difference, status: Status, by: str) -> None:
        was_standing = difference.status in STANDING
        difference.status, difference.by = status, by
        self._withhold(difference, ZERO)
        for instrument in difference.instruments if was_standing else ():
            if not self._proposals.holds(difference.account, instrument):
                self.send(
                    DifferenceSettled(ts_event=self.now, account=difference.account, instrument=instrument)
                )

    def _withhold(self, difference: Difference, missing: Decimal) -> None:
        """The smaller figure is what is available: what the venue shows less of does not count as there."""
        amount = max(missing, ZERO)
        if amount != difference.withheld:
            difference.withheld = amount
            self.send(
                BalanceWithheld(
                    ts_event=self.now, account=difference.account, asset=difference.subject, amount=amount
                )
            )

    def _tell(self, difference: Difference) -> None:
        for subject in difference.instruments or [difference.subject]:
            self.send(
                DifferenceFound(
                    ts_event=self.now,
                    account=difference.account,
                    kind=difference.told_as,
                    subject=subject,
                    ours=difference.ours,
                    venue=difference.venue,
                )
            )

    # state

    def snapshot(self) -> ReconciliationState:
        """State for the checkpoint, sharing nothing that changes."""
        orders, found = self._unanswered, self._proposals.snapshot()
        state = ReconciliationState(self._lines, found, orders.unknown, self._missing, orders.submitted)
        return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ReconciliationState)

    def restore(self, state: ReconciliationState) -> None:
        """Take a checkpoint's state."""
        self._lines = {name: state.lines.get(name, AccountLine()) for name in self._policies}
        self._proposals.restore(state.proposals)
        orders = self._unanswered
        orders.unknown, orders.submitted = dict(state.unknown), dict(state.submitted)
        self._missing = dict(state.missing)


def _said(difference: Difference) -> str:
    return ", ".join(
        f"{booking.amount} {booking.asset} ({booking.reason})" for booking in difference.bookings
    )
