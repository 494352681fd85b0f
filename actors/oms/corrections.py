"""Later words of venues on executions that are booked: the newest stands, whatever order they come in.

A fill that may still change carries a revision above 0. Such fills are remembered apart from their orders,
which are forgotten sooner: the newest word is what is booked, an older or repeated one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from actors.messages.clearing import PositionSplit
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import FillReport, Report, StatusReport
from actors.model.money import ZERO
from actors.oms.book import OrderBook
from actors.oms.desk import Desk
from actors.oms.fills import is_booked, trade_key
from actors.oms.order import Order

REMEMBERED_MAX = 4_096
"""So many fills that may still change are remembered; what is older shows as a difference."""
FillKey = tuple[str, str, str, str]
"""Account, instrument, venue order id, trade id."""


class BookedFill(msgspec.Struct, array_like=True):
    """An execution of an order of ours as it is booked."""

    report: FillReport
    """The newest word; with the fee that is booked."""
    client_order_id: str
    strategy: str
    mid_price: float | None


def key_of(report: FillReport) -> FillKey:
    """What all words on an execution have in common."""
    return report.account, report.instrument, report.venue_order_id or "", report.trade_id


def newest(known: FillReport, said: FillReport) -> FillReport:
    """A later word, completed by what was known before: a fee that it does not tell has not changed."""
    if said.fee_known or not known.fee_known:
        return said
    return msgspec.structs.replace(said, fee=known.fee, fee_currency=known.fee_currency, fee_known=True)


class Corrections:
    """Fills that may change; `on_changed` hears of each order of ours that has another filled quantity."""

    def __init__(self, desk: Desk, book: OrderBook, on_changed: Callable[[Order], None]) -> None:
        self._desk, self._book, self._on_changed = desk, book, on_changed
        self._booked: dict[FillKey, BookedFill] = {}

    def note(self, order: Order, fill: FillReport) -> None:
        """A fill of an order of ours is booked, or was busted before it could be."""
        terms = order.terms
        self._booked[key_of(fill)] = BookedFill(fill, terms.client_order_id, terms.strategy, order.mid_price)
        if len(self._booked) > REMEMBERED_MAX:
            del self._booked[next(iter(self._booked))]

    def knows(self, report: FillReport) -> bool:
        """Whether the fill is booked, with whatever figures."""
        return key_of(report) in self._booked

    def is_old(self, report: FillReport) -> bool:
        """Whether the fill is booked by this word or a later one."""
        booked = self._booked.get(key_of(report))
        return booked is not None and report.revision <= booked.report.revision

    def may_shrink(self, order: Order, report: Report) -> bool:
        """Whether less may have been filled than was said: after all fills, of which one was stated anew."""
        is_whole = isinstance(report, StatusReport) and report.fills_complete
        mine = order.terms.client_order_id
        return is_whole and any(each.client_order_id == mine for each in self._booked.values())

    def is_no_fill(self, order: Order, fill: FillReport) -> bool:
        """Whether its order has it already, or it was busted before we heard of it."""
        if is_booked(order, fill):
            return True
        if not fill.quantity:
            order.trades.append(trade_key(fill))
            self.note(order, msgspec.structs.replace(fill, fee=ZERO))  # nothing of it is booked so far
            self._correct(self._booked[key_of(fill)], fill)
        return not fill.quantity

    def take(self, report: FillReport) -> bool:
        """Book a later word; False when the fill is not booked."""
        booked = self._booked.get(key_of(report))
        if booked is None:
            return False
        if report.revision > booked.report.revision:
            self._correct(booked, report)
        return True

    def _correct(self, booked: BookedFill, report: FillReport) -> None:
        former, report = booked.report, newest(booked.report, report)
        booked.report = report
        before, after = figures_of(former), figures_of(report)
        order = self._book.get(booked.client_order_id)
        if before == after and former.fee_known == report.fee_known:
            return
        corrected = FillCorrected(
            ts_event=self._desk.now, client_order_id=booked.client_order_id, account=report.account,
            strategy=booked.strategy, instrument=report.instrument,
            venue_order_id=report.venue_order_id or "", trade_id=report.trade_id, revision=report.revision,
            side=report.side, liquidity=report.liquidity, before=before, after=after,
            fee_known=report.fee_known,
            mid_price=booked.mid_price, ts_filled=former.ts_event,
            filled_quantity=self._filled(booked.client_order_id, order, after.quantity - before.quantity),
        )  # fmt: skip
        self._desk.send(corrected)
        if order is not None and (change := corrected.quantity_change):
            order.filled += change
            order.corrected += change
            self._on_changed(order)

    def _filled(self, client_order_id: str, order: Order | None, change: Decimal) -> Decimal:
        """In all, this change included; of an order that is forgotten, what is remembered of its fills."""
        if order is not None:
            return order.filled + change
        fills = (each.report for each in self._booked.values() if each.client_order_id == client_order_id)
        return sum((fill.quantity for fill in fills), ZERO)

    def fees_wanted(self, account: str) -> tuple[str, ...]:
        """Fills that are booked with a fee nobody has told."""
        return tuple([
            key[3] for key, booked in self._booked.items()
            if key[0] == account and not booked.report.fee_known and booked.report.quantity != ZERO
        ])  # fmt: skip

    def hand_over(self, account: str, instrument: str, former: str, strategy: str) -> None:
        """What one strategy held is another's, and so is what becomes of it."""
        for key, booked in self._booked.items():
            if key[0] == account and key[1] == instrument and booked.strategy == former:
                booked.strategy = strategy

    def on_split(self, split: PositionSplit) -> None:
        """Fills from before a split are in other shares: what changes of them shows as a difference."""
        for key in [key for key in self._booked if key[:2] == (split.account, split.instrument)]:
            del self._booked[key]

    def snapshot(self) -> list[BookedFill]:
        """State for the checkpoint, oldest first."""
        return [msgspec.structs.replace(booked) for booked in self._booked.values()]

    def restore(self, booked: list[BookedFill]) -> None:
        """Take a checkpoint's."""
        self._booked = {key_of(each.report): each for each in booked}


def figures_of(report: FillReport) -> FillFigures:
    """What of a report may change."""
    return FillFigures(
        quantity=report.quantity, price=report.price, fee=report.fee, fee_currency=report.fee_currency
    )
