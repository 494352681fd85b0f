"""A long life: memory, descriptors, tasks, tape and database stay within what they are set to."""

from __future__ import annotations

import pytest

from tests.chaos.soak.life import DAY_NS, Sample
from tests.chaos.soak.market import GAP_NS
from tests.chaos.soak.run import MB, UNIT, Soak, soak

INPUTS = 2_000_000


def a_soak(**grows: int) -> Soak:
    """Ten samples over 100,000,000 inputs of which these figures grow by so much from each to the next."""
    held = {"resident_bytes": 50 * MB, "descriptors": 20, "tasks": 2, "tape_bytes": 40 * MB,
            "database_bytes": 10 * MB}  # fmt: skip
    samples = [
        Sample(
            inputs=number * UNIT,
            orders=number * 1_000,
            state_bytes=50_000,
            parts=2,
            **{what: size + number * grows.get(what, 0) for what, size in held.items()},
        )
        for number in range(1, 11)
    ]
    return Soak(samples, [], 1.0)


def test_what_stays_as_it_is_gives_no_finding() -> None:
    assert a_soak().findings() == []
    assert a_soak(resident_bytes=MB - 1, database_bytes=9_000_000).findings() == []


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("resident_bytes", MB + 1),
        ("descriptors", 1),
        ("tasks", 1),
        ("tape_bytes", 60 * MB),
        ("database_bytes", 11 * MB),
    ],
)
def test_what_grows_is_found(what: str, by: int) -> None:
    assert len(a_soak(**{what: by}).findings()) == 1


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_nothing_grows_over_two_million_inputs() -> None:
    result = await soak(INPUTS, seed=1)
    assert result.findings() == []
    last = result.samples[-1]
    assert last.orders > INPUTS // 400
    days = last.inputs * GAP_NS // DAY_NS
    assert last.parts <= days, "each of these days and the one begun had a part; the oldest were pruned"
