"""What is done about a difference, by its kind, and what explains one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Literal, NamedTuple

import msgspec

from actors.messages.account import CashReason, CashTransferred, StatementDisagrees, VenueTransfer
from actors.model.instrument import Instrument
from actors.model.money import ZERO

Answer = Literal["adopt", "ask"]
Kind = Literal[
    "transfer", "unrecorded_transfer", "dust", "position", "balance",
    "external_fill", "external_order", "foreign_order", "order_missing", "opening",
]  # fmt: skip

CLOCKS_APART_NS = 60_000_000_000
"""Venues stamp a transfer and the statement that shows it by clocks of their own."""
ROWS_WEIGHED_MAX = 10
"""So many of the newest rows are tried in every combination."""
SAME_TRANSFER_NS = 600_000_000_000
"""A notice and a row of the history within this are about one transfer."""


class ReconcilePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a difference without asking.

    A fill with a trade id and the known state of an order are always taken over: they are the venue's word on
    orders of ours. Orders and fills that are not ours are always shown, and booked apart.
    """

    transfer: Answer = "adopt"
    """Money that came or went, as the venue's history of transfers says."""
    unrecorded_transfer: Answer = "adopt"
    """Cash that changed while the line was down, at a venue that keeps no such history."""
    dust: Answer = "adopt"
    """Less than a lot, which nobody can trade."""
    position: Answer = "ask"
    balance: Answer = "ask"
    opening: Literal["ask", "accept"] | None = None
    """New books on a used account. None: ask; of holdings, in live mode only."""


class Explanation(NamedTuple):
    """What a difference is taken for."""

    kind: Kind
    bookings: tuple[CashTransferred, ...]
    """What would make the books agree."""
    why: str


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """A transfer that the venue told of by itself."""

    transfer_id: str
    asset: str
    amount: Decimal
    ts_event: int


class History(msgspec.Struct, array_like=True):
    """The venue's transfers as last told, without those that are booked."""

    since: int | None = None
    """Complete from here on; None while the venue has told none."""
    rows: list[VenueTransfer] = []


def explain(
    found: StatementDisagrees,
    *,
    now: int,
    number: str,
    history: History,
    instruments: Iterable[Instrument],
    line_began_seq: int,
    is_trusted: bool,
) -> Explanation:
    """Say what a difference that counts is.

    Args:
        number: Of the difference; makes transfer ids where the venue gives none.
        instruments: Those the account can trade.
        line_began_seq: A statement that agreed and was asked for later saw every notice since.
        is_trusted: False after the operator took back what was adopted of this asset.
    """
    amount = found.venue - found.ours
    since = found.agreed_ts - CLOCKS_APART_NS
    if rows := told_by(history.rows, found.asset, amount, since):
        named = tuple(_transfer(found, row.amount, row.reason, row.transfer_id, row.ts_event) for row in rows)
        return Explanation("transfer", named, "the venue's history of transfers")
    lots = [each.lot_size for each in instruments if each.base == found.asset]
    if lots and abs(amount) < min(lots) and is_trusted:
        dust = _transfer(found, amount, "conversion", f"difference-{number}", now)
        return Explanation("dust", (dust,), "less than the smallest lot")
    adjustment = (_transfer(found, amount, "adjustment", f"difference-{number}", now),)
    if lots:
        return Explanation("position", adjustment, "no fill and no transfer explains it")
    has_history = history.since is not None and history.since <= max(found.agreed_ts, 0)
    if has_history or found.agreed_seq >= line_began_seq or not is_trusted:
        return Explanation("balance", adjustment, "no fill and no transfer explains it")
    reason: CashReason = "deposit" if amount > ZERO else "withdrawal"
    inferred = (_transfer(found, amount, reason, f"difference-{number}", now),)
    return Explanation("unrecorded_transfer", inferred, "changed while the line was down")


def told_by(
    rows: Sequence[VenueTransfer], asset: str, amount: Decimal, since: int
) -> tuple[VenueTransfer, ...]:
    """The rows that make up a difference, exactly; none if they do not.

    All since the last agreement, or else some of the newest: a deposit is dated before it is credited, and a
    fee may be in an amount or beside it.
    """
    of_asset = [row for row in rows if row.asset == asset]
    recent = tuple(row for row in of_asset if row.ts_event >= since)
    if recent and sum((row.amount for row in recent), ZERO) == amount:
        return recent
    newest = of_asset[-ROWS_WEIGHED_MAX:]
    for count in range(len(newest), 0, -1):
        for some in combinations(reversed(newest), count):
            if sum((row.amount for row in some), ZERO) == amount:
                return some[::-1]
    return ()


def answer_of(policy: ReconcilePolicy, kind: Kind) -> Answer:
    """What the policy says about a kind that statements show."""
    answer: Answer = getattr(policy, kind)
    return answer


def without_noticed(rows: Sequence[VenueTransfer], notices: Sequence[Notice]) -> list[VenueTransfer]:
    """Rows of a history that no notice has told before; one notice stands for one row."""
    left, open_notices = [], list(notices)
    for row in rows:
        same = next((notice for notice in open_notices if is_same(notice, row)), None)
        if same is None:
            left.append(row)
        else:
            open_notices.remove(same)
    return left


def is_same(notice: Notice, other: VenueTransfer | CashTransferred) -> bool:
    """Whether both are about one transfer."""
    return (notice.asset, notice.amount) == (other.asset, other.amount) and abs(
        notice.ts_event - other.ts_event
    ) <= SAME_TRANSFER_NS


def reversed_of(booking: CashTransferred, now: int) -> CashTransferred:
    """The booking that takes another back."""
    return msgspec.structs.replace(
        booking, ts_event=now, amount=-booking.amount, transfer_id=f"{booking.transfer_id}-undone"
    )


def _transfer(
    found: StatementDisagrees, amount: Decimal, reason: CashReason, transfer_id: str, ts_event: int
) -> CashTransferred:
    return CashTransferred(
        ts_event=ts_event,
        account=found.account,
        asset=found.asset,
        amount=amount,
        reason=reason,
        transfer_id=transfer_id,
    )
