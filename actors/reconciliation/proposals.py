"""Every difference found, from the venue's evidence to what was done about it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from actors.messages.account import CashTransferred, DifferenceFound, DifferenceKind
from actors.model.money import ZERO
from actors.reconciliation.policy import Kind

SETTLED_MAX = 500
"""So many settled differences are kept to be found and undone; older ones are on the tape."""

Status = Literal["open", "rejected", "shown", "adopted", "accepted", "undone", "gone"]
STANDING: tuple[Status, ...] = ("open", "rejected")
"""Books and venue still disagree."""


class Difference(msgspec.Struct, kw_only=True, array_like=True):
    """One difference, its evidence, and what became of it."""

    difference_id: str
    account: str
    kind: Kind
    subject: str
    """Asset, instrument, or account."""
    instruments: list[str]
    """Where no new exposure is taken while it is open."""
    ours: str
    venue: str
    evidence: str
    """What the venue said and when it was asked, in words."""
    status: Status
    found_seq: int
    found_ts: int
    bookings: list[CashTransferred] = []
    """What was booked, or would be."""
    by: str = ""
    """Who settled it: `policy`, `venue`, `uid=1000`."""
    withheld: Decimal = ZERO
    """What of the balance does not count as there meanwhile."""

    @property
    def told_as(self) -> DifferenceKind:
        """The word under which everybody else hears of it."""
        match self.kind:
            case "transfer" | "unrecorded_transfer" | "dust":
                return "balance"
            case kind:
                return kind


class Proposals:
    """All differences, oldest first."""

    def __init__(self) -> None:
        self._last = 0
        self._all: dict[str, Difference] = {}

    def __iter__(self) -> Iterator[Difference]:
        return iter(self._all.values())

    def get(self, difference_id: str) -> Difference | None:
        """By its number."""
        return self._all.get(difference_id)

    def next_id(self) -> str:
        """The number of the next one."""
        return f"d{self._last + 1}"

    def add(self, difference: Difference) -> None:
        """Take a new one, numbered by `next_id`."""
        self._last += 1
        self._all[difference.difference_id] = difference
        settled = [each.difference_id for each in self if each.status not in STANDING]
        for difference_id in settled[: max(len(settled) - SETTLED_MAX, 0)]:
            del self._all[difference_id]

    def standing(self, account: str, subject: str) -> Difference | None:
        """The one about this asset that books and venue still disagree on."""
        for each in self:
            if each.status in STANDING and (each.account, each.subject) == (account, subject):
                return each
        return None

    def holds(self, account: str, instrument: str) -> bool:
        """Whether anything unsettled holds an instrument to reductions."""
        return any(
            each.status in STANDING and each.account == account and instrument in each.instruments
            for each in self
        )

    def knows(self, found: DifferenceFound) -> bool:
        """Whether exactly this was told before and is not settled."""
        return any(
            each.status in (*STANDING, "shown")
            and (each.account, each.told_as, each.ours, each.venue)
            == (found.account, found.kind, found.ours, found.venue)
            and found.subject in (each.subject, *each.instruments)
            for each in self
        )

    def snapshot(self) -> tuple[int, list[Difference]]:
        """State for the checkpoint."""
        return self._last, [
            msgspec.structs.replace(each, bookings=list(each.bookings), instruments=list(each.instruments))
            for each in self
        ]

    def restore(self, state: tuple[int, list[Difference]]) -> None:
        """Take a checkpoint's."""
        self._last = state[0]
        self._all = {each.difference_id: each for each in state[1]}
