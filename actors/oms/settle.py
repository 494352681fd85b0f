"""Unknown outcomes: when the venue is asked, and what proves that it never received an order."""

from __future__ import annotations

from actors.model.venue_rules import VenueRules
from actors.oms.order import Order

MS = 1_000_000


def pause_ns(rules: VenueRules, asks: int) -> int:
    """Pause before the question after `asks` questions; the last pause repeats."""
    delays = rules.query_delays_ms
    return delays[min(asks, len(delays) - 1)] * MS


def still_acceptable_until_ms(order: Order, rules: VenueRules) -> int:
    """The venue's clock up to which the latest command of the order might still take effect."""
    return order.sent_ms + rules.receive_window_ms + rules.clock_margin_ms


def was_never_received(order: Order, rules: VenueRules) -> bool:
    """Weigh one answer that does not know an order; True when it completes the proof.

    Where a venue sets no bound to how late a request may take effect, no absence proves anything.

    An answer counts when it was asked for after the request could last be accepted. Two that count, asked
    for at least the venue's gap apart with no sign of life between them, prove it. A late answer is taken
    for the oldest open question, so it never counts as fresher than it is.
    """
    asked_ms, order.asked_ms = order.asked_ms, None
    if not rules.receive_window_ms:
        return False
    if order.venue_order_id is not None or order.awaiting != "submit" or asked_ms is None:
        return False
    if asked_ms <= still_acceptable_until_ms(order, rules):
        return False
    if order.absent_ms is None:
        order.absent_ms = order.asked_at // MS
        return False
    # The gap is waited for: a venue clock that is set does not shorten it.
    return order.asked_at // MS - order.absent_ms >= rules.not_received_gap_ms
