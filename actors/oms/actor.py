"""OMS: the life of every order, from risk's approval to the one event that ends it.

Reads   ApprovedOrder, ApprovedReplace                from risk
        CancelRequest                                 from strategies
        every Report, ClockMeasured, BrokerStarted/-Stopped, AccountEvidence  from venues
        PositionChanged                               from ledger (what flatten goals are sized from)
        Started, Flatten, CancelAll, Reconcile, Stop  from sequencer and operator
Writes  SubmitOrder, CancelOrder, ReplaceOrder, QueryOrder, QueryAccount  to the account's venue
        OrderAccepted … OrderExpired, OrderOutcomeUnknown, CommandRefused, OrderDenied  to all
        ReplaceReady, OrderIntent                     to risk (rest of a replace, closing orders of goals)
        AccountReconciled, DifferenceFound, GoalMet, CommandDone  to all
State   orders and fill keys until completed queries have passed them, fills of unidentified orders, goals,
        positions, per account its line, clock offset and paging marks
Fails   fatal: an order id approved twice, or a report without a row in the order table
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import AccountEvidence, AccountReconciled, OrdersEvidence, PositionChanged
from actors.messages.control import (
    AnswerDeadline,
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
    Scope,
    SettleDue,
    Started,
    Stop,
)
from actors.messages.orders import (
    AcceptReport,
    ApprovedOrder,
    ApprovedReplace,
    CancelReport,
    CancelRequest,
    ExpiryReport,
    FillReport,
    NotSent,
    OrderDenied,
    OutcomeUnknownReport,
    RejectReport,
    ReplaceReport,
    Report,
    StatusReport,
)
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.oms.book import OrderBook
from actors.oms.desk import Account, Desk
from actors.oms.drive import GoalDriver, GoalState
from actors.oms.events import OrderEvents
from actors.oms.external import ExternalFills, Stray
from actors.oms.fills import is_past, moved_marks, report_of
from actors.oms.life import OrderLife
from actors.oms.order import STATES, WORKING, Order
from actors.oms.reconcile import compare_orders, is_complete, newer_parts, replace_took_place

MISSING_STATEMENTS = 2
"""Complete statements in a row without an accepted order before that is shown as a difference."""


class OmsState(msgspec.Struct, array_like=True):
    """The whole state of the OMS."""

    accounts: dict[str, Account]
    orders: list[Order]
    strays: list[Stray]
    goals: GoalState
    foreign: list[str]


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
    ) -> None:
        self._desk = Desk(self, rules=rules, instruments=instruments, reconcile_ns=reconcile_ns)
        self._book = OrderBook()
        self._events = OrderEvents(self._desk)
        self._external = ExternalFills(self._book, self._events)
        self._life = OrderLife(self._desk, self._book, self._events, self._external, self._on_closed)
        self._goals = GoalDriver(self, self._desk, self._book, self._life)
        self._foreign: dict[str, bool] = {}
        self.reports_unmatched = 0

    def _on_closed(self, order: Order) -> None:
        self._goals.on_closed(order)

    # wishes

    def on_approved_order(self, approved: ApprovedOrder) -> None:
        terms = approved.terms
        if not self._desk.accounts[terms.account].connected:
            self.send(
                OrderDenied(
                    ts_event=self.now,
                    client_order_id=terms.client_order_id,
                    account=terms.account,
                    strategy=terms.strategy,
                    instrument=terms.instrument,
                    code="BROKER_DOWN",
                    figures=f"account={terms.account}",
                )
            )
            return
        order = Order(
            terms=terms,
            mid_price=approved.mid_price,
            created_seq=self.seq,
            sent_ms=self._desk.venue_ms(terms.account),
        )
        self._book.add(order)
        self._desk.submit(order)

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
        if order.is_closed or order.cancel_wanted or order.state == "closing":
            self._events.refused(
                order, "replace", "ORDER_BUSY", f"the order is {order.state} or being cancelled"
            )
            return
        self._life.want_cancel(order)
        order.successor = replace

    # what venues say

    def on_report(
        self,
        report: AcceptReport
        | RejectReport
        | FillReport
        | CancelReport
        | ReplaceReport
        | ExpiryReport
        | StatusReport
        | OutcomeUnknownReport
        | NotSent,
    ) -> None:
        self._take(report)

    def _take(self, report: Report) -> None:
        order = self._book.find(report)
        if order is not None:
            self._life.apply(order, report)
            return
        self.reports_unmatched += 1
        if isinstance(report, FillReport):
            marks = self._desk.accounts[report.account].marks
            if not is_past(marks.get(report.instrument, ""), report.trade_id):
                self._external.add(report, self.seq)

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
        account = self._desk.accounts[evidence.account]
        evidence = newer_parts(evidence, account.orders_asked, account.fills_asked)
        fills, orders = evidence.fills, evidence.orders
        if fills is not None:
            account.fills_asked = (fills.asked_seq, evidence.venue_time_ms)
            for fill in fills.fills:
                report = report_of(evidence.account, fill)
                # The first history read reaches back before our time: what is not ours there is no news.
                if account.has_baseline or self._is_ours(report):
                    self._take(report)
            account.marks = moved_marks(account.marks, fills)
            account.has_baseline = True
        if orders is not None:
            account.orders_asked = (orders.asked_seq, evidence.venue_time_ms)
            self._adopt_orders(evidence, orders, fills is not None)
        if fills is not None:
            self._book.pass_by(evidence.account, fills.asked_seq)
            self._external.pass_by(evidence.account, fills.asked_seq)
        if orders is not None and is_complete(evidence, account.began_seq):
            account.reconciled = True
            self._desk.statement_done(evidence.account)
            self.send(
                AccountReconciled(ts_event=self.now, account=evidence.account, asked_seq=orders.asked_seq)
            )
            self._goals.on_reconciled(evidence.account)

    def _is_ours(self, report: FillReport) -> bool:
        """Whether a fill belongs to an order of ours, or may turn out to."""
        return self._book.find(report) is not None or self._book.has_unnamed(
            report.account, report.instrument
        )

    def _adopt_orders(self, evidence: AccountEvidence, orders: OrdersEvidence, with_fills: bool) -> None:
        findings = compare_orders(evidence, orders, self._book)
        for order, line, report in findings.listed:
            order.missing = 0
            rules = self._desk.rules_of(order)
            took_place = replace_took_place(order, line, rules, evidence.venue_time_ms)
            if order.state == "unknown" and took_place is not None:
                self._life.settle_replace(order, took_place)
            if order.state != "unknown" or order.awaiting != "replace":
                self._life.apply(order, report)
            heard_seq = max(order.terms_seq, order.accepted_seq)
            if rules.native_replace and order.state in WORKING and heard_seq < orders.asked_seq:
                self._life.adopt_terms(order, line)
        for order in findings.missing if with_fills else ():
            if order.is_closed:
                continue
            order.missing += 1
            if order.state == "pending_cancel":
                self._desk.begin_asking(order)
            else:
                self._life.lose(order, "NOT_LISTED")
            if order.missing == MISSING_STATEMENTS:
                self._events.differ(order, "order_missing", order.state, "not among the open orders")
        for line in findings.foreign:
            key = f"{evidence.account} {line.client_order_id}"
            if key not in self._foreign:
                self._foreign[key] = True
                self._events.foreign(
                    evidence.account, line.instrument, line.client_order_id or "", line.venue_order_id
                )

    def on_position_changed(self, change: PositionChanged) -> None:
        self._goals.on_position(change)

    # the operator

    def on_flatten(self, command: Flatten) -> None:
        if self._knows(command):
            self._done(command, self._goals.latch("flatten", command.scope))

    def on_cancel_all(self, command: CancelAll) -> None:
        if self._knows(command):
            self._done(command, self._goals.latch("cancel", command.scope))

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

    def orders_by_state(self) -> dict[str, int]:
        """How many orders the books hold in each state."""
        counts = dict.fromkeys(STATES, 0)
        for order in self._book:
            counts[order.state] += 1
        return {str(state): count for state, count in counts.items()}

    def unknown_since(self) -> int | None:
        """When the oldest of the orders whose outcome is unknown became so; nanoseconds UTC."""
        return min((o.unknown_at for o in self._book.open.values() if o.state == "unknown"), default=None)

    def counters(self) -> dict[str, int]:
        """What has happened since the process began."""
        return {
            "submits_sent": self._desk.submits_sent,
            "queries_sent": self._desk.queries_sent,
            "fills_booked": self._life.fills_booked,
            "fills_repeated": self._life.fills_repeated,
            "reports_unmatched": self.reports_unmatched,
            "goals_standing": len(self._goals),
        }

    # state

    def snapshot(self) -> OmsState:
        return OmsState(
            accounts=self._desk.snapshot(),
            orders=self._book.snapshot(),
            strays=self._external.snapshot(),
            goals=self._goals.snapshot(),
            foreign=list(self._foreign),
        )

    def restore(self, state: OmsState) -> None:
        self._desk.restore(state.accounts)
        self._book.restore(state.orders)
        self._external.restore(state.strays)
        self._goals.restore(state.goals)
        self._foreign = dict.fromkeys(state.foreign, True)
