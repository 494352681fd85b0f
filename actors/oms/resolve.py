"""Orders that the operator settles on his own evidence, because no venue can answer for them any more."""

from __future__ import annotations

from typing import Any

from actors.messages.approvals import ApprovalAsked, ApprovalSettled, ApprovalWithdrawn
from actors.messages.control import ResolveOrder
from actors.messages.orders import CancelReport, ExpiryReport, FillReport, RejectReport, Report
from actors.model.money import ZERO
from actors.oms.book import OrderBook
from actors.oms.desk import Desk
from actors.oms.life import OrderLife
from actors.oms.order import Order

RESOLVABLE = ("unknown", "closing")
"""Everything else the venue still answers for by itself."""


def waits_already(approval_id: str) -> str:
    """What is approved must be what was read: nothing takes the place of a question under its name."""
    return (
        f"{approval_id} waits already: confirm that with `tickerd ctl approve {approval_id}`, "
        "or refuse it with --refuse and ask again"
    )


class Resolutions:
    """Waits for the second command, then tells the order what the venue would have told."""

    def __init__(self, desk: Desk, book: OrderBook, life: OrderLife) -> None:
        self._desk = desk
        self._book = book
        self._life = life
        self.waiting: dict[str, ResolveOrder] = {}
        """By approval; not to be changed from outside."""

    def ask(self, command: ResolveOrder) -> tuple[bool, str]:
        """Check what is wanted and ask for the approval; whether it can be, and one sentence."""
        order = self._book.get(command.client_order_id)
        refusal = self._refusal(command, order)
        if refusal or order is None:
            return False, refusal
        approval_id = f"order-{command.client_order_id}"
        if approval_id in self.waiting:
            return False, waits_already(approval_id)
        self.waiting[approval_id] = command
        what = f"settle order {command.client_order_id} ({order.state}, {order.filled} filled) as "
        what += f"{command.outcome}" + (f" at {command.price}" if command.price is not None else "")
        self._desk.send(
            ApprovalAsked(
                ts_event=self._desk.now,
                approval_id=approval_id,
                what=f"{what}: {command.evidence}",
                asked_by=command.by,
            )
        )
        return True, f"waits for approval {approval_id}: {what}"

    def _refusal(self, command: ResolveOrder, order: Order | None) -> str:
        name = command.client_order_id
        if order is None:
            return f"there is no order {name}; see `tickerd ctl orders`"
        if order.state not in RESOLVABLE:
            return f"order {name} is {order.state}: only what is unknown can be settled by hand"
        if not command.evidence.strip():
            return "say what proves it: --evidence TEXT"
        if command.outcome == "filled" and command.price is None:
            return "name the price it was filled at: --price"
        if command.outcome != "filled" and command.price is not None:
            return f"an order that is settled as {command.outcome} has no price: leave --price out"
        if command.outcome == "rejected" and order.filled:
            return f"{order.filled} of order {name} are filled: it was not rejected; say cancelled or expired"
        return ""

    def withdraw_answered(self) -> None:
        """Take back what the venue has answered by itself since it was asked."""
        for approval_id, command in list(self.waiting.items()):
            order = self._book.get(command.client_order_id)
            if order is not None and order.state in RESOLVABLE:
                continue
            del self.waiting[approval_id]
            state = "gone" if order is None else f"{order.state}, {order.filled} filled"
            self._desk.send(
                ApprovalWithdrawn(
                    ts_event=self._desk.now,
                    approval_id=approval_id,
                    why=f"the venue has answered: order {command.client_order_id} is {state}",
                )
            )

    def settled(self, settled: ApprovalSettled) -> None:
        """The second command has come, or what was asked for is void."""
        command = self.waiting.pop(settled.approval_id, None)
        order = self._book.get(command.client_order_id) if command is not None else None
        if command is None or order is None or not settled.is_granted:
            return
        order.claim = None  # what the venue counted and never showed is what the operator overrules
        self._life.apply(order, self._report(command, order))

    def _report(self, command: ResolveOrder, order: Order) -> Report:
        terms = order.terms
        about: dict[str, Any] = {
            "ts_event": self._desk.now,
            "account": terms.account,
            "instrument": terms.instrument,
            "client_order_id": terms.client_order_id,
            "venue_order_id": order.venue_order_id,
        }
        text = f"by {command.by}: {command.evidence}"
        match command.outcome:
            case "filled":
                assert command.price is not None, "checked when it was asked for"
                return FillReport(
                    **about,
                    trade_id=f"operator-{command.command_id}",
                    side=terms.side,
                    quantity=order.remaining,
                    price=command.price,
                    fee=ZERO,
                    fee_currency=self._desk.instruments[terms.instrument].quote,
                    liquidity="unknown",
                )
            case "cancelled":
                return CancelReport(**about, filled_quantity=order.filled)
            case "expired":
                return ExpiryReport(**about, filled_quantity=order.filled, reason=text)
            case "rejected":
                return RejectReport(**about, command="submit", code="OPERATOR", text=text)

    def snapshot(self) -> dict[str, ResolveOrder]:
        """What waits, for the checkpoint."""
        return dict(self.waiting)

    def restore(self, waiting: dict[str, ResolveOrder]) -> None:
        """Take a checkpoint's."""
        self.waiting = dict(waiting)
