"""An outage in the log: the first word, then ever fewer."""

from __future__ import annotations

from itertools import pairwise

from structlog.testing import capture_logs

from actors.venues.ib.outage import Outage

SECOND = 1_000_000_000


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_week_of_failing_attempts_is_told_first_and_then_at_growing_intervals() -> None:
    clock = Clock()
    outage = Outage("ib", clock)
    outage.begin()
    with capture_logs() as said:
        for minute in range(7 * 24 * 60):
            clock.now = minute * 60 * SECOND
            outage.go_on("nothing listens")
    times = [line["seconds"] for line in said]
    assert times[:5] == [0, 60, 180, 420, 900]
    assert max(later - earlier for earlier, later in pairwise(times)) == 3600
    assert len(times) < 7 * 24 + 10
    assert outage.since_ns == 0


def test_a_new_reason_is_told_at_once_and_a_new_outage_begins_anew() -> None:
    clock = Clock()
    outage = Outage("ib", clock)
    with capture_logs() as said:
        for reason in ("nothing listens", "nothing listens", "TWS has closed the line", "nothing listens"):
            outage.go_on(reason)
        outage.end()
        assert (outage.since_ns, outage.reason) == (None, "")
        clock.now = 5 * SECOND
        outage.go_on("nothing listens")
    assert [line["reason"] for line in said] == [
        "nothing listens",
        "TWS has closed the line",
        "nothing listens",
    ]
    assert outage.since_ns == 5 * SECOND


def test_before_the_first_attempt_nothing_is_told() -> None:
    outage = Outage("ib", Clock())
    with capture_logs() as said:
        outage.begin()
    assert (said, outage.reason) == ([], "not connected yet")


def test_an_outage_that_goes_on_keeps_its_beginning() -> None:
    clock = Clock()
    outage = Outage("ib", clock)
    for number in range(3):
        clock.now = number * SECOND
        outage.go_on(f"reason {number}")
    assert outage.since_ns == 0
