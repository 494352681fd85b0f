"""The life of an order: wishes, approvals, commands to a venue, a venue's claims, and the settled facts."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.messages.base import Message
from actors.messages.terms import TRAILING as TRAILING
from actors.messages.terms import OcaKind as OcaKind
from actors.messages.terms import OrderTerms as OrderTerms
from actors.messages.terms import OrderType as OrderType
from actors.messages.terms import Side as Side
from actors.messages.terms import SpecialTerms as SpecialTerms
from actors.messages.terms import TimeInForce as TimeInForce
from actors.messages.terms import Urgency as Urgency

Direction = Literal["long", "short", "flat"]
Liquidity = Literal["maker", "taker", "liquidation", "unknown"]
"""`liquidation`: the venue itself closed a part of the position; no order of ours has asked for it."""
Command = Literal["submit", "cancel", "replace"]
VenueStatus = Literal[
    "accepted", "partially_filled", "filled", "cancelled", "rejected", "expired", "not_found"
]


# strategies → portfolio → risk → oms


class Signal(Message, frozen=True, kw_only=True):
    """Data: strategy → portfolio. A wanted exposure; the portfolio decides how much that is."""

    strategy: str
    instrument: str
    direction: Direction
    strength: float = 1.0
    """Fraction of the configured size, 0..1."""
    target_weight: float | None = None
    """Signed fraction of equity; overrides the configured sizing when given."""
    tag: str | None = None
    """Of the orders that come of it."""


class OrderRequest(Message, frozen=True, kw_only=True):
    """Command: strategy → portfolio. An exact wish."""

    terms: OrderTerms
    children: tuple[OrderTerms, ...] = ()
    """Orders of a bracket that work once `terms` has filled; all are passed on, or none."""


class OrderIntent(Message, frozen=True, kw_only=True):
    """Command: portfolio → risk. A sized order that asks for approval."""

    terms: OrderTerms
    mid_price: float | None
    """Mid at the decision, quote per base; None when no price is known."""
    children: tuple[OrderTerms, ...] = ()
    """Of a bracket: all are approved, or none."""


class ApprovedOrder(Message, frozen=True, kw_only=True):
    """Command: risk → OMS. Good only in the step that gave it."""

    terms: OrderTerms
    mid_price: float | None


class CancelRequest(Message, frozen=True, kw_only=True):
    """Command: strategy → OMS. Also what goals and the operator send."""

    client_order_id: str
    reason: str


class ReplaceRequest(Message, frozen=True, kw_only=True):
    """Command: strategy → risk. New quantity (total, not remaining), prices and trail for an open order."""

    client_order_id: str
    new_client_order_id: str
    """Name of the successor where the venue cannot change an order in place."""
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None = None
    trail: Decimal | None = None


class ApprovedReplace(Message, frozen=True, kw_only=True):
    """Command: risk → OMS. Good only in the step that gave it."""

    client_order_id: str
    new_client_order_id: str
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None = None
    trail: Decimal | None = None


class ReplaceReady(Message, frozen=True, kw_only=True):
    """Command: OMS → risk. The old order is gone for certain; its successor asks for approval now."""

    terms: OrderTerms


class OrderDenied(Message, frozen=True, kw_only=True):
    """Event: risk, portfolio or OMS → all. Refused by us; nothing was sent."""

    client_order_id: str
    account: str
    strategy: str
    instrument: str
    code: str
    """Stable, upper case: `ORDER_NOTIONAL_EXCEEDS_MAX`."""
    figures: str
    """What was compared: `notional=1100, max=1000`."""

    @property
    def reason(self) -> str:
        """Code and figures in one line."""
        return f"{self.code}: {self.figures}" if self.figures else self.code


# OMS → venue


class VenueCommand(Message, frozen=True, kw_only=True):
    """Command: OMS → the broker of `account`; leaves only after its step is on the tape."""

    account: str
    instrument: str
    client_order_id: str
    venue_timestamp_ms: int
    """The venue's clock at the decision; the edge signs exactly this and never re-stamps."""
    receive_window_ms: int


class SubmitOrder(VenueCommand, frozen=True, kw_only=True):
    """Command: place this order, once."""

    terms: OrderTerms


class OrderRecovered(Message, frozen=True, kw_only=True):
    """Input: recovery → OMS, risk, strategies. The record shows this order as sent, running it again did not
    make it: the record wins, and what became of the order is unknown. Also OMS → all, about an order that the
    operator has assigned."""

    terms: OrderTerms
    sent_ms: int
    """The venue's clock in the recorded submit."""
    venue_order_id: str | None = None
    """Where it is known."""


class CancelOrder(VenueCommand, frozen=True, kw_only=True):
    """Command: cancel what is left of this order."""

    venue_order_id: str | None


class ReplaceOrder(VenueCommand, frozen=True, kw_only=True):
    """Command: change this order in place, only at venues that can."""

    venue_order_id: str
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None = None


class QueryOrder(VenueCommand, frozen=True, kw_only=True):
    """Command: say what became of this order, its fills included."""

    venue_order_id: str | None


class QueryAccount(Message, frozen=True, kw_only=True):
    """Command: OMS → broker. Give orders, fills, balances and positions as `AccountEvidence`."""

    account: str
    asked_seq: int
    """The sequence number at which this was asked; comes back with the answer."""
    fills_after: dict[str, str]
    """Per instrument the trade id up to which fills are known from completed queries ("" = none)."""
    transfers_since: int | None = None
    """Give the history of transfers from here on too, nanoseconds UTC; None while nothing is unexplained."""
    fees_wanted: tuple[str, ...] = ()
    """Trade ids whose fee was never told: to be told again as soon as it is known."""


# venue → OMS: raw claims


class Report(Message, frozen=True, kw_only=True):
    """Data: what a venue claims about one order before the OMS has settled it."""

    account: str
    instrument: str
    client_order_id: str | None
    venue_order_id: str | None


class AcceptReport(Report, frozen=True, kw_only=True):
    """Data: the venue has taken the order."""


class RejectReport(Report, frozen=True, kw_only=True):
    """Data: the venue has certainly refused this command."""

    command: Command
    code: str
    text: str


class FillReport(Report, frozen=True, kw_only=True):
    """Data: one execution."""

    trade_id: str
    """Unique only together with account, instrument and venue order id."""
    side: Side
    quantity: Decimal
    """0 says that the execution was busted."""
    price: Decimal
    fee: Decimal
    """In `fee_currency`, > 0 is a cost."""
    fee_currency: str
    liquidity: Liquidity
    revision: int = 0
    """Grows with every later word of the venue on this execution, which replaces all words before; 0 where a
    venue never has a later word."""
    fee_known: bool = True
    """False when the venue has not told the fee: what was known before stands, else `fee` is a guess."""


class CancelReport(Report, frozen=True, kw_only=True):
    """Data: the order is cancelled."""

    filled_quantity: Decimal
    """The venue's final cumulative quantity."""


class ReplaceReport(Report, frozen=True, kw_only=True):
    """Data: the order was changed in place."""

    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None = None


class ExpiryReport(Report, frozen=True, kw_only=True):
    """Data: the venue ended the order (IOC remainder, end of day, self-trade prevention)."""

    filled_quantity: Decimal
    reason: str


class StatusReport(Report, frozen=True, kw_only=True):
    """Data: answer to `QueryOrder`; `not_found` is a claim like any other, and no proof."""

    status: VenueStatus
    filled_quantity: Decimal
    fills_complete: bool
    """True when every fill of the order was reported before this message."""


class OutcomeUnknownReport(Report, frozen=True, kw_only=True):
    """Data: a command was sent and no certain answer came."""

    command: Command
    reason: str


class NotSent(Report, frozen=True, kw_only=True):
    """Data: not one byte of this command has left the process."""

    command: Command
    reason: str


# OMS → all: settled facts


class OrderFact(Message, frozen=True, kw_only=True):
    """Event: OMS → all, about one order of ours."""

    client_order_id: str
    account: str
    strategy: str
    instrument: str


class OrderAccepted(OrderFact, frozen=True, kw_only=True):
    """Event: the order rests or works at the venue."""

    venue_order_id: str


class OrderRejected(OrderFact, frozen=True, kw_only=True):
    """Event: terminal; the venue refused the order, or provably never received it (`NOT_RECEIVED`)."""

    code: str
    text: str


class OrderFilled(OrderFact, frozen=True, kw_only=True):
    """Event: one execution of part or all of an order."""

    venue_order_id: str
    trade_id: str
    side: Side
    quantity: Decimal
    """Base units or contracts, > 0, whole lots."""
    price: Decimal
    """Quote per base unit, whole ticks."""
    fee: Decimal
    """In `fee_currency` (any asset: BTC, BNB, USD), > 0 is a cost."""
    fee_currency: str
    liquidity: Liquidity
    remaining: Decimal
    """Quantity still open after this fill; 0 makes it the order's terminal event."""
    mid_price: float | None
    """Mid when the order was decided, for slippage; None when unknown."""
    revision: int = 0
    """As in `FillReport`; above 0 a `FillCorrected` may follow."""
    fee_known: bool = True
    """False when `fee` is a guess until a `FillCorrected` tells it."""


class OrderCancelled(OrderFact, frozen=True, kw_only=True):
    """Event: terminal; cancelled, with every fill booked before."""

    filled_quantity: Decimal


class OrderReplaced(OrderFact, frozen=True, kw_only=True):
    """Event: changed in place; the old terms no longer hold."""

    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None = None
    limit_offset: Decimal | None = None


class OrderExpired(OrderFact, frozen=True, kw_only=True):
    """Event: terminal; ended by the venue, with every fill booked before."""

    filled_quantity: Decimal
    reason: str


class OrderOutcomeUnknown(OrderFact, frozen=True, kw_only=True):
    """Event: a submit or replace has no certain answer; it holds its risk until the venue settles it."""

    command: Command
    reason: str


class CommandRefused(OrderFact, frozen=True, kw_only=True):
    """Event: a cancel or replace did not take place; the order itself goes on as it was."""

    command: Command
    code: str
    text: str


OrderEvent = (
    OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderCancelled
    | OrderReplaced
    | OrderExpired
    | OrderOutcomeUnknown
    | CommandRefused
    | OrderDenied
)
