"""What can go wrong in one schedule, and how often: drawn anew for each, most of them fair in most things."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class Weather(NamedTuple):
    """Probabilities, and bounds in milliseconds."""

    lose_request: float
    """A command leaves and never arrives."""
    lose_reply: float
    """It was worked on, and its answer is lost."""
    lose_report: float
    """An event of the account's stream is lost."""
    lose_answer: float
    """A question is never answered."""
    duplicate: float
    """An event of the stream comes twice."""
    slow: float
    """A message takes up to `slow_ms` instead of a few milliseconds."""
    slow_ms: int
    unsure: float
    """The venue answers that it does not know, having done it or not."""
    limited: float
    """The venue turns a command away unread: too many requests."""
    not_sent: float
    """The broker holds a command back."""
    unheard: float
    """The broker says nothing when no answer comes; the core's own deadline must."""
    partial: float
    """A part of a statement has no answer."""
    unnamed: float
    """A fill names the venue's order only."""
    invisible_ms: int
    """So long a fresh order may stay unknown to questions."""
    offset_ms: int
    """The venue's clock minus simulated time."""
    clock_error_ms: int
    """How far a measurement of it may be off."""
    crash_every: int
    """Mean number of boundaries between two deaths of the process; 0 for none."""
    power_loss: bool
    """The account's commands wait for the disk, and the power may fail."""
    disconnects: int
    transfers: int
    """Money comes and goes while all this happens."""
    by_hand: int
    """Orders that somebody else places in the account."""
    fee_currency: str | None
    corrections: int
    """Executions that the venue states anew."""

    @classmethod
    def drawn(cls, random: Random) -> Weather:
        """Swarm testing: each trouble is absent in many schedules, so that the others are met in depth."""

        def some(most: float, often: float = 0.5) -> float:
            return random.random() * most if random.random() < often else 0.0

        return cls(
            lose_request=some(0.3),
            lose_reply=some(0.3),
            lose_report=some(0.4),
            lose_answer=some(0.4),
            duplicate=some(0.4),
            slow=some(0.4),
            slow_ms=random.choice((100, 1_000, 8_000, 20_000)),
            unsure=some(0.2, 0.3),
            limited=some(0.2, 0.3),
            not_sent=some(0.2, 0.3),
            unheard=some(1.0, 0.3),
            partial=some(0.4),
            unnamed=some(1.0, 0.7),
            invisible_ms=random.choice((0, 0, 500, 5_000, 20_000)),
            offset_ms=random.choice((0, 0, -3_000, -400, 400, 3_000)),
            clock_error_ms=random.choice((0, 50, 400)),
            crash_every=random.choice((0, 30, 60, 120, 240)),
            power_loss=random.random() < 0.4,
            disconnects=random.choice((0, 0, 1, 2, 3)),
            transfers=random.choice((0, 0, 1, 2)),
            by_hand=random.choice((0, 0, 0, 1, 3)),
            fee_currency=random.choice((None, None, "BNB", "USDT")),
            corrections=random.choice((0, 0, 2, 5)),
        )

    def calm(self) -> Weather:
        """The same world without trouble: what must come right in it is promised."""
        return self._replace(
            lose_request=0.0, lose_reply=0.0, lose_report=0.0, lose_answer=0.0, duplicate=0.0, slow=0.0,
            unsure=0.0, limited=0.0, not_sent=0.0, partial=0.0, invisible_ms=0, crash_every=0,
        )  # fmt: skip
