"""What the core must know of Interactive Brokers' order protocol."""

from __future__ import annotations

from actors.model.venue_rules import VenueRules

SEND_WITHIN_MS = 5_000
"""Older than that nothing is sent any more; IB itself knows no such bound."""

IB_RULES = VenueRules(
    venue="ib",
    native_replace=True,
    receive_window_ms=0,
    clock_margin_ms=3_000,
    answer_deadline_ms=6_000,
    # An order may lie unseen in a gateway's dialog for seconds.
    not_received_gap_ms=10_000,
    query_delays_ms=(500, 2_000, 5_000, 10_000),
    is_cash_account=False,
)
