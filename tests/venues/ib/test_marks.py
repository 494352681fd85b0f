"""No execution is told twice, and none is left out."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from actors.venues.ib.marks import NOTHING, OVERLAP_NS, Mark

SECOND = 1_000_000_000


class Told(NamedTuple):
    trade_id: str
    ts_event: int


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), max_size=40))
def test_what_comes_to_be_known_a_little_late_is_told_once(rows: list[tuple[int, int]]) -> None:
    """Each row: seconds since the last execution, and how late it is told; a statement after each."""
    now, executions = 100 * SECOND, []
    for number, (gap, late) in enumerate(rows):
        now += gap * SECOND
        executions.append((now + late * SECOND, Told(f"e{number}", now)))
    mark, told = NOTHING, []
    for known_from, _ in sorted(executions, key=lambda row: row[0]):
        fresh = [each for at, each in executions if at <= known_from and mark.is_before(each)]
        told += [each.trade_id for each in fresh]
        for each in fresh:
            mark = Mark.parse(mark.moved(each).text())
    assert sorted(told) == sorted(each.trade_id for _, each in executions)
    assert OVERLAP_NS > 15 * SECOND
