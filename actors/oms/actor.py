"""OMS: the life of every order, from risk's approval to the one event that ends it.

Reads   ApprovedOrder, ApprovedReplace                from risk
        CancelRequest                                 from strategies
        every Report, ClockMeasured, BrokerStarted/-Stopped, AccountEvidence  from venues
        PositionChanged, StatementDisagrees           from ledger (sizes of goals; a second look is due)
        PositionSplit                                 from venues (fills before it are in other shares)
        BalanceWithheld, OpeningAccepted              from reconciliation
        Started, BooksRestored, Flatten, CancelAll, Reconcile, Stop  from sequencer and operator
        ResolveOrder, AssignOrder, AssignHolding, AssignPosition  from the operator
        ApprovalSettled, StateChanged                 from risk (what is halted has nothing resting)
Writes  SubmitOrder, CancelOrder, ReplaceOrder, QueryOrder, QueryAccount  to the account's venue
        OrderAccepted … OrderExpired, OrderOutcomeUnknown, CommandRefused, OrderDenied  to all
        FillCorrected                                 to all (an execution's newest word)
        ReplaceReady, OrderIntent                     to risk (rest of a replace, closing orders of goals)
        AccountReconciled, DifferenceFound, ExternalFill, OrderRecovered, GoalMet  to all
        LotOpened, PositionMoved                      to ledger
        ApprovalAsked, ApprovalWithdrawn, CommandDone  to risk, operator
State   orders and fill keys until completed queries have passed them, fills of unidentified orders, fills
        that may be corrected, goals, positions, per account its line, clock offset and paging marks
Fails   fatal: an order id approved twice, or a report without a row in the order table
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import (
    AccountEvidence,
    BalanceWithheld,
    OpeningAccepted,
    PositionChanged,
    StatementDisagrees,
    VenueOrder,
)
from actors.messages.approvals import ApprovalSettled
from actors.messages.assigning import AssignHolding, AssignOrder, AssignPosition
from actors.messages.clearing import OrderReport, PositionSplit
from actors.messages.control import (
    AnswerDeadline,
    BooksRestored,
    BrokerStarted,
    BrokerStopped,
    CancelAll,
    ClockMeasured,
    CommandDone,
    EvidenceDue,
    Flatten,
    GoalDue,
    OperatorCommand,
    Reconcile,
    ResolveOrder,
    Scope,
    SettleDue,
    Started,
    StateChanged,
    Stop,
)
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    CancelRequest,
    FillReport,
    OrderDenied,
    OrderRecovered,
    OrderTerms,
)
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.oms.adopt import Adoption
from actors.oms.assign import Assignment, Assignments, Unclaimed
from actors.oms.book import OrderBook
from actors.oms.corrections import BookedFill
from actors.oms.desk import Account, Desk
from actors.oms.drive import GoalDriver, GoalState
from actors.oms.events import OrderEvents
from actors.oms.external import ExternalFills, Stray
from actors.oms.family import taken_along
from actors.oms.fills import is_past
from actors.oms.life import OrderLife
from actors.oms.order import WORKING, Order
from actors.oms.reconcile import OpeningSigns
from actors.oms.resolve import Resolutions
from actors.oms.settle import MS


class OmsState(msgspec.Struct, array_like=True):
    """The whole state of the OMS."""

    accounts: dict[str, Account]
    orders: list[Order]
    strays: list[Stray]
    goals: GoalState
    foreign: list[str]
    resolutions: dict[str, ResolveOrder] = {}
    assignments: dict[str, Assignment] = {}
    unclaimed: dict[str, list[VenueOrder]] = {}
    booked: list[BookedFill] = []


class OmsActor(CoreActor):
    """Orders of all accounts. `reconcile_ns` is each account's interval between statements, 0 for none."""

    name = "oms"
    state_type = OmsState

    def __init__(
        self,
        *,
        rules: Mapping[str, VenueRules],
        instruments: Mapping[str, Instrument],
        reconcile_ns: Mapping[str, int],
        opening: Mapping[str, OpeningSigns] | None = None,
    ) -> None:
        """`opening` names the accounts whose books begin only by the operator's word, and at what signs."""
        self._desk = Desk(self, rules=rules, instruments=instruments, reconcile_ns=reconcile_ns)
        self._book = OrderBook()
        self._events = OrderEvents(self._desk)
        self._external = ExternalFills(self._book, self._events)
        self._life = OrderLife(self._desk, self._book, self._events, self._external, self._on_closed)
        self._corrections = self._life.corrections
        self._desk.fees_wanted = self._fees_wanted
        self._goals = GoalDriver(self, self._desk, self._book, self._life)
        self._adoption = Adoption(
            self._desk, self._book, self._life, self._events, self._external,
            take_report=self.on_report, opening=opening or {},
        )  # fmt: skip
        self._resolutions = Resolutions(self._desk, self._book, self._life)
        self._assignments = Assignments(
            self._desk, self._book, self._external, self._adoption, self._corrections
        )
        self.reports_unmatched = 0

    def _on_closed(self, order: Order) -> None:
        self._goals.on_closed(order)
        self._desk.count_closed(order.terms.account)
        for other in taken_along(order, self._book):
            self._life.want_cancel(other)

    # wishes

    def on_approved_order(self, approved: ApprovedOrder) -> None:
        terms = approved.terms
        account = self._desk.accounts[terms.account]
        is_free = account.connected and not account.lost_stores
        refusal = None if is_free else self._cannot_go(terms)
        if refusal is not None:
            denied = OrderDenied(
                ts_event=self.now, client_order_id=terms.client_order_id, account=terms.account,
                strategy=terms.strategy, instrument=terms.instrument, code=refusal,
                figures=f"account={terms.account}",
            )  # fmt: skip
            self.send(denied)
            return
        order = Order(
            terms=terms,
            mid_price=approved.mid_price,
            created_seq=self.seq,
            sent_ms=self.now // MS + account.offset_ms,
        )
        self._book.add(order)
        self._desk.submit(order)

    def _cannot_go(self, terms: OrderTerms) -> str | None:
        account = self._desk.accounts[terms.account]
        if terms.client_order_id[1:5] in account.lost_stores:
            return "FORMER_STORE"  # drawn before the backup: that store may have sent it afterwards
        return None if account.connected else "BROKER_DOWN"

    def on_order_recovered(self, recovered: OrderRecovered) -> None:
        order = self._book.recover(recovered, self.seq)
        self._life.recover(order, recovered.venue_order_id, "RECOVERED")

    def on_cancel_request(self, request: CancelRequest) -> None:
        order = self._book.get(request.client_order_id)
        if order is None:
            return
        if order.is_closed:
            self._events.refused(order, "cancel", "ORDER_CLOSED", f"the order is {order.state}")
            return
        self._life.want_cancel(order)

    def on_approved_replace(self, replace: ApprovedReplace) -> None:
        order = self._book.get(replace.client_order_id)
        if order is None:
            return
        if self._desk.rules_of(order).native_replace:
            if order.state not in WORKING or not self._desk.is_connected(order):
                # An approval is good only in its step, so a change in place cannot wait for another answer.
                self._events.refused(order, "replace", "ORDER_BUSY", f"the order is {order.state}")
            else:
                self._desk.replace(order, replace)
            return
        special = order.terms.special
        if special is not None and special.more_follow:  # its children hang on this very order
            self._events.refused(order, "replace", "BRACKET", "the venue cannot change it in place")
            return
        if order.is_closed or order.cancel_wanted or order.state == "closing":
            self._events.refused(
                order, "replace", "ORDER_BUSY", f"the order is {order.state} or being cancelled"
            )
            return
        self._life.want_cancel(order)
        order.successor = replace

    # what venues say

    def on_report(self, report: OrderReport) -> None:
        if isinstance(report, FillReport) and report.revision and self._corrections.take(report):
            return
        order = self._book.open.get(report.client_order_id or "") or self._book.find(report)
        if order is not None:
            self._life.apply(order, report)
            if self._resolutions.waiting:
                self._resolutions.withdraw_answered()
            return
        self.reports_unmatched += 1
        if isinstance(report, FillReport):
            marks = self._desk.accounts[report.account].marks
            if not is_past(marks.get(report.instrument, ""), report.trade_id):
                self._external.add(report, self.seq)

    def on_position_split(self, split: PositionSplit) -> None:
        self._corrections.on_split(split)

    def _fees_wanted(self, account: str) -> tuple[str, ...]:
        return (*self._corrections.fees_wanted(account), *self._external.fees_wanted(account))

    def on_clock_measured(self, clock: ClockMeasured) -> None:
        self._desk.accounts[clock.account].offset_ms = clock.offset_ms

    def on_started(self, started: Started) -> None:
        for name, account in self._desk.accounts.items():
            account.connected = account.reconciled = False
            self._desk.stop_statements(name)
        for order in list(self._book):
            self._desk.drop_question(order)
            if order.awaiting is not None:
                self._life.unanswered(order, "RESTARTED")

    def on_books_restored(self, restored: BooksRestored) -> None:
        for account in self._desk.accounts.values():
            account.lost_stores = (*account.lost_stores, restored.store_id)
            account.lost_until, account.lost_told = self.now, ()

    def on_broker_started(self, started: BrokerStarted) -> None:
        account = self._desk.accounts[started.account]
        account.connected, account.reconciled, account.began_seq = True, False, self.seq
        for order in [order for order in self._book if order.terms.account == started.account]:
            if order.awaiting is not None:
                self._life.unanswered(order, "RECONNECTED")
            if order.asking:  # answers to questions over the line before are lost
                order.asks, order.asked_ms = 0, None
                self._desk.ask_later(order)
            else:
                self._life.next_command(order)
        self._desk.ask_account(started.account)

    def on_broker_stopped(self, stopped: BrokerStopped) -> None:
        account = self._desk.accounts[stopped.account]
        account.connected = account.reconciled = False
        self._desk.stop_statements(stopped.account)

    def on_account_evidence(self, evidence: AccountEvidence) -> None:
        if self._adoption.take(evidence):
            self._goals.on_reconciled(evidence.account)

    def on_opening_accepted(self, accepted: OpeningAccepted) -> None:
        self._adoption.accept_opening(accepted.account)

    def on_statement_disagrees(self, disagreement: StatementDisagrees) -> None:
        self._desk.disagrees(disagreement)

    def on_balance_withheld(self, withheld: BalanceWithheld) -> None:
        self._goals.on_withheld(withheld)

    def on_position_changed(self, change: PositionChanged) -> None:
        self._goals.on_position(change)

    # the operator

    def on_flatten(self, command: Flatten) -> None:
        if self._knows(command):
            self._done(command, self._goals.latch("flatten", command.scope))

    def on_cancel_all(self, command: CancelAll) -> None:
        if self._knows(command):
            self._done(command, self._goals.latch("cancel", command.scope))

    def on_state_changed(self, change: StateChanged) -> None:
        """What rests in a scope that is halted could still trade: it is cancelled, whatever has halted it."""
        if change.state == "halted":
            self._goals.latch("cancel", change.scope)

    def on_stop(self, command: Stop) -> None:
        if command.cancel_orders:
            self._done(command, f"stopping; {self._goals.latch('cancel', Scope())}")
        else:
            self._done(command, f"stopping; {len(self._book.open)} open orders are kept")

    def on_reconcile(self, command: Reconcile) -> None:
        if not self._knows(command):
            return
        names = [name for name in self._desk.accounts if command.scope.account in (None, name)]
        asked = [name for name in names if self._desk.accounts[name].connected]
        for name in asked:
            self._desk.ask_account(name)
        down = [name for name in names if name not in asked]
        self._done(
            command,
            f"asked {', '.join(asked) or 'nobody'}"
            + (f"; {', '.join(down)} will be asked when connected" if down else ""),
        )

    def on_resolve_order(self, command: ResolveOrder) -> None:
        accepted, text = self._resolutions.ask(command)
        self._done(command, text, accepted=accepted)

    def on_assign(self, command: AssignOrder | AssignHolding | AssignPosition) -> None:
        accepted, text = self._assignments.ask(command)
        self._done(command, text, accepted=accepted)

    def on_approval_settled(self, settled: ApprovalSettled) -> None:
        self._resolutions.settled(settled)
        self._assignments.settled(settled)

    def _knows(self, command: OperatorCommand) -> bool:
        account = command.scope.account
        if account is None or account in self._desk.accounts:
            return True
        names = ", ".join(self._desk.accounts)
        self._done(command, f"there is no account {account}; name one of: {names}", accepted=False)
        return False

    def _done(self, command: OperatorCommand, text: str, *, accepted: bool = True) -> None:
        self.send(CommandDone(ts_event=self.now, command_id=command.command_id, accepted=accepted, text=text))

    # timers

    def on_answer_deadline(self, deadline: AnswerDeadline) -> None:
        order = self._book.open.get(deadline.client_order_id)
        if order is not None and order.awaiting is not None and order.attempt == deadline.attempt:
            order.deadline_timer = 0
            self._life.unanswered(order, "NO_ANSWER")

    def on_settle_due(self, due: SettleDue) -> None:
        order = self._book.get(due.client_order_id)
        if order is not None and order.asking:
            self._desk.ask(order)

    def on_goal_due(self, due: GoalDue) -> None:
        self._goals.on_due(due.scope)

    def on_evidence_due(self, due: EvidenceDue) -> None:
        self._desk.accounts[due.account].evidence_timer = 0
        self._desk.ask_account(due.account)

    # telemetry, read from outside between two inputs

    def orders(self) -> Iterator[Order]:
        """Every order in core state, closed ones that are still kept included; read only."""
        return iter(self._book)

    def unclaimed(self) -> Iterator[Unclaimed]:
        """Every order at the venues that is not in our books and could be assigned."""
        return self._assignments.unclaimed()

    def unknown_since(self) -> int | None:
        """When the oldest of the orders whose outcome is unknown became so; nanoseconds UTC."""
        return min((o.unknown_at for o in self._book.open.values() if o.state == "unknown"), default=None)

    # state

    def snapshot(self) -> OmsState:
        return OmsState(
            accounts=self._desk.snapshot(),
            orders=self._book.snapshot(),
            strays=self._external.snapshot(),
            goals=self._goals.snapshot(),
            foreign=self._adoption.snapshot(),
            resolutions=self._resolutions.snapshot(),
            assignments=self._assignments.snapshot(),
            unclaimed={account: list(lines) for account, lines in self._adoption.unclaimed.items()},
            booked=self._corrections.snapshot(),
        )

    def restore(self, state: OmsState) -> None:
        self._desk.restore(state.accounts)
        self._book.restore(state.orders)
        self._external.restore(state.strays)
        self._goals.restore(state.goals)
        self._adoption.restore(state.foreign)
        self._resolutions.restore(state.resolutions)
        self._assignments.restore(state.assignments)
        self._adoption.unclaimed = {account: list(lines) for account, lines in state.unclaimed.items()}
        self._corrections.restore(state.booked)
