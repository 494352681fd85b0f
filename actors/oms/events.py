"""The settled facts that the OMS tells everybody, made from an order and what is now certain of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from msgspec.structs import replace

from actors.messages.account import DifferenceFound, ExternalFillMoved, ExternalFillShown, VenueOrder
from actors.messages.orders import (
    Command,
    CommandRefused,
    FillReport,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
)
from actors.model.ids import is_panic_id, looks_like_tickerd
from actors.oms.desk import Desk
from actors.oms.liquidation import liquidated
from actors.oms.order import Claim, Order


class OrderEvents:
    """Sends events about orders."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def send(self, order: Order, event: type[OrderFact], **fields: Any) -> None:
        """One event, with the order's identity filled in."""
        terms = order.terms
        self._desk.send(
            event(
                ts_event=self._desk.now,
                client_order_id=terms.client_order_id,
                account=terms.account,
                strategy=terms.strategy,
                instrument=terms.instrument,
                **fields,
            )
        )

    def accepted(self, order: Order) -> None:
        """The venue has it. Every order passes here and in `filled`, so both are written out."""
        terms = order.terms
        self._desk.send(
            OrderAccepted(
                ts_event=self._desk.now,
                client_order_id=terms.client_order_id,
                account=terms.account,
                strategy=terms.strategy,
                instrument=terms.instrument,
                venue_order_id=order.venue_order_id or "",
            )
        )

    def filled(self, order: Order, fill: FillReport, remaining: Decimal) -> None:
        """One execution, already counted in the order."""
        terms = order.terms
        filled = OrderFilled(
            ts_event=fill.ts_event,
            client_order_id=terms.client_order_id,
            account=terms.account,
            strategy=terms.strategy,
            instrument=terms.instrument,
            venue_order_id=fill.venue_order_id or order.venue_order_id or "",
            trade_id=fill.trade_id,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            fee_currency=fill.fee_currency,
            liquidity=fill.liquidity,
            remaining=remaining,
            mid_price=order.mid_price,
        )
        if fill.revision or not fill.fee_known:  # apart: of over fifteen names CPython makes a dictionary
            filled = replace(filled, revision=fill.revision, fee_known=fill.fee_known)
        self._desk.send(filled)

    def ended(self, order: Order, claim: Claim) -> None:
        """The terminal event; every fill is booked."""
        if claim.kind == "rejected" and not claim.filled:
            self.send(order, OrderRejected, code=claim.code, text=claim.text)
        elif claim.kind == "expired":
            self.send(order, OrderExpired, filled_quantity=claim.filled, reason=claim.text)
        else:
            self.send(order, OrderCancelled, filled_quantity=claim.filled)

    def refused(self, order: Order, command: Command, code: str, text: str) -> None:
        """A cancel or replace did not take place."""
        self.send(order, CommandRefused, command=command, code=code, text=text)
        if order.state == "unknown":  # this refusal settles nothing of what is open about the order
            awaiting = order.awaiting if order.awaiting == "replace" else "submit"
            self.send(order, OrderOutcomeUnknown, command=awaiting, reason="STILL_UNKNOWN")

    def differ(
        self,
        order: Order,
        kind: Literal["position", "foreign_order", "order_missing"],
        ours: str,
        venue: str,
    ) -> None:
        """The venue says something of an order that our record rules out."""
        self._differ(
            order.terms.account, kind, order.terms.instrument, f"{order.terms.client_order_id} {ours}", venue
        )

    def external(self, fill: FillReport) -> None:
        """A fill of an order that is not ours; one by which the venue has closed our position is."""
        if fill.liquidity == "liquidation":
            fills = liquidated(fill, self._desk.holders(fill.account, fill.instrument))
            for part in fills:
                self._desk.send(part)
            if fills:
                return
        self.external_shown(fill)
        if not fill.quantity or self._tell_lost(fill):
            return
        foreign = fill.client_order_id is not None and looks_like_tickerd(fill.client_order_id)
        self._differ(
            fill.account,
            "foreign_order" if foreign else "external_fill",
            fill.instrument,
            "",
            f"trade {fill.trade_id}: {fill.side} {fill.quantity} of order {fill.venue_order_id}",
        )

    def external_shown(self, fill: FillReport) -> None:
        """Book it as somebody else's, or ours where `tickerd panic` has made it; nothing if it was busted."""
        if fill.instrument in self._desk.instruments and fill.quantity:
            is_panic = is_panic_id(fill.client_order_id or "")
            self._desk.send(ExternalFillShown(**_external_of(fill), closes_ours=is_panic))

    def _tell_lost(self, fill: FillReport) -> bool:
        """Whether it may be a fill that a backup came too early for; said once of each instrument."""
        account = self._desk.accounts[fill.account]
        if fill.ts_event > account.lost_until:
            return False
        if fill.instrument not in account.lost_told:
            account.lost_told = (*account.lost_told, fill.instrument)
            venue = f"fills after the backup that may be store {account.lost_stores[-1]}'s, the first: "
            venue += f"trade {fill.trade_id}, {fill.side} {fill.quantity} of order {fill.venue_order_id}"
            self._differ(fill.account, "foreign_order", fill.instrument, "", venue)
        return True

    def external_moved(self, fill: FillReport) -> None:
        """A fill shown as external has an order of ours after all."""
        if fill.instrument in self._desk.instruments and fill.quantity:
            self._desk.send(ExternalFillMoved(**_external_of(fill)))

    def by_hand(self, account: str, line: VenueOrder) -> None:
        """An order that no tickerd has made."""
        price = "market" if line.price is None else f"at {line.price}"
        self._differ(
            account,
            "external_order",
            line.instrument,
            "",
            f"order {line.venue_order_id}: {line.side} {line.quantity} {price}, {line.filled_quantity} done",
        )

    def foreign(
        self, account: str, instrument: str, client_order_id: str, venue_order_id: str | None
    ) -> None:
        """An order under an id as we make them that our books do not know."""
        self._differ(account, "foreign_order", instrument, "", f"{client_order_id}, order {venue_order_id}")

    def _differ(self, account: str, kind: Any, subject: str, ours: str, venue: str) -> None:
        self._desk.send(
            DifferenceFound(
                ts_event=self._desk.now, account=account, kind=kind, subject=subject, ours=ours, venue=venue
            )
        )


def _external_of(fill: FillReport) -> dict[str, Any]:
    return {
        "ts_event": fill.ts_event,
        "account": fill.account,
        "instrument": fill.instrument,
        "venue_order_id": fill.venue_order_id or "",
        "trade_id": fill.trade_id,
        "side": fill.side,
        "quantity": fill.quantity,
        "price": fill.price,
        "fee": fill.fee,
        "fee_currency": fill.fee_currency,
    }
