"""Several runs side by side: their figures, the best of each, and where their settings differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from actors.errors import UsageError
from daemon.research.report.settings import differences
from daemon.research.report.wording import NOT_DEFINED, Group, groups_of
from daemon.research.runs import AccountResult, Run


class Column(NamedTuple):
    """One account of one run."""

    name: str
    """The run's id; with the account's name where runs have several."""
    run: Run
    account: str
    result: AccountResult


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of every run."""

    group: str
    name: str
    label: str
    values: list[float | None]
    texts: list[str]
    best: int | None
    """Place of the best one; None where none is better."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that is not the same everywhere."""

    name: str
    values: list[str]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What `tickerd compare --json` prints."""

    runs: list[str]
    figures: list[Figure]
    settings: list[Difference]
    same_code: bool
    same_data: bool


def columns_of(runs: Sequence[Run]) -> list[Column]:
    """One column for each account of each run.

    Raises:
        UsageError: Fewer than two runs.
    """
    if len(runs) < 2:
        raise UsageError("one run is nothing to compare: name two or more")
    several = any(len(run.info.accounts) > 1 for run in runs)
    return [
        Column(f"{run.info.run_id} {name}" if several else run.info.run_id, run, name, result)
        for run in runs
        for name, result in run.info.accounts.items()
    ]


def compare(runs: Sequence[Run]) -> Comparison:
    """Put runs side by side.

    Raises:
        UsageError: Fewer than two.
    """
    columns = columns_of(runs)
    infos = [run.info for run in runs]
    return Comparison(
        runs=[column.name for column in columns],
        figures=_figures([groups_of(column.result) for column in columns]),
        settings=[
            Difference(name=name, values=values)
            for name, values in differences([info.config for info in infos])
        ],
        same_code=len({info.hashes.code for info in infos}) == 1,
        same_data=len({info.hashes.data for info in infos}) == 1,
    )


def _figures(columns: list[list[Group]]) -> list[Figure]:
    """Every figure that any column has, in the order in which they come."""
    known: dict[tuple[str, str], str] = {}
    rows = [{row.name: row for group in groups for row in group.rows} for groups in columns]
    better: dict[str, int] = {}
    for groups in columns:
        for group in groups:
            for row in group.rows:
                known.setdefault((group.title, row.name), row.label)
                better[row.name] = row.better
    found = []
    for (group_title, name), label in known.items():
        values = [each[name].value if name in each else None for each in rows]
        found.append(
            Figure(
                group=group_title,
                name=name,
                label=label,
                values=values,
                texts=[each[name].text if name in each else NOT_DEFINED for each in rows],
                best=_best(values, better[name]),
            )
        )
    return found


def _best(values: Sequence[float | None], better: int) -> int | None:
    known = [(value * better, place) for place, value in enumerate(values) if value is not None]
    if not better or len(known) < 2 or len({value for value, _ in known}) == 1:
        return None
    return max(known, key=lambda each: (each[0], -each[1]))[1]


def settings_summary(comparison: Comparison) -> str:
    """Code and data in one sentence."""
    same = [
        name for name, is_same in (("code", comparison.same_code), ("data", comparison.same_data)) if is_same
    ]
    other = [name for name in ("code", "data") if name not in same]
    words = []
    if same:
        words.append(f"same {' and '.join(same)}")
    if other:
        words.append(f"other {' and '.join(other)}")
    count = len(comparison.settings)
    settings = (
        "no setting differs" if not count else f"{count} setting{'s differ' if count > 1 else ' differs'}"
    )
    return f"{', '.join(words)}; {settings}"
