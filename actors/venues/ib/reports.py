"""What TWS claims about orders → our reports; and what is known of each order while the line holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import structlog

from actors.core.effects import effect
from actors.messages.base import Message
from actors.messages.clearing import AdjustReport
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    Command,
    FillReport,
    OutcomeUnknownReport,
    RejectReport,
    ReplaceOrder,
    ReplaceReport,
    SubmitOrder,
    VenueCommand,
)
from actors.model.instrument import instrument_id
from actors.venues.ib.claims import Claim, Commission, Complaint, Execution, OpenOrder, OrderStatus
from actors.venues.ib.codes import Meaning, meaning_of
from actors.venues.ib.directory import Directory
from actors.venues.ib.executions import Booked, Executions
from actors.venues.ib.orders import (
    ACCEPTED,
    CANCELLED,
    HAVE_TRAIL,
    LOCATE,
    OCA_REDUCING,
    Known,
    known_from_claim,
    side_of,
    terms_in,
)
from actors.venues.ib.reasons import in_words
from actors.venues.ib.session import Session
from actors.venues.ports import Intake

log = structlog.get_logger(__name__)

ASK_AGAIN_SECONDS = 3.0


class Reports:
    """Takes claims, offers reports."""

    def __init__(
        self,
        *,
        account: str,
        session: Session,
        directory: Directory,
        intake: Intake,
        clock: Callable[[], int],
        account_id: Callable[[], str],
    ) -> None:
        self._account, self._session, self._directory = account, session, directory
        self._intake, self._clock, self._account_id = intake, clock, account_id
        self.executions = Executions()
        self._by_reference: dict[str, Known] = {}
        self._by_perm_id: dict[int, Known] = {}
        self._by_order_id: dict[int, Known] = {}
        """Only of the present line, only our client's."""

    # what the broker does

    def sent(self, known: Known) -> None:
        """An order has been handed over."""
        self._by_reference[known.client_order_id] = known
        self._by_order_id[known.order_id] = known

    def of(self, client_order_id: str, venue_order_id: str | None) -> Known | None:
        """By its reference, then by its permanent id."""
        known = self._by_reference.get(client_order_id)
        if known is None and venue_order_id is not None and venue_order_id.isdigit():
            known = self._by_perm_id.get(int(venue_order_id))
        return known

    def on_down(self) -> None:
        """Order ids mean nothing on the next line until TWS tells them again."""
        self._by_order_id.clear()
        done = [reference for reference, known in self._by_reference.items() if known.is_done]
        for reference in done:
            known = self._by_reference.pop(reference)
            for perm_id in known.perm_ids:
                self._by_perm_id.pop(perm_id, None)
        for known in self._by_reference.values():
            known.order_id, known.pending_replace, known.is_cancelling = 0, None, False

    def forget(self, past: Sequence[Execution]) -> None:
        """Drop executions that the core has long had, and what is known of their orders, which are over."""
        self.executions.forget([execution.key for execution in past])
        for execution in past:
            known = self._by_perm_id.pop(execution.perm_id, None)
            if known is not None and not any(perm_id in self._by_perm_id for perm_id in known.perm_ids):
                self._by_reference.pop(known.client_order_id, None)

    def needs_executions(self) -> bool:
        """Whether a commission is overdue."""
        patience = min(ASK_AGAIN_SECONDS, self._session.settings.commission_seconds)
        return bool(self.executions.overdue(self._now(), patience))

    def give_up_overdue(self) -> None:
        """Book what has waited too long; its cost follows if it ever comes."""
        patience = self._session.settings.commission_seconds
        for execution in self.executions.overdue(self._now(), patience):
            log.error("commission unknown", account=self._account, execution=execution.exec_id)
            self._tell_fill(self.executions.give_up(execution))

    # what TWS says

    def take(self, claim: Claim) -> None:
        """One claim."""
        match claim:
            case OpenOrder() if claim.account == self._account_id():
                self._take_order(claim)
            case OrderStatus():
                self._take_status(claim)
            case Execution() if claim.account == self._account_id():
                self._take_execution(claim)
            case Commission():
                self._tell_fill(self.executions.take_commission(claim))
            case Complaint() if claim.number >= 0:
                self._take_complaint(claim)
            case _:
                pass

    def _take_order(self, claim: OpenOrder) -> None:
        if not claim.order_ref:
            return
        known = self._by_reference.get(claim.order_ref)
        if known is None:
            known = known_from_claim(claim, self.instrument_of(claim.con_id))
            self._by_reference[claim.order_ref] = known
        if claim.client_id == self._session.settings.client_id and claim.order_id > 0:
            known.order_id, known.client_id = claim.order_id, claim.client_id
            self._by_order_id[claim.order_id] = known
            # A restarted TWS gives numbers of live orders out again; a new order under one would change them.
            self._session.never_below(claim.order_id + 1)
        self._learn_perm_id(known, claim.perm_id)
        if claim.status in ACCEPTED:
            self._accept(known)
        if known.order_type in HAVE_TRAIL and claim.trail_stop is not None:
            known.trail_stop = claim.trail_stop
        pending = known.pending_replace
        if pending is not None and terms_in(claim, known) == pending:
            known.pending_replace = None
            known.quantity, known.limit_price, known.stop_price, known.trail = quantity, *prices = pending
            price, stop_price, trail = prices
            self._offer(
                ReplaceReport, known, quantity=quantity, price=price, stop_price=stop_price, trail=trail
            )
        elif pending is None and known.oca_type in OCA_REDUCING and claim.quantity < known.quantity:
            known.quantity = claim.quantity
            self._offer(
                AdjustReport, known, quantity=known.quantity, price=known.limit_price,
                stop_price=known.stop_price,
            )  # fmt: skip

    def _learn_perm_id(self, known: Known, perm_id: int) -> None:
        if not perm_id or perm_id in known.perm_ids:
            return
        if known.perm_ids and not known.is_done:
            log.error("one reference, two live orders", order=known.client_order_id, ids=known.perm_ids)
            text = f"IB has two orders under this reference: {known.perm_ids} and {perm_id}"
            self._offer(OutcomeUnknownReport, known, command="submit", reason=text)
        known.perm_ids.append(perm_id)
        self._by_perm_id[perm_id] = known

    def _accept(self, known: Known) -> None:
        if not known.is_accepted and known.perm_id is not None:
            known.is_accepted = True
            self._offer(AcceptReport, known)

    def _take_status(self, claim: OrderStatus) -> None:
        known = self._by_perm_id.get(claim.perm_id)
        if known is None and claim.client_id == self._session.settings.client_id:
            known = self._by_order_id.get(claim.order_id)
        if known is None or known.is_done:
            return
        self._learn_perm_id(known, claim.perm_id)
        if claim.status in ACCEPTED:
            self._accept(known)
        elif claim.status in CANCELLED:
            known.is_done = True
            self._offer(CancelReport, known, filled_quantity=claim.filled)
        elif claim.status == "Inactive" and claim.why_held != LOCATE and not known.is_accepted:
            known.is_done = True
            self._offer(RejectReport, known, command="submit", code="INACTIVE", text="TWS calls it inactive")

    def _take_execution(self, claim: Execution) -> None:
        known = self._by_perm_id.get(claim.perm_id) or self._by_reference.get(claim.order_ref)
        if known is not None:
            self._learn_perm_id(known, claim.perm_id)
            self._accept(known)
        self._tell_fill(self.executions.take(claim, self._now()))

    def _take_complaint(self, claim: Complaint) -> None:
        known = self._by_order_id.get(claim.number)
        if known is None or known.is_done:
            return
        meaning, text, code = meaning_of(claim.code), in_words(claim.code, claim.text), str(claim.code)
        if meaning in (Meaning.NEWS, Meaning.WARNING, Meaning.CANCELLED, Meaning.FARM_BACK):
            log.info("order notice", order=known.client_order_id, code=claim.code, text=text)
        elif meaning is Meaning.CANCEL_REFUSED or (known.is_cancelling and meaning is Meaning.REFUSED):
            known.is_cancelling = False
            self._offer(RejectReport, known, command="cancel", code=code, text=text)
        elif meaning is Meaning.REFUSED and known.pending_replace is not None:
            known.pending_replace = None
            self._offer(RejectReport, known, command="replace", code=code, text=text)
        elif meaning is Meaning.REFUSED and not known.is_accepted:
            known.is_done = True
            self._offer(RejectReport, known, command="submit", code=code, text=text)
            self.take_back_family(known.parent_id)
        else:
            command: Command = "submit" if known.pending_replace is None else "replace"
            log.warning("order is suspect", order=known.client_order_id, code=claim.code, text=text)
            reason = f"TWS says {text} ({code})"
            self._offer(OutcomeUnknownReport, known, command=command, reason=reason)

    def take_back_family(self, parent_id: int) -> None:
        """A bracket that will not be whole: what TWS holds back of it would wait there for ever."""
        for known in list(self._by_order_id.values()) if parent_id else ():
            is_member = parent_id in (known.order_id, known.parent_id)
            if is_member and not known.is_accepted and not known.is_done and self._session.is_up:
                effect("tws.send cancel of a family")
                self._session.client.cancelOrder(known.order_id)

    # what comes of it

    def instrument_of(self, con_id: int) -> str:
        """Our name of a contract; IB's number where we have none."""
        listed = self._directory.by_con_id(con_id)
        return listed.instrument.id if listed else instrument_id(f"#{con_id}", self._session.venue)

    def fill_report(self, booked: Booked) -> FillReport:
        """An execution with its cost, as the core takes it."""
        execution, commission = booked
        known = self._by_perm_id.get(execution.perm_id)
        listed = self._directory.by_con_id(execution.con_id)
        currency = listed.instrument.quote if listed else ""
        return FillReport(
            ts_event=execution.time_ns, account=self._account,
            instrument=self.instrument_of(execution.con_id),
            client_order_id=execution.order_ref or (known.client_order_id if known else None),
            venue_order_id=str(execution.perm_id), trade_id=execution.key,
            side=side_of(execution.side), quantity=execution.shares, price=execution.price,
            fee=commission.amount if commission else Decimal(0),
            fee_currency=commission.currency if commission else currency,
            liquidity={1: "maker", 2: "taker"}.get(execution.liquidity, "unknown"),  # type: ignore[arg-type]
            revision=booked.word, fee_known=commission is not None,
        )  # fmt: skip

    def _tell_fill(self, booked: Booked | None) -> None:
        """As it happens; what was found by asking is told in the answer, which knows what was told before."""
        if booked is None or not booked.execution.is_live:
            return
        if booked.execution.revision > 1:
            log.warning("execution corrected", account=self._account, execution=booked.execution.exec_id)
        self._intake.offer(self.fill_report(booked))

    def _offer(self, kind: Callable[..., Message], known: Known, **more: Any) -> None:
        self._intake.offer(
            kind(
                ts_event=self._clock(), account=self._account, instrument=known.instrument,
                client_order_id=known.client_order_id,
                venue_order_id=str(known.perm_id) if known.perm_id else None, **more,
            )
        )  # fmt: skip

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def command_kind(command: VenueCommand) -> Command:
    """Which command a report is about."""
    if isinstance(command, SubmitOrder):
        return "submit"
    return "replace" if isinstance(command, ReplaceOrder) else "cancel"
