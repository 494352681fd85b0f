"""What the core must know of a venue's order protocol; each venue's folder states its own."""

from __future__ import annotations

from typing import Literal

import msgspec

Feature = Literal["post_only", "outside_hours", "oca", "oca_reduce", "bracket", "adaptive"]
"""What an order may ask for besides its type and its time in force."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a venue takes; whatever else is denied before it is sent."""

    order_types: tuple[str, ...] = ("market", "limit", "stop", "stop_limit")
    times_in_force: tuple[str, ...] = ("gtc", "ioc", "fok", "day")
    features: tuple[Feature, ...] = ("post_only",)


PLAIN_OFFER = Offer()


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """Facts from a venue's documentation that decide what the OMS may conclude."""

    venue: str
    native_replace: bool
    """Whether the venue changes an order in place, keeping its identity."""
    receive_window_ms: int
    """How long after its timestamp a request may still be accepted; 0 where the venue has no such bound."""
    clock_margin_ms: int = 1_000
    answer_deadline_ms: int = 5_000
    """Silence after which a command counts as unanswered."""
    not_received_gap_ms: int = 30_000
    """Least time between the two complete answers that prove an order was never received."""
    query_delays_ms: tuple[int, ...] = (250, 1_000, 3_000, 10_000)
    """Pauses between questions about an order whose outcome is unknown; the last one repeats."""
    is_cash_account: bool = True
    """No short positions: what is sold must be held."""
    offer: Offer = PLAIN_OFFER
