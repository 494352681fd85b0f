"""Which orders a simulated venue takes."""

from __future__ import annotations

from actors.model.venue_rules import Offer

SIMULATED_OFFER = Offer(
    order_types=("market", "limit", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"),
    times_in_force=("gtc", "ioc", "fok", "day", "gtd"),
    features=("post_only", "oca", "oca_reduce", "bracket"),
)
