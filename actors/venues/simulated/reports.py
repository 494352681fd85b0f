"""Engine events and orders as the messages that every venue speaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actors.messages.account import VenueFill, VenueOrder
from actors.messages.clearing import AdjustReport
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    ExpiryReport,
    RejectReport,
    ReplaceReport,
    StatusReport,
)
from actors.messages.venue import VenueAnswer
from actors.venues.simulated.events import (
    Accepted,
    Adjusted,
    Cancelled,
    Expired,
    Filled,
    Rejected,
    Replaced,
    Triggered,
    VenueEvent,
    VenueOrderState,
)


def report_of(event: VenueEvent) -> VenueAnswer | None:
    """The report of an event; None for a trigger, which no report tells of."""
    if isinstance(event, Filled):
        return event.fill.report(event.account)
    if isinstance(event, Accepted):
        return AcceptReport(
            ts_event=event.ts,
            account=event.account,
            instrument=event.instrument,
            client_order_id=event.client_order_id or None,
            venue_order_id=event.venue_order_id,
        )
    about: dict[str, Any] = {
        "ts_event": event.ts,
        "account": event.account,
        "instrument": event.instrument,
        "client_order_id": event.client_order_id or None,
        "venue_order_id": event.venue_order_id,
    }
    match event:
        case Rejected():
            return RejectReport(**about, command=event.command, code=event.code, text=event.text)
        case Cancelled():
            return CancelReport(**about, filled_quantity=event.filled_quantity)
        case Expired():
            return ExpiryReport(**about, filled_quantity=event.filled_quantity, reason=event.reason)
        case Replaced():
            return ReplaceReport(
                **about, quantity=event.quantity, price=event.price, stop_price=event.stop_price
            )
        case Adjusted():
            return AdjustReport(
                **about, quantity=event.quantity, price=event.price, stop_price=event.stop_price,
                trail=event.trail, limit_offset=event.limit_offset,
            )  # fmt: skip
        case Triggered():
            return None
    raise TypeError(f"no report for {type(event).__name__}")


def order_reports(
    account: str, instrument: str, order: VenueOrderState, fills: Iterable[VenueFill], now: int
) -> list[VenueAnswer]:
    """What became of an order: its fills, then its status."""
    answers: list[VenueAnswer] = [fill.report(account) for fill in fills]
    answers.append(
        StatusReport(
            ts_event=now,
            account=account,
            instrument=instrument,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            status=order.status,
            filled_quantity=order.filled_quantity,
            fills_complete=True,
        )
    )
    return answers


def order_evidence(order: VenueOrderState) -> VenueOrder:
    """An order as a statement of the account shows it."""
    return VenueOrder(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        price=None if order.trails else order.price,
        status=order.status,
    )
