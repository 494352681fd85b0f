"""Timers of simulated venues: what travels to them and back, and what ends there by itself."""

from __future__ import annotations

from actors.messages.account import AccountEvidence
from actors.messages.clearing import AdjustReport
from actors.messages.control import Timer
from actors.messages.margin import MarginAnswered, QueryMargin
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    CancelReport,
    ExpiryReport,
    FillReport,
    QueryAccount,
    QueryOrder,
    RejectReport,
    ReplaceOrder,
    ReplaceReport,
    StatusReport,
    SubmitOrder,
)


class VenueArrival(Timer, frozen=True, kw_only=True):
    """Simulated venue: a command has travelled and takes effect now."""

    command: SubmitOrder | CancelOrder | ReplaceOrder | QueryOrder | QueryAccount | QueryMargin


VenueAnswer = (
    AcceptReport
    | RejectReport
    | FillReport
    | CancelReport
    | ReplaceReport
    | AdjustReport
    | ExpiryReport
    | StatusReport
    | AccountEvidence
    | MarginAnswered
)


class VenueReply(Timer, frozen=True, kw_only=True):
    """Simulated venue: its answer has travelled back and is known now."""

    answer: VenueAnswer


class VenueDayEnd(Timer, frozen=True, kw_only=True):
    """Simulated venue: DAY orders of this instrument expire."""

    instrument: str


class VenueGoodTill(Timer, frozen=True, kw_only=True):
    """Simulated venue: this order ends now, if it is still open."""

    account: str
    venue_order_id: str
