"""TWS's answers as evidence for the core: about one order, and about the whole account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import structlog

from actors.errors import TradingError
from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    FillsEvidence,
    OrdersEvidence,
    PositionsEvidence,
    VenueFill,
    VenueOrder,
)
from actors.messages.orders import FillReport, QueryAccount, QueryOrder, StatusReport, VenueStatus
from actors.model.instrument import DERIVATIVES, ZERO
from actors.venues.ib.claims import CompletedOrder, Execution, OpenOrder
from actors.venues.ib.directory import Directory
from actors.venues.ib.marks import NOTHING, Mark
from actors.venues.ib.orders import known_from_claim, side_of, status_of, terms_in
from actors.venues.ib.reading import Lists, StatementReader
from actors.venues.ib.reports import Reports
from actors.venues.ib.session import Session

log = structlog.get_logger(__name__)

COMMISSION_SECONDS = 3.0
KEPT_NS = 2 * 86_400 * 1_000_000_000
"""Executions that a statement has told and whose order is over are forgotten after so long."""
Part = TypeVar("Part")


class Statements:
    """Every answer is complete or is none."""

    def __init__(
        self,
        *,
        account: str,
        session: Session,
        reader: StatementReader,
        reports: Reports,
        directory: Directory,
        clock: Callable[[], int],
    ) -> None:
        self._account, self._session = account, session
        self._reader, self._reports, self._directory, self._clock = reader, reports, directory, clock

    async def order(self, query: QueryOrder) -> list[FillReport | StatusReport]:
        """The order's fills, then its status; `not_found` when none of the three lists has it.

        Raises:
            TradingError: TWS did not answer.
        """
        lists = await self._reader.orders(not_before=asyncio.get_running_loop().time())
        await self._commissions()
        executions = self._reports.executions
        perm_ids = self._perm_ids(query, lists)
        fills = [
            self._reports.fill_report(booked)
            for booked in executions.all()
            if booked.execution.perm_id in perm_ids
        ]
        known = sum((fill.quantity for fill in fills), ZERO)
        status, filled = self._status(perm_ids, lists, known)
        return [
            *fills,
            StatusReport(
                ts_event=self._clock(), account=self._account, instrument=query.instrument,
                client_order_id=query.client_order_id,
                venue_order_id=str(perm_ids[-1]) if perm_ids else None, status=status,
                filled_quantity=filled, fills_complete=filled == known,
            ),
        ]  # fmt: skip

    async def account(self, query: QueryAccount) -> AccountEvidence:
        """Everything TWS says of the account; None is a part that was not answered."""
        seq = query.asked_seq
        lists = await self._part("orders", self._read_lists)
        fills, corrected = self._fills(query, lists.open) if lists is not None else (None, ())
        positions = await self._part("positions", self._reader.positions)
        cash = await self._part("cash", self._reader.cash)
        total: dict[str, Decimal] | None = None
        contracts: dict[str, Decimal] | None = None
        if positions is not None and cash is not None:
            total, contracts = dict(cash), {}
            for position in positions.values():
                listed = self._directory.by_con_id(position.con_id)
                if listed is None:
                    name = f"{position.symbol}#{position.con_id}"
                    total[name] = total.get(name, ZERO) + position.quantity
                elif listed.instrument.kind in DERIVATIVES:
                    contracts[listed.instrument.id] = position.quantity
                else:
                    base = listed.instrument.base
                    total[base] = total.get(base, ZERO) + position.quantity
        return AccountEvidence(
            ts_event=self._clock(),
            account=self._account,
            orders=None
            if lists is None
            else OrdersEvidence(
                asked_seq=seq, orders=tuple(self._venue_order(each, lists) for each in lists.open.values())
            ),
            fills=None
            if fills is None
            else FillsEvidence(
                asked_seq=seq,
                fills=tuple(fills),
                read_to=self._marks(fills, query.fills_after),
                corrected=tuple(corrected),
            ),
            balances=None if total is None else BalancesEvidence(asked_seq=seq, total=total),
            positions=None if contracts is None else PositionsEvidence(asked_seq=seq, quantity=contracts),
            venue_time_ms=self._clock() // 1_000_000 + self._session.offset_ms,
        )

    async def _read_lists(self) -> Lists:
        lists = await self._reader.orders(not_before=asyncio.get_running_loop().time())
        await self._commissions()
        return lists

    async def _commissions(self) -> None:
        """An execution without its cost is no fill yet; it usually takes milliseconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(COMMISSION_SECONDS, self._session.settings.commission_seconds)
        while self._reports.executions.overdue(loop.time(), 0.0):
            if loop.time() >= deadline:
                break
            await asyncio.sleep(0.05)

    async def _part(self, name: str, ask: Callable[[], Awaitable[Part]]) -> Part | None:
        try:
            return await ask()
        except TradingError as error:
            log.warning("part of a statement without answer", part=name, error=str(error))
            return None

    def _fills(self, query: QueryAccount, working: Container[int]) -> tuple[list[VenueFill], list[VenueFill]]:
        """Executions that no completed statement has told before; of the others those that changed since."""
        marks = {instrument: Mark.parse(text) for instrument, text in query.fills_after.items()}
        fills: list[VenueFill] = []
        corrected: list[VenueFill] = []
        past: list[Execution] = []
        oldest = self._clock() - KEPT_NS
        for booked in self._reports.executions.all():
            execution, fill = booked.execution, venue_fill(self._reports.fill_report(booked))
            if marks.get(fill.instrument, NOTHING).is_before(fill):
                fills.append(fill)
                continue
            if execution.revision > 1 or (fill.fee_known and fill.trade_id in query.fees_wanted):
                corrected.append(fill)
            if execution.time_ns < oldest and execution.perm_id not in working:
                past.append(execution)
        self._reports.forget(past)
        return sorted(fills, key=lambda fill: fill.ts_event), corrected

    def _marks(self, told: Sequence[VenueFill], after: Mapping[str, str]) -> dict[str, str]:
        """The marks that come of telling these; none passes an execution that still waits for its cost."""
        marks = {instrument: Mark.parse(text) for instrument, text in after.items()}
        held_back = {self._reports.instrument_of(each.con_id) for each in self._reports.executions.waiting()}
        for fill in told:
            if fill.instrument not in held_back:
                marks[fill.instrument] = marks.get(fill.instrument, NOTHING).moved(fill)
        return {instrument: mark.text() for instrument, mark in marks.items()}

    def _perm_ids(self, query: QueryOrder, lists: Lists) -> list[int]:
        found: dict[int, None] = {}
        known = self._reports.of(query.client_order_id, query.venue_order_id)
        if known is not None:
            found |= dict.fromkeys(known.perm_ids)
        rows: list[OpenOrder | CompletedOrder] = [*lists.open.values(), *lists.completed.values()]
        found |= {row.perm_id: None for row in rows if row.order_ref == query.client_order_id}
        found |= {
            booked.execution.perm_id: None
            for booked in self._reports.executions.all()
            if booked.execution.order_ref == query.client_order_id
        }
        if query.venue_order_id is not None and query.venue_order_id.isdigit():
            perm_id = int(query.venue_order_id)
            if any(row.perm_id == perm_id for row in rows):
                found[perm_id] = None
        return list(found)

    def _status(self, perm_ids: list[int], lists: Lists, known: Decimal) -> tuple[VenueStatus, Decimal]:
        """The order's state, and how much of it TWS says is filled."""
        for perm_id in perm_ids:
            if perm_id in lists.open:
                status = lists.statuses.get(perm_id)
                filled = status.filled if status is not None else known
                held = status.why_held if status is not None else ""
                return status_of(lists.open[perm_id].status, filled, held), filled
        for perm_id in perm_ids:
            completed = lists.completed.get(perm_id)
            if completed is not None:
                filled = completed.filled or known
                return status_of(completed.status, filled), filled
        return ("partially_filled", known) if known else ("not_found", ZERO)

    def _venue_order(self, claim: OpenOrder, lists: Lists) -> VenueOrder:
        status = lists.statuses.get(claim.perm_id)
        filled = status.filled if status is not None else self._reports.executions.filled(claim.perm_id)
        instrument = self._reports.instrument_of(claim.con_id)
        _, price, stop_price, trail = terms_in(claim, known_from_claim(claim, instrument))
        return VenueOrder(
            instrument=instrument, client_order_id=claim.order_ref or None,
            venue_order_id=str(claim.perm_id), side=side_of(claim.action), quantity=claim.quantity,
            filled_quantity=filled, price=price,
            status=status_of(claim.status, filled, "" if status is None else status.why_held),
            stop_price=stop_price, trail=trail,
        )  # fmt: skip


def venue_fill(fill: FillReport) -> VenueFill:
    """A fill as a part of a statement."""
    return VenueFill(
        instrument=fill.instrument, client_order_id=fill.client_order_id,
        venue_order_id=fill.venue_order_id or "", trade_id=fill.trade_id, side=fill.side,
        quantity=fill.quantity, price=fill.price, fee=fill.fee, fee_currency=fill.fee_currency,
        liquidity=fill.liquidity, ts_event=fill.ts_event, revision=fill.revision, fee_known=fill.fee_known,
    )  # fmt: skip
