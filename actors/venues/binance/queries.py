"""What the venue says when asked: one order with its fills, and the account's statement."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from actors.errors import VenueUnreachable
from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    FillsEvidence,
    OrdersEvidence,
    TransfersEvidence,
    VenueFill,
)
from actors.messages.orders import FillReport, QueryAccount, QueryOrder, StatusReport
from actors.model.instrument import ZERO
from actors.venues.binance import translate_orders as translate
from actors.venues.binance.codes import Meaning, Refusal
from actors.venues.binance.rest import NS_PER_MS, RestClient
from actors.venues.binance.transfers import Told, TransferHistory
from actors.venues.binance.wire import ACCOUNT, ORDER_ROW, ORDER_ROWS, TRADE_ROWS, OrderRow, TradeRow

log = structlog.get_logger(__name__)

PAGE = 1000
T = TypeVar("T")


class KnownOrders:
    """Client order id ↔ venue order id as learnt from the venue; the oldest are forgotten."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._venue_ids: dict[str, str] = {}
        self._client_ids: dict[str, str] = {}

    def learn(self, client_order_id: str | None, venue_order_id: str | None) -> None:
        """Both names of one order; the first pair stays, because a cancel may rename."""
        if not client_order_id or not venue_order_id or venue_order_id in self._client_ids:
            return
        self._venue_ids[client_order_id] = venue_order_id
        self._client_ids[venue_order_id] = client_order_id
        if len(self._client_ids) > self._size:
            oldest = next(iter(self._client_ids))
            self._venue_ids.pop(self._client_ids.pop(oldest), None)

    def venue_id(self, client_order_id: str) -> str | None:
        """The venue's name of our order."""
        return self._venue_ids.get(client_order_id)

    def client_id(self, venue_order_id: str) -> str | None:
        """Our name of the venue's order."""
        return self._client_ids.get(venue_order_id)


class Queries:
    """Asks over REST; every answer is complete or is none."""

    def __init__(
        self,
        *,
        rest: RestClient,
        account: translate.Account,
        known: KnownOrders,
        clock: Callable[[], int],
        transfers: TransferHistory,
    ) -> None:
        self._rest = rest
        self._account = account
        self._known = known
        self._clock = clock
        self._history = transfers

    async def order(self, query: QueryOrder) -> list[FillReport | StatusReport]:
        """The order's fills, then its status; nothing at all when the venue could not say.

        A `not_found` has looked by both names and, because a cancel may have renamed the order, through the
        symbol's newest orders.
        """
        symbol = translate.symbol_of(query.instrument)
        try:
            row = await self._find(query, symbol)
            if row is None:
                return [self._status(query, None, "not_found", ZERO, complete=True)]
            trades = await self._trades(symbol, {"orderId": row.order_id}, 0) if row.executed_qty else []
            status = translate.status_of(row)
        except (Refusal, VenueUnreachable, translate.Impossible) as error:
            log.warning("order query without answer", order=query.client_order_id, error=str(error))
            return []
        complete = sum((trade.qty for trade in trades), ZERO) == row.executed_qty
        fills = [translate.venue_fill(trade, query.instrument, query.client_order_id) for trade in trades]
        return [
            *(fill.report(query.account) for fill in fills),
            self._status(query, str(row.order_id), status, row.executed_qty, complete=complete),
        ]

    async def statement(self, query: QueryAccount) -> AccountEvidence:
        """Open orders, fills after the marks, balances, and transfers if asked for; None is a part unread."""
        seq = query.asked_seq
        # Orders first: one that fills meanwhile is listed as open, and its fill is in the later answer.
        orders = await self._part("orders", self._open_orders)
        fills = await self._part("fills", lambda: self._fills(query.fills_after))
        balances = await self._part("balances", self._balances)
        # Last: what the balances show is in a history that was read after them.
        transfers = None
        if (since := query.transfers_since) is not None:
            transfers = await self._part("transfers", lambda: self._transfers(since))
        return AccountEvidence(
            ts_event=self._clock(),
            account=query.account,
            orders=None if orders is None else OrdersEvidence(asked_seq=seq, orders=orders),
            fills=None
            if fills is None
            else FillsEvidence(asked_seq=seq, fills=tuple(fills[0]), read_to=fills[1]),
            balances=None if balances is None else BalancesEvidence(asked_seq=seq, total=balances),
            venue_time_ms=self._rest.venue_now_ms(),
            transfers=transfers
            and TransfersEvidence(
                asked_seq=seq, since=transfers.since_ms * NS_PER_MS, transfers=tuple(transfers.rows)
            ),
        )

    async def _transfers(self, since_ns: int) -> Told:
        return await self._history.since(since_ns // NS_PER_MS, self._rest.venue_now_ms())

    async def _part(self, name: str, ask: Callable[[], Any]) -> Any:
        try:
            return await ask()
        except (Refusal, VenueUnreachable, translate.Impossible) as error:
            log.warning("part of a statement without answer", part=name, error=str(error))
            return None

    async def _find(self, query: QueryOrder, symbol: str) -> OrderRow | None:
        client_id = query.client_order_id
        venue_id = query.venue_order_id or self._known.venue_id(client_id)
        key: dict[str, str | int] = (
            {"orderId": int(venue_id)} if venue_id else {"origClientOrderId": client_id}
        )
        try:
            row = await self._rest.read("/api/v3/order", ORDER_ROW, {"symbol": symbol, **key}, signed=True)
            self._known.learn(client_id, str(row.order_id))
            return row
        except Refusal as refusal:
            if refusal.meaning is not Meaning.NOT_FOUND:
                raise
        newest = await self._rest.read(
            "/api/v3/allOrders", ORDER_ROWS, {"symbol": symbol, "limit": PAGE}, signed=True
        )
        for row in reversed(newest):
            if row.client_order_id == client_id or str(row.order_id) == venue_id:
                return row
        return None

    async def _open_orders(self) -> tuple[Any, ...]:
        rows = await self._rest.read("/api/v3/openOrders", ORDER_ROWS, signed=True)
        for row in rows:
            self._known.learn(row.client_order_id, str(row.order_id))
        return tuple(translate.venue_order(row, self._account) for row in rows)

    async def _fills(self, after: dict[str, str]) -> tuple[list[VenueFill], dict[str, str]]:
        found: list[VenueFill] = []
        read_to: dict[str, str] = {}
        for instrument, mark in after.items():
            start = int(mark) + 1 if mark else 0
            rows = await self._trades(translate.symbol_of(instrument), {}, start)
            read_to[instrument] = str(rows[-1].id) if rows else mark
            await self._name(translate.symbol_of(instrument), [row.order_id for row in rows])
            found += [
                translate.venue_fill(row, instrument, self._known.client_id(str(row.order_id)))
                for row in rows
            ]
        found.sort(key=lambda fill: fill.ts_event)
        return found, read_to

    async def _name(self, symbol: str, order_ids: list[int]) -> None:
        """Learn the client ids of these orders: executions do not name them."""
        unnamed = [each for each in order_ids if self._known.client_id(str(each)) is None]
        if unnamed:
            params: dict[str, str | int] = {"symbol": symbol, "orderId": min(unnamed), "limit": PAGE}
            for row in await self._rest.read("/api/v3/allOrders", ORDER_ROWS, params, signed=True):
                self._known.learn(row.client_order_id, str(row.order_id))

    async def _trades(self, symbol: str, key: dict[str, str | int], start: int) -> list[TradeRow]:
        """All pages from a trade id on, oldest first."""
        found: list[TradeRow] = []
        while True:
            params = {"symbol": symbol, **key, "fromId": start, "limit": PAGE}
            if key and not start:
                # With an order's id the first page needs no trade id.
                del params["fromId"]
            rows = await self._rest.read("/api/v3/myTrades", TRADE_ROWS, params, signed=True)
            found += rows
            if len(rows) < PAGE:
                return found
            start = rows[-1].id + 1

    async def account_id(self) -> str:
        """The venue's id of the account behind the key.

        Raises:
            Refusal: The venue does not take the key.
            VenueUnreachable: No answer.
        """
        answer = await self._rest.read("/api/v3/account", ACCOUNT, {"omitZeroBalances": "true"}, signed=True)
        if answer.uid is None:
            raise VenueUnreachable("the account's statement has no uid: check that the base URL is Binance's")
        return str(answer.uid)

    async def _balances(self) -> dict[str, Decimal]:
        answer = await self._rest.read("/api/v3/account", ACCOUNT, {"omitZeroBalances": "true"}, signed=True)
        # What the venue leaves out is zero; for the assets we trade that is worth saying.
        total = dict.fromkeys(
            (asset for i in self._account.instruments.values() for asset in (i.base, i.quote)), ZERO
        )
        total.update({held.asset: held.free + held.locked for held in answer.balances})
        return total

    def _status(
        self, query: QueryOrder, venue_id: str | None, status: Any, filled: Decimal, *, complete: bool
    ) -> StatusReport:
        return StatusReport(
            ts_event=self._clock(),
            account=query.account,
            instrument=query.instrument,
            client_order_id=query.client_order_id,
            venue_order_id=venue_id or query.venue_order_id,
            status=status,
            filled_quantity=filled,
            fills_complete=complete,
        )
