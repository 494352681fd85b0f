"""What the OMS takes over from a venue's statement, and when an account agrees with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.messages.account import (
    AccountEvidence,
    AccountReconciled,
    DifferenceFound,
    OrdersEvidence,
    VenueFill,
    VenueOrder,
)
from actors.messages.orders import FillReport
from actors.oms.book import OrderBook
from actors.oms.desk import Desk
from actors.oms.events import OrderEvents
from actors.oms.external import ExternalFills
from actors.oms.fills import moved_marks
from actors.oms.life import OrderLife
from actors.oms.order import WORKING
from actors.oms.reconcile import (
    OpeningSigns,
    compare_orders,
    is_complete,
    newer_parts,
    opening_signs,
    replace_took_place,
)

MISSING_STATEMENTS = 2
"""Complete statements in a row without an accepted order before that is shown as a difference."""
SIGNS_SHOWN = 10
"""So many orders and holdings of an account in use are named; an account may have thousands."""
STRANGERS_MAX = 1_000
"""So many orders that are not ours are remembered as told; the oldest are told again if they still rest."""


class Adoption:
    """Applies statements to orders; `take_report` hears each fill of a history like a live one."""

    def __init__(
        self,
        desk: Desk,
        book: OrderBook,
        life: OrderLife,
        events: OrderEvents,
        external: ExternalFills,
        *,
        take_report: Callable[[FillReport], None],
        opening: Mapping[str, OpeningSigns],
    ) -> None:
        self._desk = desk
        self._book = book
        self._life = life
        self._events = events
        self._external = external
        self._take_report = take_report
        self._opening = opening
        self._strangers: dict[str, None] = {}
        self.unclaimed: dict[str, list[VenueOrder]] = {}
        """Per account the open orders of the newest list that our books do not know."""

    def take(self, evidence: AccountEvidence) -> bool:
        """Take a statement over; True when the account agrees with it and may go on."""
        account = self._desk.accounts[evidence.account]
        evidence = newer_parts(evidence, account.orders_asked, account.fills_asked)
        fills, orders = evidence.fills, evidence.orders
        if fills is not None:
            account.fills_asked = (fills.asked_seq, evidence.venue_time_ms)
            for fill in fills.fills:
                if self._has_booked(evidence.account, fill):
                    continue
                report = fill.report(evidence.account)
                # The first history read reaches back before our time: what is not ours there is no news.
                if account.has_baseline or self._is_ours(report):
                    self._take_report(report)
                else:
                    self._external.add_opening(report, self._desk.seq)
            for fill in fills.corrected:
                self._take_correction(fill.report(evidence.account))
            account.marks = moved_marks(account.marks, fills)
            account.has_baseline = account.has_baseline or account.is_open
        if orders is not None:
            account.orders_asked = (orders.asked_seq, evidence.venue_time_ms)
            self._adopt_orders(evidence, orders, fills is not None)
        if fills is not None:
            self._book.pass_by(evidence.account, fills.asked_seq)
            self._external.pass_by(evidence.account, fills.asked_seq)
        if orders is None or not is_complete(evidence, account.began_seq):
            return False
        self._desk.statement_done(evidence.account)
        if not account.is_open and self._asks_opening(evidence):
            return False
        account.is_open = account.has_baseline = True
        account.reconciled = True
        account.disagrees_since = None  # the ledger judges this statement next, and says so again if it does
        self._desk.send(
            AccountReconciled(ts_event=self._desk.now, account=evidence.account, asked_seq=orders.asked_seq)
        )
        return True

    def _has_booked(self, account: str, fill: VenueFill) -> bool:
        """Whether a fill of the venue's history is no news; most of any statement is not."""
        if fill.revision:
            return self._life.corrections.is_old(fill.report(account))
        order = self._book.get(fill.client_order_id) if fill.client_order_id is not None else None
        if order is None or order.venue_order_id != fill.venue_order_id:
            return False
        return f"{fill.venue_order_id}/{fill.trade_id}" in order.trades

    def _take_correction(self, report: FillReport) -> None:
        """A later word is never a fill of its own; on what is forgotten, balances will differ."""
        if self._life.corrections.knows(report) or self._external.knows(report):
            self._take_report(report)

    def _is_ours(self, report: FillReport) -> bool:
        """Whether a fill belongs to an order of ours, or may turn out to."""
        return self._book.find(report) is not None or self._book.has_unnamed(
            report.account, report.instrument
        )

    # books that are new on an account that is not

    def _asks_opening(self, evidence: AccountEvidence) -> bool:
        """Whether the operator must say first that what the account shows is where we begin."""
        account = self._desk.accounts[evidence.account]
        asked_about = self._opening.get(evidence.account)
        if asked_about is None:
            return False
        if account.opening_told:
            return True  # a later statement reads less of the history and may show none of it any more
        signs = opening_signs(evidence, self._book, self._desk.instruments, asked_about)
        if not signs:
            return False
        account.opening_told = True
        more = f"; and {len(signs) - SIGNS_SHOWN} more" if len(signs) > SIGNS_SHOWN else ""
        self._desk.send(
            DifferenceFound(
                ts_event=self._desk.now,
                account=evidence.account,
                kind="opening",
                subject=evidence.account,
                ours="no books yet",
                venue="; ".join(signs[:SIGNS_SHOWN]) + more,
            )
        )
        return True

    def accept_opening(self, name: str) -> None:
        """The operator has said so: the next statement opens the books."""
        self._desk.accounts[name].is_open = True
        self._desk.ask_account(name)

    # orders

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
        self._show_strangers(evidence.account, findings.foreign, findings.by_hand)

    def _show_strangers(self, account: str, foreign: list[VenueOrder], by_hand: list[VenueOrder]) -> None:
        """Orders that are not ours, each told once."""
        self.unclaimed[account] = [*foreign, *by_hand]
        for line in (*foreign, *by_hand):
            key = f"{account} {line.client_order_id or line.venue_order_id}"
            if key in self._strangers:
                continue
            self._strangers[key] = None
            if len(self._strangers) > STRANGERS_MAX:
                del self._strangers[next(iter(self._strangers))]
            if line in foreign:
                self._events.foreign(
                    account, line.instrument, line.client_order_id or "", line.venue_order_id
                )
            else:
                self._events.by_hand(account, line)

    # state

    def snapshot(self) -> list[str]:
        """Orders told as not ours."""
        return list(self._strangers)

    def restore(self, strangers: list[str]) -> None:
        """Take a checkpoint's."""
        self._strangers = dict.fromkeys(strangers)
