"""Our balances against the venue's statements.

A statement was true at some instant between question and answer, so it agrees when it equals any total our
books held in that time, or come to hold by bookings that were still under way. What two answers in a row
show alike is a difference: the same amount too much or too little, whatever was traded between them. While
more than one amount would fit them all, none is one yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from actors.ledger.exact import multiply, subtract
from actors.ledger.opening import Movement, Opening
from actors.messages.account import AccountEvidence, CashTransferred, StatementAgrees, StatementDisagrees
from actors.messages.base import Message
from actors.model.instrument import Instrument
from actors.model.money import ZERO

QUESTIONS_MAX = 4
"""Older unanswered questions are given up, which bounds the history."""
COUNTING_ANSWERS = 2
NEAR_NS = 2_000_000_000
"""A booking stamped this close to a statement, both by the venue's clock, may be in it or not."""
AMOUNTS_MAX = 256
"""So many totals of one asset between question and answer are weighed, the newest first."""


class Doubt(msgspec.Struct, array_like=True):
    """An asset whose last statement our books have not held since it was asked for."""

    venue: Decimal
    amounts: list[Decimal]
    """What the venue shows too much (> 0) or too little, by each total our books held in that time."""
    agreed_seq: int
    agreed_ts: int
    answers: int = 1
    """In a row; 0 when what they showed is gone, and the next statement has yet to say so."""
    nearby: Decimal = ZERO
    """The first of `amounts`, less every booking since that the statement may have had in it already."""

    is_told: bool = False
    """Two answers have shown it since both last agreed; whoever heard of it must hear that it is gone."""

    def forgive(self) -> None:
        """What was shown says nothing any more; when both last agreed stays known."""
        self.answers = 0
        self.amounts = []
        self.is_told = False


class Disagreement(msgspec.Struct, frozen=True):
    """What one answer adds to a doubt."""

    asset: str
    ours: Decimal
    venue: Decimal
    answers: int
    agreed_seq: int
    agreed_ts: int


class Statements(msgspec.Struct, array_like=True):
    """What one account's comparison must remember."""

    questions: list[int] = []
    """Sequence numbers of questions not answered yet, oldest first."""
    history: list[tuple[int, str, Decimal]] = []
    """(seq, asset, total held until then) since the oldest open question."""
    doubts: dict[str, Doubt] = {}
    compared_seq: int = -1
    """When the newest answer that was judged was asked for; older and repeated ones say nothing more."""
    compared_ts: int = 0
    opening: Opening = msgspec.field(default_factory=Opening)

    def copy(self) -> Statements:
        """The same state, sharing nothing that changes."""
        return Statements(
            list(self.questions),
            list(self.history),
            {
                asset: msgspec.structs.replace(doubt, amounts=list(doubt.amounts))
                for asset, doubt in self.doubts.items()
            },
            self.compared_seq,
            self.compared_ts,
            msgspec.structs.replace(self.opening),
        )

    def begin(self, asked_seq: int, venue_time_ms: int, moved: list[Movement]) -> None:
        """The books were opened by this statement: it agrees. `moved` was booked before."""
        self.compared_seq, self.compared_ts = asked_seq, venue_time_ms * 1_000_000
        self.opening = Opening(self.compared_ts + NEAR_NS, moved)

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

    def changed(
        self, seq: int, asset: str, before: Decimal, after: Decimal, ts: int, *, by_us: bool = False
    ) -> None:
        """Our total of an asset has changed, by what happened at the venue at `ts`; `by_us`: we traded."""
        if self.questions:
            self.history.append((seq, asset, before))
        if not by_us and ts <= self.opening.until:  # we trade once the books are open, never before
            self.opening.moved(seq, asset, subtract(after, before))
        if self.doubts:
            doubt = self.doubts.get(asset)
            if doubt is not None and doubt.amounts:
                self._shift(doubt, subtract(after, before), ts)
            # One that counts already ends only by a statement: what we come to hold by chance proves nothing.
            if doubt is not None and doubt.answers == 1 and not doubt.is_told and doubt.venue == after:
                doubt.forgive()

    def _shift(self, doubt: Doubt, change: Decimal, ts: int) -> None:
        """A booking after a statement that disagrees may have been in that statement, and explain it."""
        if ts < self.compared_ts - NEAR_NS:
            doubt.amounts = [subtract(amount, change) for amount in doubt.amounts]
            doubt.nearby = subtract(doubt.nearby, change)
        elif ts <= self.compared_ts + NEAR_NS:
            # Nobody can tell: it was in it with all that were booked before it, or it was not.
            doubt.nearby = subtract(doubt.nearby, change)
            if len(doubt.amounts) < 2 * AMOUNTS_MAX:
                doubt.amounts.append(doubt.nearby)

    def transferred(self, asset: str) -> bool:
        """Money came or went: what was compared before says nothing now; whether a difference is gone."""
        doubt = self.doubts.get(asset)
        if doubt is None:
            return False
        was_told = doubt.is_told
        doubt.forgive()
        return was_told

    def judge(
        self, evidence: AccountEvidence, venue: dict[str, Decimal], ours: dict[str, Decimal]
    ) -> list[Message]:
        """`compare`, said as messages; what was taken wrongly when the books were opened is set right."""
        assert evidence.balances is not None, "only a statement with balances is judged"
        ts, account = evidence.ts_event, evidence.account
        at_venue = evidence.venue_time_ms * 1_000_000  # the clock that stamps fills and transfers too
        differ, agree = self.compare(evidence.balances.asked_seq, at_venue, venue, ours)
        said: list[Message] = [StatementAgrees(ts_event=ts, account=account, asset=asset) for asset in agree]
        amounts = {found.asset: subtract(found.venue, found.ours) for found in differ}
        counts = all(found.answers >= COUNTING_ANSWERS for found in differ)
        if differ and counts and self.opening.explains(amounts):
            return [
                *said,
                *(self._corrected(asset, amount, ts, account) for asset, amount in amounts.items()),
            ]
        return [
            *said,
            *(
                StatementDisagrees(ts_event=ts, account=account, **msgspec.structs.asdict(found))
                for found in differ
            ),
        ]

    def _corrected(self, asset: str, amount: Decimal, ts: int, account: str) -> CashTransferred:
        return CashTransferred(
            ts_event=ts,
            account=account,
            asset=asset,
            amount=amount,
            reason="opening",
            transfer_id=f"opening:{asset}:{self.compared_seq}",
        )

    def compare(
        self, asked_seq: int, ts: int, venue: dict[str, Decimal], ours: dict[str, Decimal]
    ) -> tuple[list[Disagreement], list[str]]:
        """Judge one answer; one that was asked for no later than the last one judged changes nothing.

        Args:
            venue: Total per asset as stated; an asset that is left out is one the venue holds nothing of.
            ours: The same assets by our books now.
        Returns:
            What it disagrees on, and the assets of which a difference is gone.
        """
        if asked_seq <= self.compared_seq:
            return [], []
        differ: list[Disagreement] = []
        agree: list[str] = []
        for asset in {**ours, **venue}:
            stated, held = venue.get(asset, ZERO), ours.get(asset, ZERO)
            amounts = [subtract(stated, total) for total in self._held(asked_seq, asset, held)]
            if ZERO in amounts:
                doubt = self.doubts.pop(asset, None)
                if doubt is not None and doubt.is_told:
                    agree.append(asset)
                continue
            doubt = self._weigh(asset, stated, amounts)
            # told by the amount: what was traded between question and answer belongs to neither side
            differ.append(
                Disagreement(
                    asset,
                    held,
                    held + doubt.amounts[0],
                    doubt.answers,
                    doubt.agreed_seq,
                    doubt.agreed_ts,
                )
            )
        self.compared_seq, self.compared_ts = asked_seq, ts
        self.questions = [seq for seq in self.questions if seq > asked_seq]
        self._prune()
        return differ, agree

    def _weigh(self, asset: str, stated: Decimal, amounts: list[Decimal]) -> Doubt:
        before = self.doubts.get(asset)
        if before is None:
            doubt = Doubt(stated, amounts, self.compared_seq, self.compared_ts)
        elif both := _shared(amounts, before.amounts):
            # While more than one amount fits both answers, nobody can say which: the next one tells.
            answers = before.answers + (len(both) == 1)
            doubt = Doubt(stated, both, before.agreed_seq, before.agreed_ts, answers)
        else:
            doubt = Doubt(stated, amounts, before.agreed_seq, before.agreed_ts)
        doubt.nearby = doubt.amounts[0]
        doubt.is_told = doubt.answers > 1 or (before is not None and before.is_told)
        self.doubts[asset] = doubt
        return doubt

    def _held(self, asked_seq: int, asset: str, now: Decimal) -> list[Decimal]:
        """Totals our books held since the question, the present one first, then the newest."""
        totals = [held for seq, name, held in self.history if seq >= asked_seq and name == asset]
        return list(dict.fromkeys([now, *reversed(totals)]))[:AMOUNTS_MAX]

    def _prune(self) -> None:
        oldest = self.questions[0] if self.questions else None
        self.history = [entry for entry in self.history if oldest is not None and entry[0] >= oldest]


def _shared(amounts: list[Decimal], before: list[Decimal]) -> list[Decimal]:
    known = dict.fromkeys(before)
    return [amount for amount in amounts if amount in known]


def comparable(
    evidence: AccountEvidence, ours: dict[str, Decimal], instruments: Iterable[Instrument]
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What a statement says per asset, and our books of the same assets.

    What the venue keeps as positions is compared with the part that states them, if that was answered.
    """
    assert evidence.balances is not None, "only a statement with balances is compared"
    stated, mine = dict(evidence.balances.total), dict(ours)
    for instrument in instruments:
        if instrument.kind != "equity":
            continue
        if evidence.positions is None:
            stated.pop(instrument.base, None)
            mine.pop(instrument.base, None)
        elif instrument.id in evidence.positions.quantity:
            stated[instrument.base] = multiply(
                evidence.positions.quantity[instrument.id], instrument.multiplier
            )
    return stated, mine


def opening_transfers(
    evidence: AccountEvidence, stated: Mapping[str, Decimal], held: Mapping[str, Decimal]
) -> list[CashTransferred]:
    """What an account held before its books begin, one transfer an asset."""
    return [
        CashTransferred(
            ts_event=evidence.ts_event,
            account=evidence.account,
            asset=asset,
            amount=subtract(total, held.get(asset, ZERO)),
            reason="opening",
            transfer_id=f"opening:{asset}",
        )
        for asset, total in stated.items()
    ]
