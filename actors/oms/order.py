"""One order: its record, its states, and the table that says what each report means in each of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from actors.messages.clearing import AdjustReport
from actors.messages.orders import (
    AcceptReport,
    ApprovedReplace,
    CancelReport,
    Command,
    ExpiryReport,
    FillReport,
    NotSent,
    OrderTerms,
    OutcomeUnknownReport,
    RejectReport,
    ReplaceReport,
    Report,
    StatusReport,
)
from actors.model.money import ZERO
from actors.views.special_terms import successor_of_trail

OrderState = Literal[
    "pending_submit", "accepted", "partially_filled", "pending_cancel", "pending_replace", "unknown",
    "closing", "filled", "cancelled", "rejected", "expired",
]  # fmt: skip
STATES: tuple[OrderState, ...] = (
    "pending_submit", "accepted", "partially_filled", "pending_cancel", "pending_replace", "unknown",
    "closing", "filled", "cancelled", "rejected", "expired",
)  # fmt: skip
CLOSED: tuple[OrderState, ...] = ("filled", "cancelled", "rejected", "expired")
WORKING: tuple[OrderState, ...] = ("accepted", "partially_filled")

EndKind = Literal["filled", "cancelled", "rejected", "expired"]


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A venue's word that an order has ended; it becomes an event once that much is booked."""

    kind: EndKind
    filled: Decimal
    """The venue's final cumulative quantity."""
    code: str = ""
    text: str = ""


class Order(msgspec.Struct, kw_only=True, array_like=True):
    """Everything we know of one order; the worst case it stands for is `quantity_max`."""

    terms: OrderTerms
    """As they hold at the venue: a native replace changes quantity and prices."""
    mid_price: float | None
    created_seq: int
    sent_ms: int
    """The venue's clock in the submit, or in the latest replace."""
    state: OrderState = "pending_submit"
    venue_order_id: str | None = None
    former_venue_ids: tuple[str, ...] = ()
    accepted_seq: int = 0
    """When the venue was first heard to have it; 0 while it was not."""
    filled: Decimal = ZERO
    trades: list[str] = []
    """Keys of the fills booked."""
    awaiting: Command | None = "submit"
    """The one command under way."""
    attempt: int = 1
    """Number of the latest command, so that a deadline knows its own."""
    cancel_wanted: bool = False
    successor: ApprovedReplace | None = None
    """What takes over once the cancel is confirmed."""
    replacing: ApprovedReplace | None = None
    """New terms under way to a venue that changes orders in place."""
    claim: Claim | None = None
    asking: bool = False
    """The venue is being asked what became of it."""
    asks: int = 0
    asked_ms: int | None = None
    """The venue's clock at the oldest question without an answer."""
    absent_ms: int | None = None
    """When the first counting answer that does not know the order was asked for, by our own clock."""
    terms_seq: int = 0
    """When the terms last changed in place."""
    missing: int = 0
    """Complete statements in a row that do not list it although it was accepted before."""
    unknown_at: int = 0
    deadline_timer: int = 0
    settle_timer: int = 0
    closed_seq: int = 0
    passed: int = 0
    """Completed paged queries since it closed."""
    reported_late: bool = False
    asked_at: int = 0
    """When the question of `asked_ms` was asked, by our own clock: the venue's may jump."""
    corrected: Decimal = ZERO
    """What corrections have changed `filled` by; not every venue counts them in what it says was filled."""

    @property
    def quantity_max(self) -> Decimal:
        """The largest total quantity the venue may be working on."""
        if self.replacing is None:
            return self.terms.quantity
        return max(self.terms.quantity, self.replacing.quantity)

    @property
    def remaining(self) -> Decimal:
        """What may still fill, at worst; 0 once closed."""
        if self.closed_seq:
            return ZERO
        open_quantity = (self.terms.quantity if self.replacing is None else self.quantity_max) - self.filled
        return open_quantity if open_quantity > ZERO else ZERO

    @property
    def filled_most(self) -> Decimal:
        """What a venue may say was filled without knowing more than we do."""
        return max(self.filled, self.filled - self.corrected)

    @property
    def is_question_open(self) -> bool:
        """Whether the venue is about to say more of it than any list can."""
        return self.asking and (self.asks == 0 or self.asked_ms is not None)

    @property
    def is_closed(self) -> bool:
        """Whether its terminal event was sent."""
        return self.closed_seq > 0

    @property
    def working_state(self) -> OrderState:
        """The state of an order that works at the venue with no command under way."""
        return "partially_filled" if self.filled else "accepted"


ReportKind = Literal[
    "accept", "fill", "cancel", "expiry", "replace", "adjust",
    "reject_submit", "reject_cancel", "reject_replace",
    "status_live", "status_closed", "status_not_found",
    "unsure_submit", "unsure_cancel", "unsure_replace",
    "unsent_submit", "unsent_cancel", "unsent_replace",
]  # fmt: skip

Action = Literal[
    "confirm", "book", "book_late", "end", "check_end", "replaced", "refuse_cancel", "refuse_replace",
    "settle", "check_gap", "redrive", "weigh", "vanish", "ask_on", "doubt", "alarm",
    "unsent", "adjust", "-",
]  # fmt: skip

UNCERTAIN_CODES = ("DUPLICATE",)
"""Refusals that say the venue already has the order: a question, not an answer."""

# One word per state, in the order of STATES.
_TABLE: dict[ReportKind, str] = {
    # pending_submit accepted partially_filled pending_cancel pending_replace unknown closing
    # filled cancelled rejected expired
    "accept":           "confirm - - - - confirm -   - - alarm -",
    "fill":             "book book book book book book book   book_late book_late book_late book_late",
    "cancel":           "end end end end end end end   check_end check_end check_end check_end",
    "expiry":           "end end end end end end end   check_end check_end check_end check_end",
    "replace":          "- replaced replaced - replaced replaced -   - - - -",
    "adjust":           "adjust adjust adjust adjust adjust adjust adjust   - - - -",
    "reject_submit":    "end end end end end end end   - - - -",
    "reject_cancel":    "- - - refuse_cancel - refuse_cancel -   - - - -",
    "reject_replace":   "- - - - refuse_replace refuse_replace -   - - - -",
    "status_live":      "confirm check_gap check_gap redrive check_gap settle ask_on   - - alarm -",
    "status_closed":    "end end end end end end end   check_end check_end check_end check_end",
    "status_not_found": "- vanish vanish vanish vanish weigh ask_on   - - - -",
    "unsure_submit":    "doubt - - - - - -   - - - -",
    "unsure_cancel":    "- - - doubt - - -   - - - -",
    "unsure_replace":   "- - - - doubt - -   - - - -",
    "unsent_submit":    "unsent - - - - unsent -   - - - -",
    "unsent_cancel":    "- - - refuse_cancel - refuse_cancel -   - - - -",
    "unsent_replace":   "- - - - refuse_replace refuse_replace -   - - - -",
}  # fmt: skip

ACTIONS: dict[ReportKind, dict[OrderState, Action]] = {
    kind: msgspec.convert(dict(zip(STATES, row.split(), strict=True)), dict[OrderState, Action])
    for kind, row in _TABLE.items()
}
"""What a report of a kind does to an order in a state; `-` is nothing."""

PLAIN: dict[type[Report], ReportKind] = {
    AcceptReport: "accept",
    FillReport: "fill",
    CancelReport: "cancel",
    ExpiryReport: "expiry",
    ReplaceReport: "replace",
    AdjustReport: "adjust",
}
"""Reports that have one row each."""
_REJECTED: dict[Command, ReportKind] = {
    "submit": "reject_submit", "cancel": "reject_cancel", "replace": "reject_replace",
}  # fmt: skip
_UNSURE: dict[Command, ReportKind] = {
    "submit": "unsure_submit", "cancel": "unsure_cancel", "replace": "unsure_replace",
}  # fmt: skip
_UNSENT: dict[Command, ReportKind] = {
    "submit": "unsent_submit", "cancel": "unsent_cancel", "replace": "unsent_replace",
}  # fmt: skip


def kind_of(report: Report) -> ReportKind:
    """The row of the table that a report belongs to."""
    plain = PLAIN.get(type(report))
    if plain is not None:
        return plain
    match report:
        case RejectReport(command="submit", code=code) if code in UNCERTAIN_CODES:
            return "unsure_submit"
        case RejectReport(command=command):
            return _REJECTED[command]
        case OutcomeUnknownReport(command=command):
            return _UNSURE[command]
        case NotSent(command=command):
            return _UNSENT[command]
        case StatusReport(status="accepted" | "partially_filled"):
            return "status_live"
        case StatusReport(status="not_found"):
            return "status_not_found"
        case StatusReport():
            return "status_closed"
    raise TypeError(f"{type(report).__name__} has no row in the order table; add one")


def claim_of(report: Report) -> Claim:
    """What a report that ends an order says of its end.

    Raises:
        TypeError: The report ends nothing.
    """
    match report:
        case CancelReport(filled_quantity=filled):
            return Claim("cancelled", filled)
        case ExpiryReport(filled_quantity=filled, reason=reason):
            return Claim("expired", filled, text=reason)
        case RejectReport(code=code, text=text):
            return Claim("rejected", ZERO, code, text)
        case NotSent(reason=reason):
            return Claim("rejected", ZERO, "NOT_SENT", reason)
        case StatusReport(
            status="filled" | "cancelled" | "rejected" | "expired" as status, filled_quantity=filled
        ):
            return Claim(status, filled, "REJECTED", "as the venue answered when asked")
    raise TypeError(f"{type(report).__name__} does not end an order")


def refusal_of(report: RejectReport | NotSent) -> tuple[str, str]:
    """Code and text of a command that certainly did not take place."""
    if isinstance(report, RejectReport):
        return report.code, report.text
    return "NOT_SENT", report.reason


def successor_terms(order: Order, wanted: ApprovedReplace, remainder: Decimal) -> OrderTerms:
    """The order that takes over what a replace left of its predecessor."""
    special = order.terms.special
    if special is not None:  # it goes alone: nothing follows that it would have to wait for
        special = msgspec.structs.replace(special, more_follow=False)
    terms = msgspec.structs.replace(
        order.terms,
        client_order_id=wanted.new_client_order_id,
        quantity=remainder,
        price=wanted.price,
        stop_price=wanted.stop_price,
        replaces=order.terms.client_order_id,
        special=special,
    )
    return successor_of_trail(terms, wanted.trail)
