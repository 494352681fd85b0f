"""What the core must know of Interactive Brokers' order protocol."""

from __future__ import annotations

from actors.model.venue_rules import Offer, VenueRules
from actors.venues.mortal import USER_TIMEOUT_MS

SEND_WITHIN_MS = 5_000
"""Older than that nothing is sent any more."""

IB_RULES = VenueRules(
    venue="ib",
    native_replace=True,
    # IB has no window of its own. Nothing is handed over later than this, and what TWS has not acknowledged
    # to the kernel by then dies with the line: what it does not show after that, twice, it has never had.
    receive_window_ms=SEND_WITHIN_MS + USER_TIMEOUT_MS,
    clock_margin_ms=3_000,
    answer_deadline_ms=6_000,
    # An order may lie unseen in a gateway's dialog for seconds.
    not_received_gap_ms=10_000,
    query_delays_ms=(500, 2_000, 5_000, 10_000),
    is_cash_account=False,
    offer=Offer(
        order_types=("market", "limit", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"),
        times_in_force=("gtc", "ioc", "fok", "day", "gtd", "opg", "cls"),
        features=("outside_hours", "oca", "oca_reduce", "bracket", "adaptive"),
    ),
)
