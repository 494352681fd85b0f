"""The deterministic twin: the shipped core keeps its promises in every schedule; unsafe ones are caught."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.twin.run import run_many
from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import UNSAFE, Variant
from tests.chaos.unsafe import schedules_until_caught

SCHEDULES = 100_000
SEEN = (
    "crash: input taken", "crash: step run", "crash: writing", "crash: written", "crash: syncing",
    "crash: synced", "crash: command leaving", "crash: command left", "crash: checkpoint published",
    "crash: recovered", "crash: writing (power)", "late steps", "not sent", "requests lost", "replies lost",
    "reports lost", "disconnects", "turned away", "unsure", "transfers", "orders by hand", "fills",
    "corrections",
)  # fmt: skip


def test_a_seed_gives_the_same_schedule_again() -> None:
    traces: list[list[str]] = [[], []]
    for trace in traces:
        run_schedule(11, trace=trace.append)
    assert len(traces[0]) > 50
    assert traces[0] == traces[1]


@pytest.mark.slow
def test_whatever_happens_on_the_way_nothing_is_lost_and_nothing_is_doubled() -> None:
    result = run_many(300, 1)
    assert result.broken == [], "again, alone: scripts/chaos --twin 1 --seed <the first number> --trace"
    assert {what for what in SEEN if not result.counts[what]} <= {"crash: checkpoint published"}


@pytest.mark.slow
@pytest.mark.parametrize("variant", UNSAFE, ids=lambda variant: variant.name)
def test_an_unsafe_variant_is_caught(
    variant: Variant, record_property: Callable[[str, object], None]
) -> None:
    number, fault = schedules_until_caught(variant)
    record_property("schedules until caught", number)
    print(f"{variant.name}: caught in schedule {number}: {fault}")


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_a_hundred_thousand_schedules_break_nothing() -> None:
    result = run_many(SCHEDULES, 1_000_000)
    rate = result.schedules / result.cpu_seconds
    print(f"{result.schedules} schedules, {rate:.0f} per processor second: {dict(result.counts)}")
    assert result.broken == [], "again, alone: scripts/chaos --twin 1 --seed <the first number> --trace"
    assert not [what for what in SEEN if not result.counts[what]]
