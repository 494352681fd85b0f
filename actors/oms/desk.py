"""What leaves the OMS towards a venue: commands with their deadlines, questions with their pauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor, of_sequencer
from actors.messages.account import StatementDisagrees
from actors.messages.base import Message
from actors.messages.control import AnswerDeadline, EvidenceDue, SettleDue
from actors.messages.orders import (
    ApprovedReplace,
    CancelOrder,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.oms.order import Order
from actors.oms.settle import MS, pause_ns

CLOSED_MAX = 500
"""Closed orders stay in core state until statements have passed them; so many ask for one, whatever the
interval, so that a checkpoint never holds the loop for long."""
STATEMENT_RETRY_NS = 30_000_000_000
"""Pause before an account is asked again when no complete statement has come."""
SECOND_LOOK_NS = 2_000_000_000
"""Pause before an account is asked again when its statement disagrees with our books."""


class Account(msgspec.Struct, kw_only=True, array_like=True):
    """One account's line and how far its history was read."""

    connected: bool = True
    """False from `Started` or `BrokerStopped` until `BrokerStarted`: nothing new is sent."""
    reconciled: bool = True
    """False from `Started` or a lost line until the first complete statement after it."""
    offset_ms: int = 0
    """The venue's clock minus ours."""
    marks: dict[str, str] = {}
    """Per instrument the trade id that completed queries have reached."""
    has_baseline: bool = False
    """A first history was read; what it held that is not ours is from before our time."""
    began_seq: int = 0
    """Statements asked for earlier do not count."""
    orders_asked: tuple[int, int] = (-1, 0)
    """Of the newest list of orders used: when it was asked for, and the venue's time. Others are no news."""
    fills_asked: tuple[int, int] = (-1, 0)
    """The same of fills."""
    evidence_timer: int = 0
    is_open: bool = False
    """Its books have begun: the first complete statement was taken, after the operator's word if needed."""
    opening_told: bool = False
    closed: int = 0
    """Orders that ended since the last question for a statement."""
    lost_stores: tuple[str, ...] = ()
    """Whose later orders our books do not know, because they were restored from backups; newest last."""
    lost_until: int = 0
    """Fills up to then that no order of ours explains are taken for that store's."""
    lost_told: tuple[str, ...] = ()
    """Instruments where that was said."""
    disagrees_since: int | None = None
    """When the last statement agreed on what the newest disagrees on, by the venue's clock."""


class Desk:
    """Sends commands and questions of orders for the OMS actor, and owns their timers."""

    def __init__(
        self,
        core: CoreActor,
        *,
        rules: Mapping[str, VenueRules],
        instruments: Mapping[str, Instrument],
        reconcile_ns: Mapping[str, int],
    ) -> None:
        self._core = core
        self.rules = rules
        self.instruments = instruments
        self._reconcile_ns = reconcile_ns
        self.accounts = {name: Account() for name in rules}
        self.holders: Callable[[str, str], Mapping[str, Decimal]] = lambda account, instrument: {}
        """Signed quantity by strategy of what an account holds of an instrument."""
        self.fees_wanted: Callable[[str], tuple[str, ...]] = lambda account: ()
        """Of an account the trade ids whose fee was never told."""

    now: int = of_sequencer("now", "Time of the step.", "_core.")
    seq: int = of_sequencer("seq", "Number of the step's input.", "_core.")

    def send(self, message: Message) -> None:
        """Pass a message on."""
        self._core.send(message)

    def rules_of(self, order: Order) -> VenueRules:
        """Rules of the order's venue."""
        return self.rules[order.terms.account]

    def is_connected(self, order: Order) -> bool:
        """Whether anything may be sent to the order's venue now."""
        return self.accounts[order.terms.account].connected

    def venue_ms(self, account: str) -> int:
        """The venue's clock now, as far as its offset is known."""
        return self.now // MS + self.accounts[account].offset_ms

    # commands: each is followed by its answer or its deadline

    def submit(self, order: Order) -> None:
        """Place a new order; the only place where a submit is made."""
        terms, core = order.terms, self._core
        now, rules = core.now, self.rules[terms.account]
        core.send(
            SubmitOrder(
                ts_event=now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=terms.client_order_id,
                venue_timestamp_ms=order.sent_ms,
                receive_window_ms=rules.receive_window_ms,
                terms=terms,
            )
        )
        self._await_answer(order, now + rules.answer_deadline_ms * MS)

    def cancel(self, order: Order) -> None:
        """Cancel what is left of an order; a cancel may be repeated, it never adds risk."""
        order.awaiting = "cancel"
        order.state = "pending_cancel"
        order.attempt += 1
        self.send_cancel(order)
        self._await_answer(order)

    def send_cancel(self, order: Order) -> None:
        """The bare command, for an order that the books hold to be closed."""
        terms = order.terms
        self.send(
            CancelOrder(
                ts_event=self.now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=terms.client_order_id,
                venue_timestamp_ms=self.venue_ms(terms.account),
                receive_window_ms=self.rules_of(order).receive_window_ms,
                venue_order_id=order.venue_order_id,
            )
        )

    def replace(self, order: Order, wanted: ApprovedReplace) -> None:
        """Change an order in place."""
        terms = order.terms
        assert order.venue_order_id is not None, "an order that works at a venue has the venue's id"
        order.awaiting = "replace"
        order.state = "pending_replace"
        order.replacing = wanted
        order.attempt += 1
        order.sent_ms = self.venue_ms(terms.account)
        self.send(
            ReplaceOrder(
                ts_event=self.now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=terms.client_order_id,
                venue_timestamp_ms=order.sent_ms,
                receive_window_ms=self.rules_of(order).receive_window_ms,
                venue_order_id=order.venue_order_id,
                quantity=wanted.quantity,
                price=wanted.price,
                stop_price=wanted.stop_price,
                trail=wanted.trail,
            )
        )
        self._await_answer(order)

    def _await_answer(self, order: Order, due: int | None = None) -> None:
        if order.deadline_timer:
            self._core.cancel_timer(order.deadline_timer)
        if due is None:
            due = self.now + self.rules_of(order).answer_deadline_ms * MS
        order.deadline_timer = self._core.set_timer(
            due,
            AnswerDeadline(ts_event=due, client_order_id=order.terms.client_order_id, attempt=order.attempt),
        )

    def answered(self, order: Order) -> None:
        """The command under way has its answer."""
        order.awaiting = None
        if order.deadline_timer:
            self._core.cancel_timer(order.deadline_timer)
            order.deadline_timer = 0

    def drop_deadline(self, order: Order) -> None:
        """Wait no longer for the answer by itself."""
        if order.deadline_timer:
            self._core.cancel_timer(order.deadline_timer)
            order.deadline_timer = 0

    # questions about one order

    def begin_asking(self, order: Order) -> None:
        """Ask the venue about an order until it is settled; already asking goes on as it was."""
        if order.asking:
            return
        order.asking = True
        order.asks = 0
        order.asked_ms = order.absent_ms = None
        self.ask_later(order)

    def ask_on(self, order: Order) -> None:
        """The last answer settled nothing: ask (again) after the pause."""
        order.asked_ms = None
        if order.asking:
            self.ask_later(order)
        else:
            self.begin_asking(order)

    def ask_later(self, order: Order) -> None:
        """The next question after its pause."""
        self._settle_at(order, self.now + pause_ns(self.rules_of(order), order.asks))

    def ask(self, order: Order) -> None:
        """Ask now, and again if no answer comes; while the line is down, `BrokerStarted` takes it up."""
        order.settle_timer = 0
        terms = order.terms
        if not self.is_connected(order):
            return
        asked_ms = self.venue_ms(terms.account)
        if order.asked_ms is None:
            order.asked_ms, order.asked_at = asked_ms, self.now
        order.asks += 1
        rules = self.rules_of(order)
        self.send(
            QueryOrder(
                ts_event=self.now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=terms.client_order_id,
                venue_timestamp_ms=asked_ms,
                receive_window_ms=rules.receive_window_ms,
                venue_order_id=order.venue_order_id,
            )
        )
        self._settle_at(order, self.now + max(rules.answer_deadline_ms * MS, pause_ns(rules, order.asks)))

    def stop_asking(self, order: Order) -> None:
        """It is settled."""
        order.asking = False
        order.asked_ms = order.absent_ms = None
        if order.settle_timer:
            self.drop_question(order)

    def drop_question(self, order: Order) -> None:
        """Cancel the reminder to ask."""
        if order.settle_timer:
            self._core.cancel_timer(order.settle_timer)
            order.settle_timer = 0

    def _settle_at(self, order: Order, due: int) -> None:
        self.drop_question(order)
        order.settle_timer = self._core.set_timer(
            due, SettleDue(ts_event=due, client_order_id=order.terms.client_order_id)
        )

    # questions about an account

    def ask_account(self, name: str) -> None:
        """Ask for a statement, and again if no complete one comes."""
        account = self.accounts[name]
        if not account.connected:
            return
        account.closed = 0
        venue = self.rules[name].venue
        known = [instrument.id for instrument in self.instruments.values() if instrument.venue == venue]
        self.send(
            QueryAccount(
                ts_event=self.now,
                account=name,
                asked_seq=self.seq,
                fills_after=dict.fromkeys(known, "") | account.marks,
                transfers_since=account.disagrees_since,
                fees_wanted=self.fees_wanted(name),
            )
        )
        self._statement_at(name, self.now + STATEMENT_RETRY_NS)

    def count_closed(self, name: str) -> None:
        """An order has ended."""
        account = self.accounts[name]
        account.closed += 1
        if account.closed >= CLOSED_MAX and account.reconciled:
            self.ask_account(name)

    def statement_done(self, name: str) -> None:
        """A complete statement came: the next is due after the account's interval, if it has one."""
        every_ns = self._reconcile_ns.get(name, 0)
        self._statement_at(name, self.now + every_ns if every_ns else None)

    def disagrees(self, found: StatementDisagrees) -> None:
        """The next statement says whether it counts, and with the transfers told in it perhaps why."""
        account = self.accounts[found.account]
        since = account.disagrees_since
        account.disagrees_since = found.agreed_ts if since is None else min(since, found.agreed_ts)
        if found.answers == 1 and account.connected:
            self._statement_at(found.account, self.now + SECOND_LOOK_NS)

    def stop_statements(self, name: str) -> None:
        """No reminders while the line is down."""
        self._statement_at(name, None)

    def _statement_at(self, name: str, due: int | None) -> None:
        account = self.accounts[name]
        if account.evidence_timer:
            self._core.cancel_timer(account.evidence_timer)
        account.evidence_timer = (
            0 if due is None else self._core.set_timer(due, EvidenceDue(ts_event=due, account=name))
        )

    def snapshot(self) -> dict[str, Account]:
        """Accounts for the checkpoint."""
        return {
            name: msgspec.structs.replace(account, marks=dict(account.marks))
            for name, account in self.accounts.items()
        }

    def restore(self, accounts: dict[str, Account]) -> None:
        """Take a checkpoint's accounts; one that is new in the configuration starts unread."""
        self.accounts = {name: accounts.get(name, Account()) for name in self.rules}
