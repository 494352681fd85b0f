"""What counts as away without a cause, and what as the way back from a fault."""

from __future__ import annotations

import pytest

from tests.chaos.kills.availability import (
    SECOND,
    Availability,
    Change,
    Disturbance,
    judge_spells,
    spells_of,
)
from tests.chaos.kills.many import shared_out

S = SECOND
KILL = Disturbance("kill", 10 * S, 11 * S)
CUT = Disturbance("cut", 10 * S, 10 * S, notice=3 * S)


def seen(*spells: tuple[float, str], by: Disturbance) -> Availability:
    """A hundred seconds in which the account came into these states at these times."""
    changes = [Change(0, "active", ""), *(Change(round(at * S), state, "why") for at, state in spells)]
    return judge_spells(spells_of(changes, 100 * S), [by], 0, 100 * S)


def test_the_way_back_from_a_kill_is_measured_from_the_new_start_and_not_held_against_us() -> None:
    found = seen((10, "dead"), (11.2, "starting"), (11.9, "active"), by=KILL)
    assert found.not_active == []
    assert found.after_fault_max == pytest.approx(0.9)
    assert found.watched == 100 * S - round(1.9 * S)


def test_a_second_time_away_after_a_kill_is_held_against_us() -> None:
    found = seen(
        (10, "dead"), (11.9, "active"), (12, "reconciling"), (12.5, "active"), by=KILL
    )  # fmt: skip
    assert found.share == pytest.approx(0.5 / 98.1)
    assert [spell.why for spell in found.not_active] == ["reconciling: why"]


@pytest.mark.parametrize(("noticed", "is_ours"), [(10, False), (12.9, False), (13.1, True)])
def test_a_silent_line_may_be_noticed_late_but_not_too_late(noticed: float, is_ours: bool) -> None:
    found = seen((noticed, "reconciling"), (noticed + 1, "active"), by=CUT)
    assert bool(found.not_active) is is_ours
    assert bool(found.after_fault) is not is_ours


def test_an_account_that_never_comes_back_is_away_until_the_end() -> None:
    found = seen((50, "reduce_only"), by=KILL)
    assert found.share == pytest.approx(50 / 99)


@pytest.mark.parametrize(
    ("kills", "session", "jobs", "expected"),
    [
        (1_000, None, 4, [84, 84, 84, 84, 83, 83, 83, 83, 83, 83, 83, 83]),
        (100, None, 4, [25, 25, 25, 25]),
        (12, None, 4, [12]),
        (1, None, 4, [1]),
        (25, 25, 4, [25]),
        (30, 25, 4, [25, 5]),
    ],
)
def test_kills_are_shared_out_so_that_all_sessions_end_together(
    kills: int, session: int | None, jobs: int, expected: list[int]
) -> None:
    assert shared_out(kills, session, jobs) == expected
