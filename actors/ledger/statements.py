"""Our balances against the venue's statements.

A statement was true at some instant between question and answer, so it agrees when it equals any total our
books held in that time, or come to hold by bookings that were still under way. What two answers in a row
contradict is a difference.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.model.money import ZERO

QUESTIONS_MAX = 4
"""Older unanswered questions are given up, which bounds the history."""


class Doubt(msgspec.Struct, array_like=True):
    """An asset whose last statement our books have not held since it was asked for."""

    venue: Decimal
    is_reported: bool = False


class Statements(msgspec.Struct, array_like=True):
    """What one account's comparison must remember."""

    questions: list[int] = []
    """Sequence numbers of questions not answered yet, oldest first."""
    history: list[tuple[int, str, Decimal]] = []
    """(seq, asset, total held until then) since the oldest open question."""
    doubts: dict[str, Doubt] = {}

    def copy(self) -> Statements:
        """The same state, sharing nothing that changes."""
        return Statements(
            list(self.questions),
            list(self.history),
            {asset: msgspec.structs.replace(doubt) for asset, doubt in self.doubts.items()},
        )

    def asked(self, seq: int) -> None:
        """A question went out."""
        self.questions.append(seq)
        if len(self.questions) > QUESTIONS_MAX:
            del self.questions[0]
            self._prune()

    def connection_lost(self) -> None:
        """No question asked so far will be answered."""
        self.questions.clear()
        self.history.clear()

    def changed(self, seq: int, asset: str, before: Decimal, after: Decimal) -> None:
        """Our total of an asset has changed."""
        if self.questions:
            self.history.append((seq, asset, before))
        if self.doubts:
            doubt = self.doubts.get(asset)
            if doubt is not None and doubt.venue == after:
                del self.doubts[asset]

    def compare(
        self, asked_seq: int, venue: dict[str, Decimal], ours: dict[str, Decimal]
    ) -> list[tuple[str, Decimal, Decimal]]:
        """Judge one answer.

        Args:
            venue: Total per asset as stated; an asset that is left out is one the venue holds nothing of.
            ours: The same assets by our books now.
        Returns:
            (asset, ours, venue) of differences that this answer and the one before both show; each is told
            once until the asset agrees again.
        """
        found = []
        for asset in {**ours, **venue}:
            stated, held = venue.get(asset, ZERO), ours.get(asset, ZERO)
            if stated == held or self._was_held(asked_seq, asset, stated):
                self.doubts.pop(asset, None)
                continue
            doubt = self.doubts.get(asset)
            if doubt is None:
                self.doubts[asset] = Doubt(stated)
                continue
            doubt.venue = stated
            if not doubt.is_reported:
                doubt.is_reported = True
                found.append((asset, held, stated))
        self.questions = [seq for seq in self.questions if seq > asked_seq]
        self._prune()
        return found

    def _was_held(self, asked_seq: int, asset: str, total: Decimal) -> bool:
        return any(seq >= asked_seq and name == asset and held == total for seq, name, held in self.history)

    def _prune(self) -> None:
        oldest = self.questions[0] if self.questions else None
        self.history = [entry for entry in self.history if oldest is not None and entry[0] >= oldest]
