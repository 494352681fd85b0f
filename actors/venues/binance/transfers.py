"""The account's own history of money that came and went other than by trading.

The venue keeps it in pieces: deposits, withdrawals, small balances converted, distributions, and what was
moved between wallets. Each is asked for by itself; the history is complete only if every piece was told.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

import structlog

from actors.messages.account import VenueTransfer
from actors.model.instrument import ZERO
from actors.venues.binance.codes import Refusal
from actors.venues.binance.rest import NS_PER_MS, RestClient
from actors.venues.binance.wallet_wire import (
    DEPOSIT_ROWS,
    DIVIDENDS,
    DUST_LOG,
    WALLET_MOVES,
    WITHDRAWAL_ROWS,
    Deposit,
    Dividends,
    DustLog,
    WalletMoves,
    Withdrawal,
)

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
SPAN_MAX_MS = 89 * DAY_MS
"""Deposits and withdrawals are told of 90 days at most."""
EARLIER_MS = 3 * DAY_MS
"""A deposit is dated when it was first seen, and credited when the network has confirmed it."""
PAGE = 1_000
WALLET_PAGE = 100
DIVIDEND_PAGE = 500
DUST_MAX = 100
"""The venue shows no more conversions than the newest hundred."""
CREDITED = (1, 6)
"""States of a deposit that is in the balance, the second not free to be withdrawn yet."""
NOT_WITHDRAWN = (1, 3, 5)
"""Cancelled, refused, failed: any other withdrawal has left the balance."""
SPOT_WALLET = 0
SPOT_WALLET_NAME = "MAIN"
OTHER_WALLETS = ("FUNDING", "MARGIN", "UMFUTURE", "CMFUTURE", "OPTION", "PORTFOLIO_MARGIN")
ADVICE = "unexplained cash is treated as at a venue without a history; give the key the right to read it"

Rows = list[VenueTransfer]


class Told(NamedTuple):
    """A history: complete from `since_ms` on."""

    since_ms: int
    rows: Rows


class TransferHistory:
    """Asks for all pieces; one that the key may not read, or this address does not serve, is asked once."""

    def __init__(self, *, rest: RestClient, venue: str, account: str) -> None:
        """`rest` with a budget of its own: refusals here hold up no order."""
        self._rest = rest
        self._venue = venue
        self._account = account
        self._refused: dict[str, str] = {}

    async def since(self, wanted_ms: int, now_ms: int) -> Told:
        """Everything from `wanted_ms` on, as far back as the venue tells, and some of what came before.

        Raises:
            Refusal: The venue could not say now.
            VenueUnreachable: No answer.
        """
        start = max(wanted_ms, now_ms - SPAN_MAX_MS + EARLIER_MS)
        pieces: dict[str, Callable[[int, int], Awaitable[Rows]]] = {
            "deposits": self._deposits,
            "withdrawals": self._withdrawals,
            "dust": self._dust,
            "dividends": self._dividends,
            "wallets": self._between_wallets,
        }
        rows: Rows = []
        for name, ask in pieces.items():
            if name not in self._refused:
                try:
                    rows += await ask(start - EARLIER_MS, now_ms)
                except Refusal as refusal:
                    if refusal.is_repeatable:
                        raise
                    self._refuse(name, str(refusal))
        rows.sort(key=lambda row: row.ts_event)
        return Told(now_ms if self._refused else start, rows)

    def _refuse(self, name: str, reason: str) -> None:
        self._refused[name] = reason
        log.warning(
            "history of transfers refused", account=self._account, part=name, reason=reason, so=ADVICE
        )

    async def _deposits(self, start: int, end: int) -> Rows:
        found: list[Deposit] = []
        while len(found) % PAGE == 0:
            params = {"startTime": start, "endTime": end, "offset": len(found), "limit": PAGE}
            page = await self._rest.read("/sapi/v1/capital/deposit/hisrec", DEPOSIT_ROWS, params, signed=True)
            found += page
            if not page:
                break
        return [
            self._row("deposit", each.id, each.coin, each.amount, each.complete_time or each.insert_time)
            for each in found
            if each.status in CREDITED and each.wallet_type == SPOT_WALLET
        ]

    async def _withdrawals(self, start: int, end: int) -> Rows:
        found: list[Withdrawal] = []
        while len(found) % PAGE == 0:
            params = {"startTime": start, "endTime": end, "offset": len(found), "limit": PAGE}
            page = await self._rest.read(
                "/sapi/v1/capital/withdraw/history", WITHDRAWAL_ROWS, params, signed=True
            )
            found += page
            if not page:
                break
        rows: Rows = []
        for each in found:
            if each.status in NOT_WITHDRAWN or each.wallet_type != SPOT_WALLET:
                continue
            at = _milliseconds(each.apply_time)
            rows.append(self._row("withdrawal", each.id, each.coin, -each.amount, at))
            if each.transaction_fee:  # a line of its own: the sheets do not say whether the amount has it in
                rows.append(self._row("withdrawal", f"{each.id}:fee", each.coin, -each.transaction_fee, at))
        return rows

    async def _dust(self, start: int, end: int) -> Rows:
        log_: DustLog = await self._rest.read(
            "/sapi/v1/asset/dribblet", DUST_LOG, {"startTime": start, "endTime": end}, signed=True
        )
        rows: Rows = []
        for batch in log_.user_asset_dribblets:
            for each in batch.user_asset_dribblet_details:
                name, at = f"{each.trans_id}:{each.from_asset}", each.operate_time
                rows.append(self._row("conversion", name, each.from_asset, -each.amount, at))
                rows.append(
                    self._row("conversion", f"{name}:got", each.target_asset, each.transfered_amount, at)
                )
        return rows

    async def _dividends(self, start: int, end: int) -> Rows:
        rows: Rows = []
        while True:  # newest first, and no offset: earlier ones are asked for by an earlier end
            params = {"startTime": start, "endTime": end, "limit": DIVIDEND_PAGE}
            told: Dividends = await self._rest.read(
                "/sapi/v1/asset/assetDividend", DIVIDENDS, params, signed=True
            )
            rows += [
                self._row("deposit", f"dividend:{each.id}", each.asset, each.amount, each.div_time)
                for each in told.rows
            ]
            if len(told.rows) < DIVIDEND_PAGE:
                return _once(rows)
            end = min(each.div_time for each in told.rows)

    async def _between_wallets(self, start: int, end: int) -> Rows:
        rows: Rows = []
        for other in OTHER_WALLETS:
            rows += await self._moves(f"{SPOT_WALLET_NAME}_{other}", -1, start, end)
            rows += await self._moves(f"{other}_{SPOT_WALLET_NAME}", 1, start, end)
        return rows

    async def _moves(self, kind: str, sign: int, start: int, end: int) -> Rows:
        rows: Rows = []
        page = 1
        while True:
            params: dict[str, str | int] = {
                "type": kind, "startTime": start, "endTime": end, "current": page, "size": WALLET_PAGE,
            }  # fmt: skip
            told: WalletMoves = await self._rest.read(
                "/sapi/v1/asset/transfer", WALLET_MOVES, params, signed=True
            )
            rows += [
                self._row("wallet", str(each.tran_id), each.asset, sign * each.amount, each.timestamp)
                for each in told.rows
                if each.status == "CONFIRMED"
            ]
            if len(told.rows) < WALLET_PAGE:
                return rows
            page += 1

    def _row(self, kind: str, number: str, asset: str, amount: Decimal, at_ms: int) -> VenueTransfer:
        return VenueTransfer(
            transfer_id=f"{self._venue}:{kind}:{number}",
            asset=asset,
            amount=amount,
            reason="conversion" if kind == "conversion" else "deposit" if amount > ZERO else "withdrawal",
            ts_event=at_ms * NS_PER_MS,
        )


def _once(rows: Iterable[VenueTransfer]) -> Rows:
    return list({row.transfer_id: row for row in rows}.values())


def _milliseconds(text: str) -> int:
    """`2019-10-12 11:12:02`, UTC."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")) * 1_000
