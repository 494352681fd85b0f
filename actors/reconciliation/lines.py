"""What one account's venue has told of transfers: its history, its notices, and which are booked."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.messages.account import AccountEvidence, CashTransferred
from actors.reconciliation.policy import History, Notice, without_noticed

NOTICES_MAX = 100
"""So many notices of an account are remembered, to know them again in a history or after an adoption."""
USED_MAX = 1_000


class AccountLine(msgspec.Struct, array_like=True):
    """One account's memory."""

    began_seq: int = 0
    history: History = msgspec.field(default_factory=History)
    notices: list[Notice] = []
    used: list[str] = []
    """Transfers of the history that are booked."""
    distrusted: list[str] = []
    """Assets of which the operator took an adoption back: they are asked about from then on."""
    asked_seq: int = 0
    """When the newest statement was asked for."""

    def told(self, evidence: AccountEvidence) -> None:
        """Take a statement's history, without what is booked or was noticed; one without any leaves none."""
        if evidence.balances is not None:
            self.asked_seq = evidence.balances.asked_seq
        told = evidence.transfers
        if told is None:
            self.history = History()
            return
        rows = [row for row in told.transfers if row.transfer_id not in self.used]
        self.history = History(told.since, without_noticed(rows, self.notices))

    def noticed(self, transfer: CashTransferred) -> Notice | None:
        """Take a notice; None when it was told before."""
        if any(notice.transfer_id == transfer.transfer_id for notice in self.notices):
            return None
        notice = Notice(transfer.transfer_id, transfer.asset, transfer.amount, transfer.ts_event)
        self.notices = [*self.notices, notice][-NOTICES_MAX:]
        self.history.rows = without_noticed(self.history.rows, [notice])
        return notice

    def booked(self, bookings: Iterable[CashTransferred]) -> None:
        """These are in our books: no difference is explained by them again."""
        for booking in bookings:
            self.used = [*self.used, booking.transfer_id][-USED_MAX:]
        self.history.rows = [row for row in self.history.rows if row.transfer_id not in self.used]

    def trust(self, asset: str, *, is_trusted: bool) -> None:
        """Whether differences in an asset are adopted as the policy says."""
        if is_trusted:
            self.distrusted = [each for each in self.distrusted if each != asset]
        elif asset not in self.distrusted:
            self.distrusted = [*self.distrusted, asset]
