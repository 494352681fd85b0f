"""What happens to an order: each action of the order table, and the events that come of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from actors.messages.account import VenueOrder
from actors.messages.orders import (
    ApprovedReplace,
    Command,
    FillReport,
    NotSent,
    OrderOutcomeUnknown,
    OrderReplaced,
    RejectReport,
    ReplaceReady,
    ReplaceReport,
    Report,
    StatusReport,
)
from actors.model.money import ZERO
from actors.oms.adjusting import adjust
from actors.oms.book import OrderBook
from actors.oms.corrections import Corrections
from actors.oms.desk import Desk
from actors.oms.events import OrderEvents
from actors.oms.external import ExternalFills
from actors.oms.fills import trade_key
from actors.oms.order import (
    ACTIONS,
    PLAIN,
    WORKING,
    Action,
    Claim,
    Order,
    OrderState,
    claim_of,
    kind_of,
    refusal_of,
    successor_terms,
)
from actors.oms.settle import was_never_received
from actors.views.special_terms import with_trail


class OrderLife:
    """Applies reports and wishes to orders. `on_closed` hears of each order that has just ended."""

    def __init__(
        self,
        desk: Desk,
        book: OrderBook,
        events: OrderEvents,
        external: ExternalFills,
        on_closed: Callable[[Order], None],
    ) -> None:
        self._desk, self._book, self._on_closed = desk, book, on_closed
        self._external, self._events = external, events
        self.corrections = Corrections(desk, book, self._corrected)
        self._actions: dict[Action, Callable[[Order, Any], None]] = {
            "confirm": self._confirm,
            "book": self._fill,
            "book_late": self._fill_late,
            "end": self._end,
            "check_end": self._check_end,
            "unsent": self._unsent,
            "replaced": self._replaced,
            "adjust": partial(adjust, desk, events),
            "refuse_cancel": self._refuse_cancel,
            "refuse_replace": self._refuse_replace,
            "settle": self._settle,
            "check_gap": self._check_gap,
            "redrive": self._redrive,
            "weigh": self._weigh,
            "vanish": self._vanish,
            "ask_on": lambda order, report: desk.ask_on(order),
            "doubt": self._doubt,
            "alarm": self._alarm,
            "-": lambda order, report: None,
        }

    def apply(self, order: Order, report: Report) -> None:
        """Do what the table says about this report in the order's state."""
        kind = PLAIN.get(report.__class__) or kind_of(report)
        name = report.venue_order_id
        if name is not None and name != order.venue_order_id and kind != "status_not_found":
            self._learn(order, name)
        self._actions[ACTIONS[kind][order.state]](order, report)
        if self._external.strays:  # it may have been the last order that could have explained a fill
            self._external.show(order.terms.account, order.terms.instrument)

    # the venue has it

    def recover(self, order: Order, venue_order_id: str | None, reason: str) -> None:
        """An order that only the record or the operator knew: its outcome is asked for."""
        if venue_order_id is not None:
            self._learn(order, venue_order_id)
        if not order.is_closed:
            self.unanswered(order, reason)

    def _learn(self, order: Order, venue_order_id: str) -> None:
        """The venue's id of an order, and with it the fills that came before it was known."""
        if self._book.bind(order, venue_order_id) and len(self._external):
            terms = order.terms
            for fill in self._external.take(terms.account, terms.instrument, venue_order_id):
                self.apply(order, fill)

    def _confirm(self, order: Order, report: Report) -> None:
        if order.accepted_seq:  # it vanished after it was accepted: a repeated accept is no news
            return
        self._accept(order)
        if isinstance(report, StatusReport):
            self._check_gap(order, report)
        if order.cancel_wanted or order.filled:
            self.next_command(order)

    def _accept(self, order: Order) -> None:
        """The first sign that the venue has the order."""
        desk = self._desk
        if order.awaiting == "submit":
            desk.answered(order)
        desk.stop_asking(order)
        order.accepted_seq = desk.seq
        order.missing = 0
        order.state = order.working_state
        self._events.accepted(order)

    def _settle(self, order: Order, report: StatusReport) -> None:
        """An order of unknown outcome lives."""
        order.asked_ms = order.absent_ms = None
        if order.awaiting == "replace":
            # A status names no terms; only the account's statement shows whether the change took place.
            self._desk.ask_later(order)
            self._desk.ask_account(order.terms.account)
            return
        self._accept(order)
        if order.awaiting == "cancel":
            self._desk.cancel(order)
        self._check_gap(order, report)
        self.next_command(order)

    def _check_gap(self, order: Order, report: Report) -> None:
        """Fills that the venue counts and we have not booked are asked for."""
        if not isinstance(report, StatusReport):
            return
        if report.filled_quantity > order.filled_most:
            self._desk.ask_on(order)
        elif order.asking and order.awaiting != "replace":
            self._desk.stop_asking(order)
            self.next_command(order)  # a cancel wished for without a line has waited for this answer

    def _redrive(self, order: Order, report: StatusReport) -> None:
        """The order still lives though a cancel was sent; when that went unanswered it is sent again."""
        was_asking = order.asking
        self._check_gap(order, report)
        if was_asking and self._desk.is_connected(order):
            self._desk.cancel(order)

    # fills

    def _fill(self, order: Order, fill: FillReport) -> None:
        if (order.trades or not fill.quantity) and self.corrections.is_no_fill(order, fill):
            return
        if not order.accepted_seq:
            self._accept(order)
        if order.replacing and order.filled + fill.quantity > order.terms.quantity:  # so it has taken place
            self._take_terms(order, order.replacing)
        if not self._book_fill(order, fill):
            self._finish(order, "filled")
        elif order.claim is not None:
            self._try_end(order, order.claim)
        elif order.state in WORKING:
            order.state = "partially_filled"
            self.next_command(order)

    def _book_fill(self, order: Order, fill: FillReport) -> Decimal:
        """Count and tell an execution; returns what is left to be filled."""
        order.trades.append(trade_key(fill))
        order.filled += fill.quantity
        order.absent_ms = None
        if fill.revision:
            self.corrections.note(order, fill)
        remaining = order.remaining
        self._events.filled(order, fill, remaining)
        return remaining

    def _fill_late(self, order: Order, fill: FillReport) -> None:
        """A fill of an order whose terminal event is out: booked, and the instrument held to reductions."""
        if self.corrections.is_no_fill(order, fill):
            return
        self._book_fill(order, fill)
        self._events.differ(order, "position", f"{order.state} with less filled", f"trade {fill.trade_id}")

    def _corrected(self, order: Order) -> None:
        """A correction has changed what is filled; what is over stays over."""
        if order.is_closed:
            return
        if order.claim is not None:
            self._try_end(order, order.claim)
        elif order.remaining <= ZERO:
            self._desk.ask_on(order)  # only the venue can say that it has ended
        elif order.state in WORKING:
            order.state = order.working_state

    # the end

    def _end(self, order: Order, report: Report) -> None:
        claim = claim_of(report)
        was_there = claim.filled or (order.venue_order_id is not None and claim.kind != "rejected")
        if was_there and not order.accepted_seq:
            self._accept(order)  # its end is the first that was heard of it: its id there is told, too
        if order.claim is not None and order.claim.filled > claim.filled:
            claim = claim if self.corrections.may_shrink(order, report) else order.claim
        order.asked_ms = None
        self._try_end(order, claim)

    def _try_end(self, order: Order, claim: Claim) -> None:
        """The terminal event, if what is booked is what the venue says was filled; else ask for its fills."""
        if claim.filled in (order.filled, order.filled - order.corrected):
            self._events.ended(order, msgspec.structs.replace(claim, filled=order.filled))
            self._finish(order, "cancelled" if claim.kind == "filled" else claim.kind)
            return
        if order.filled_most < claim.filled:
            order.claim = claim
            order.state = "closing"
            self._desk.answered(order)
        self._desk.ask_on(order)

    def _finish(self, order: Order, state: OrderState) -> None:
        desk, refused, successor = self._desk, order.replacing, order.successor
        order.successor = order.replacing = order.claim = None
        order.state = state
        order.cancel_wanted = False
        desk.answered(order)
        desk.stop_asking(order)
        order.closed_seq = desk.seq
        self._book.close(order)
        if refused is not None:
            self._events.refused(order, "replace", "ORDER_CLOSED", f"the order is {state}")
        if successor is not None:
            self._succeed(order, successor)
        if self._external.strays:
            self._external.show(order.terms.account, order.terms.instrument)
        self._on_closed(order)

    def _succeed(self, order: Order, wanted: ApprovedReplace) -> None:
        """The second half of a replace: what is left of it asks for approval under its new id."""
        remainder = wanted.quantity - order.filled
        if order.state not in ("cancelled", "expired") or remainder <= ZERO:
            self._events.refused(order, "replace", "NOTHING_LEFT", f"{order.state}, filled={order.filled}")
            return
        terms = successor_terms(order, wanted, remainder)
        self._desk.send(ReplaceReady(ts_event=self._desk.now, terms=terms))

    def _unsent(self, order: Order, report: NotSent) -> None:
        if order.awaiting == "submit":
            self._end(order, report)

    def _check_end(self, order: Order, report: Report) -> None:
        """A closed order is reported closed again; only more fills than we booked are news."""
        if claim_of(report).filled > order.filled_most:
            self._desk.ask_on(order)
        elif order.asking:
            self._desk.stop_asking(order)

    def _alarm(self, order: Order, report: Report) -> None:
        """A refused or never received order works at the venue after all: take it back."""
        if not order.reported_late:
            order.reported_late = True
            self._events.differ(order, "foreign_order", "rejected", f"works as {report.venue_order_id}")
        self._desk.send_cancel(order)

    # commands that did or did not take place

    def _replaced(self, order: Order, report: ReplaceReport) -> None:
        if order.awaiting == "replace":
            self._take_terms(order, report)
            self.next_command(order)
        elif (order.terms.quantity, order.terms.price) != (report.quantity, report.price):
            self._desk.ask_account(order.terms.account)  # late or repeated: the list shows which terms hold

    def _take_terms(self, order: Order, new: ApprovedReplace | ReplaceReport | VenueOrder) -> None:
        stop_price, trail = order.terms.stop_price, order.terms.trail
        if not isinstance(new, VenueOrder):
            stop_price, trail = new.stop_price, new.trail
        terms = msgspec.structs.replace(
            order.terms, quantity=new.quantity, price=new.price, stop_price=stop_price
        )
        order.terms = with_trail(terms, trail)
        order.replacing, order.terms_seq = None, self._desk.seq
        self._desk.answered(order)
        self._desk.stop_asking(order)
        order.state = order.working_state
        self._events.send(
            order, OrderReplaced, quantity=new.quantity, price=new.price, stop_price=stop_price, trail=trail
        )

    def adopt_terms(self, order: Order, line: VenueOrder) -> None:
        """A statement shows other terms than ours for an order that no command is changing."""
        terms = order.terms
        if (terms.quantity, terms.price) != (line.quantity, line.price):
            self._take_terms(order, line)
            self.next_command(order)

    def settle_replace(self, order: Order, took_place: bool) -> None:
        """A statement has shown the order's terms, so what became of its replace is known."""
        assert order.replacing is not None, "only an order with a replace under way is settled so"
        if took_place:
            self._take_terms(order, order.replacing)
        else:
            self._drop_replace(order, "NOT_REPLACED", "the venue shows the old terms")
        self.next_command(order)

    def _refuse_replace(self, order: Order, report: RejectReport | NotSent) -> None:
        if order.awaiting == "replace":
            code, text = refusal_of(report)
            self._drop_replace(order, code, text)
            if isinstance(report, RejectReport):
                self._desk.ask_on(order)
            self.next_command(order)

    def _drop_replace(self, order: Order, code: str, text: str) -> None:
        order.replacing = None
        self._desk.answered(order)
        self._desk.stop_asking(order)
        order.state = order.working_state
        self._events.refused(order, "replace", code, text)

    def _refuse_cancel(self, order: Order, report: RejectReport | NotSent) -> None:
        if order.awaiting != "cancel":
            return
        code, text = refusal_of(report)
        self._desk.answered(order)
        order.cancel_wanted = False
        if order.state == "pending_cancel":
            order.state = order.working_state
        command: Command = "cancel" if order.successor is None else "replace"
        order.successor = None
        self._events.refused(order, command, code, text)
        if isinstance(report, RejectReport):
            self._desk.ask_on(order)

    def next_command(self, order: Order) -> None:
        """Send the cancel that had to wait for an answer."""
        if order.state not in WORKING or order.awaiting is not None:
            return
        if order.filled >= order.terms.quantity:  # a replace has left nothing to fill
            self._try_end(order, Claim("cancelled", order.filled))
        elif order.cancel_wanted and self._desk.is_connected(order):
            self._desk.cancel(order)

    def want_cancel(self, order: Order) -> None:
        """Latch a cancel; it leaves as soon as no other command of the order is under way."""
        if order.successor is not None:
            order.successor = None
            self._events.refused(order, "replace", "CANCEL_REQUESTED", "the order is cancelled instead")
        order.cancel_wanted = True
        self.next_command(order)

    # no certain answer

    def unanswered(self, order: Order, reason: str) -> None:
        """The command under way counts as unanswered."""
        self._desk.drop_deadline(order)
        if order.awaiting is not None and order.awaiting != "cancel" and order.state != "unknown":
            order.state, order.unknown_at = "unknown", self._desk.now
            self._events.send(order, OrderOutcomeUnknown, command=order.awaiting, reason=reason)
        self._desk.begin_asking(order)

    def _doubt(self, order: Order, report: Report) -> None:
        self.unanswered(order, getattr(report, "reason", "") or getattr(report, "code", ""))

    def lose(self, order: Order, reason: str) -> None:
        """An accepted order is no longer shown by the venue: unknown, never closed."""
        if order.state == "unknown":
            return
        order.state, order.unknown_at = "unknown", self._desk.now
        command = order.awaiting if order.awaiting == "replace" else "submit"
        self._events.send(order, OrderOutcomeUnknown, command=command, reason=reason)
        self._desk.begin_asking(order)

    def _vanish(self, order: Order, report: Report) -> None:
        self.lose(order, "NOT_FOUND")
        self._desk.ask_on(order)

    def _weigh(self, order: Order, report: Report) -> None:
        if not was_never_received(order, self._desk.rules_of(order)):
            self._desk.ask_on(order)
            return
        self._events.ended(
            order, Claim("rejected", ZERO, "NOT_RECEIVED", "two complete answers do not know it")
        )
        self._finish(order, "rejected")
