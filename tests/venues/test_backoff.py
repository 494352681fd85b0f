"""Growth, cap and jitter of pauses between attempts."""

from __future__ import annotations

from actors.venues.backoff import Backoff


def test_pauses_double_up_to_the_cap_and_begin_again_after_success() -> None:
    backoff = Backoff(first_seconds=1, cap_seconds=5, chance=lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next() == 1


def test_jitter_never_takes_more_than_half() -> None:
    backoff = Backoff(first_seconds=2, cap_seconds=2)
    pauses = [backoff.next() for _ in range(200)]
    assert 1 <= min(pauses) < max(pauses) <= 2
