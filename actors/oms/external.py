"""Fills of orders that we cannot name: they wait until each order of ours is identified."""

from __future__ import annotations

import msgspec

from actors.messages.orders import FillReport
from actors.model.ids import is_panic_id
from actors.oms.book import QUERIES_TO_PASS, OrderBook
from actors.oms.corrections import figures_of, key_of, newest
from actors.oms.events import OrderEvents

PASSED_MAX = 1_000
"""So many orders of others are remembered with their fills."""


class Stray(msgspec.Struct, array_like=True):
    """A fill that belongs to none of the orders we can name yet."""

    report: FillReport
    seq: int
    declared: bool = False
    """Shown as external; should it turn out to be ours after all, it is moved to its order."""
    passed: int = 0


class ExternalFills:
    """Fills without an order, in the order in which they came."""

    def __init__(self, book: OrderBook, events: OrderEvents) -> None:
        self._book = book
        self._events = events
        self.strays: dict[tuple[str, str, str, str], Stray] = {}
        """Read only from outside."""
        self._passed: dict[tuple[str, str, str], list[Stray]] = {}
        """Declared ones that queries have passed, by venue order: kept to be found to be ours after all."""

    def __len__(self) -> int:
        return len(self.strays) + len(self._passed)

    def add(self, report: FillReport, seq: int) -> None:
        """Keep a fill; a second delivery changes nothing."""
        known = self._of(report)
        if known is not None:
            self._correct(known, report)
            return
        self.strays[key_of(report)] = Stray(report, seq)
        self.show(report.account, report.instrument)

    def add_opening(self, report: FillReport, seq: int) -> None:
        """A fill that the opening balance includes, and that may change: only its changes will be booked."""
        if report.revision and self._of(report) is None:
            stray = Stray(report, seq, declared=True, passed=QUERIES_TO_PASS)
            self._passed.setdefault(key_of(report)[:3], []).append(stray)

    def knows(self, report: FillReport) -> bool:
        """Whether the fill was heard of before, with whatever figures."""
        return self._of(report) is not None

    def fees_wanted(self, account: str) -> tuple[str, ...]:
        """Fills whose fee nobody has told."""
        reports = [
            stray.report for stray in self._all() if not stray.report.fee_known and stray.report.quantity
        ]
        return tuple([report.trade_id for report in reports if report.account == account])

    def _of(self, report: FillReport) -> Stray | None:
        key = key_of(report)
        passed = (stray for stray in self._passed.get(key[:3], ()) if key_of(stray.report) == key)
        return self.strays.get(key) or next(passed, None)

    def _correct(self, stray: Stray, report: FillReport) -> None:
        """A later word replaces what was shown; what `tickerd panic` has closed stays as it was told."""
        if report.revision <= stray.report.revision or is_panic_id(report.client_order_id or ""):
            return
        former, stray.report = stray.report, newest(stray.report, report)
        if stray.declared and figures_of(former) != figures_of(stray.report):
            self._events.external_moved(former)
            self._events.external_shown(stray.report)

    def take(self, account: str, instrument: str, venue_order_id: str) -> list[FillReport]:
        """Remove and return the fills of a venue order that is now known to be ours.

        What was booked as external is taken back first: it is moved, not added.
        """
        wanted = (account, instrument, venue_order_id)
        strays = self._passed.pop(wanted, [])
        keys = [key for key in self.strays if key[:3] == wanted]
        strays += [self.strays.pop(key) for key in keys]
        for stray in strays:
            if stray.declared:
                self._events.external_moved(stray.report)
        return [stray.report for stray in strays]

    def show(self, account: str, instrument: str) -> None:
        """Once every order of ours there is identified, what no order has claimed is somebody else's."""
        if not self.strays or self._book.has_unnamed(account, instrument):
            return
        for key, stray in self.strays.items():
            if key[0] == account and key[1] == instrument and not stray.declared:
                stray.declared = True
                self._events.external(stray.report)

    def pass_by(self, account: str, asked_seq: int) -> None:
        """Put declared strays away that two completed queries, asked for later, have passed."""
        for key in [key for key in self.strays if key[0] == account]:
            stray = self.strays[key]
            stray.passed += stray.declared and stray.seq < asked_seq
            if stray.passed >= QUERIES_TO_PASS:
                self._passed.setdefault(key[:3], []).append(self.strays.pop(key))
        while len(self._passed) > PASSED_MAX:
            del self._passed[next(iter(self._passed))]

    def shown(self) -> dict[tuple[str, str, str], list[FillReport]]:
        """Fills booked as external that are still kept, by (account, instrument, venue order id)."""
        found: dict[tuple[str, str, str], list[FillReport]] = {}
        for stray in self._all():
            if stray.declared and stray.report.quantity:  # nothing is booked of one that was busted
                found.setdefault(key_of(stray.report)[:3], []).append(stray.report)
        return found

    def _all(self) -> list[Stray]:
        """Those that queries have passed, then the rest."""
        return [*(stray for kept in self._passed.values() for stray in kept), *self.strays.values()]

    def snapshot(self) -> list[Stray]:
        """State for the checkpoint."""
        return [msgspec.structs.replace(stray) for stray in self._all()]

    def restore(self, strays: list[Stray]) -> None:
        """Take a checkpoint's strays."""
        self.strays, self._passed = {}, {}
        for stray in strays:
            report = stray.report
            key = key_of(report)
            if stray.passed >= QUERIES_TO_PASS:
                self._passed.setdefault(key[:3], []).append(stray)
            else:
                self.strays[key] = stray
