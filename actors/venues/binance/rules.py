"""What the core must know of Binance Spot's order protocol."""

from __future__ import annotations

from actors.model.venue_rules import Offer, VenueRules

BINANCE_RULES = VenueRules(
    venue="binance",
    # Its cancel-and-replace ends the old order and can do one half without the other.
    native_replace=False,
    receive_window_ms=5_000,
    # The venue takes a timestamp up to a second ahead of its own clock.
    clock_margin_ms=1_000,
    answer_deadline_ms=6_000,
    # A fresh order has been seen to stay invisible to queries for seconds.
    not_received_gap_ms=30_000,
    query_delays_ms=(250, 1_000, 3_000, 10_000),
    is_cash_account=True,
    offer=Offer(
        order_types=("market", "limit", "stop", "stop_limit"),
        times_in_force=("gtc", "ioc", "fok"),
        features=("post_only",),
    ),
)
