"""How much of a session an account could not trade although nothing was wrong, and how fast it came back.

Read from the tape alone (each `StateChanged` with its time), against the times at which the killer disturbed:

- A *spell* is a time in which the account is not `active`; a killed daemon is not active from its death on.
- A *disturbance* lasts from its begin to its end: a kill until the process is started again, a cut line for a
  moment, a fault of the exchange until it is taken back.
- A spell belongs to a disturbance if it begins during it, or, where the line was silent, in the time that it
  takes to notice. It is over when the account is active again; `after_fault` is that moment minus the end of
  the last disturbance in it.
- Every other spell counts: `not_active_share` is the sum of these over the time without any disturbance and
  without the spells that belong to one. The first start of a store is left out: it is no return.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from actors.messages.control import Scope, StateChanged
from actors.store.layout import list_parts, tape_folder
from tests.chaos.kills.phases import timed_messages

DEAD = "dead"
SECOND = 1_000_000_000
NOTICE_NS = 3 * SECOND
"""A line that says nothing is given up after `silence_seconds`, two here, and looked at each second."""
SHOWN = 5
"""Spells and returns that are printed."""


class Disturbance(NamedTuple):
    """Something the killer does, in nanoseconds of the wall clock."""

    kind: str
    begin: int
    end: int
    notice: int = 0
    """How long after its end it may still be felt for the first time."""


class Spell(NamedTuple):
    """A time of not being active."""

    begin: int
    end: int
    why: str


class Return(NamedTuple):
    """An account that is active again after a disturbance."""

    after: int
    """Nanoseconds since the end of the last disturbance."""
    kinds: str


@dataclass
class Availability:
    """What sessions have shown; times in nanoseconds."""

    watched: int = 0
    """Time without a disturbance and without a spell that belongs to one."""
    not_active: list[Spell] = field(default_factory=list)
    """Spells that belong to nothing."""
    after_fault: list[Return] = field(default_factory=list)
    halts: list[str] = field(default_factory=list)
    held: int = 0
    """Time in which an instrument was held to reductions while its account was active, over instruments."""
    held_of: int = 0

    def add(self, other: Availability) -> None:
        """Take another session's into account."""
        self.watched += other.watched
        self.not_active += other.not_active
        self.after_fault += other.after_fault
        self.halts += other.halts
        self.held += other.held
        self.held_of += other.held_of

    @property
    def share(self) -> float:
        """Of the time without a fault, the part in which the account was not active."""
        return sum(spell.end - spell.begin for spell in self.not_active) / max(1, self.watched)

    @property
    def after_fault_max(self) -> float:
        """Seconds."""
        return max((each.after for each in self.after_fault), default=0) / SECOND

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        after = sorted(self.after_fault)
        return {
            "watched_seconds": round(self.watched / SECOND, 1),
            "not_active_share": round(self.share, 6),
            "spells": [
                f"{(spell.end - spell.begin) / SECOND:.3f} s: {spell.why}"
                for spell in self.not_active[:SHOWN]
            ],
            "after_fault_seconds": {
                "n": len(after),
                "p50": round(after[len(after) // 2].after / SECOND, 3) if after else None,
                "max": round(self.after_fault_max, 3),
                "slowest": [f"{each.after / SECOND:.3f} s: {each.kinds}" for each in after[-SHOWN:]],
            },
            "halts": len(self.halts),
            "instruments_held_share": round(self.held / max(1, self.held_of), 4),
        }


class Change(NamedTuple):
    """From now on a scope is in this state."""

    at: int
    state: str
    why: str


def spells_of(changes: Iterable[Change], end: int) -> list[Spell]:
    """Times between active and active; before the first change nobody has promised anything."""
    spells: list[Spell] = []
    begin: Change | None = None
    for change in changes:
        if change.state != "active" and begin is None:
            begin = change
        elif change.state == "active" and begin is not None:
            spells.append(Spell(begin.at, change.at, f"{begin.state}: {begin.why}"))
            begin = None
    if begin is not None:
        spells.append(Spell(begin.at, end, f"{begin.state}: {begin.why}"))
    return spells


def judge_spells(
    spells: Sequence[Spell], disturbances: Sequence[Disturbance], begin: int, end: int
) -> Availability:
    """Tell the spells that belong to a disturbance from those that belong to nothing."""
    found = Availability()
    away: list[tuple[int, int]] = [(each.begin, each.end) for each in disturbances]
    for spell in spells:
        if spell.end <= begin:
            continue
        causes = [each for each in disturbances if each.begin <= spell.begin <= each.end + each.notice]
        if not causes:
            found.not_active.append(spell)
            continue
        during = [each for each in disturbances if each.begin < spell.end and each.end > spell.begin]
        last = max(each.end for each in (*causes, *during))
        away.append((spell.begin, spell.end))
        if spell.end > last and spell.end < end:
            kinds = dict.fromkeys(each.kind for each in (*causes, *during))
            found.after_fault.append(Return(spell.end - last, ", ".join(kinds)))
    found.watched = end - begin - _covered(away, begin, end)
    return found


def _covered(windows: list[tuple[int, int]], begin: int, end: int) -> int:
    """Length of the union of these windows within the bounds."""
    total, reached = 0, begin
    for first, last in sorted(windows):
        first, last = max(first, reached), min(last, end)
        if last > first:
            total += last - first
            reached = last
    return total


def availability(
    state: Path, account: str, disturbances: Sequence[Disturbance], begin: int, end: int
) -> Availability:
    """Judge a whole session.

    Args:
        disturbances: Each kill among them, as `kill`.
        begin: When the account was first told to trade.
        end: When the daemon was told to stop.
    """
    deaths = [Change(each.begin, DEAD, "killed") for each in disturbances if each.kind == "kill"]
    whole: list[Change] = []
    of_instruments: dict[str, list[Change]] = {}
    halts: list[str] = []
    for part in list_parts(tape_folder(state)):
        for at, message in timed_messages(part):
            if not isinstance(message, StateChanged) or at > end:
                continue
            if message.state == "halted":
                halts.append(f"{message.scope}: {message.reason}")
            change = Change(at, message.state, message.reason)
            if message.scope == Scope(account=account):
                whole.append(change)
            elif message.scope.instrument is not None:
                of_instruments.setdefault(message.scope.instrument, []).append(change)
    spells = spells_of(sorted([*whole, *deaths]), end)
    found = judge_spells(spells, disturbances, begin, end)
    found.halts = halts
    down = [(spell.begin, spell.end) for spell in spells]
    for changes in of_instruments.values():
        holds = [(spell.begin, spell.end) for spell in spells_of(changes, end)]
        found.held += _covered([*holds, *down], begin, end) - _covered(down, begin, end)
        found.held_of += end - begin - _covered(down, begin, end)
    return found
