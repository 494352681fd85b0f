"""What the owner of an account may ask about money that came and went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.format import amount
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services
from daemon.exchange.wallet import TransferRecord

DAY_MS = 86_400_000
SPAN_MAX_MS = 90 * DAY_MS
PAGE_MAX = 1_000
DIVIDENDS_MAX = 500
WALLET_PAGE_MAX = 100
DUST_MAX = 100
FUNDING = {"MAIN_FUNDING": -1, "FUNDING_MAIN": 1}
OTHER_WALLETS = ("MARGIN", "UMFUTURE", "CMFUTURE", "OPTION", "PORTFOLIO_MARGIN")
MOVES = (*FUNDING, *(f"MAIN_{each}" for each in OTHER_WALLETS), *(f"{each}_MAIN" for each in OTHER_WALLETS))


def deposits(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """What came in over a network, newest first."""
    return [
        {
            "id": str(each.number),
            "amount": amount(each.amount),
            "coin": each.asset,
            "network": each.asset,
            "status": 1,
            "insertTime": each.time_ms,
            "transferType": 0,
            "confirmTimes": "1/1",
            "walletType": 0,
        }
        for each in _page(services, caller, params, lambda r: r.way == "chain" and r.amount > 0)
    ]


def withdrawals(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """What went out over a network, newest first."""
    return [
        {
            "id": str(each.number),
            "amount": amount(-each.amount),
            "transactionFee": "0",
            "coin": each.asset,
            "status": 6,
            "applyTime": datetime.fromtimestamp(each.time_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "network": each.asset,
            "transferType": 0,
            "walletType": 0,
        }
        for each in _page(services, caller, params, lambda r: r.way == "chain" and r.amount < 0)
    ]


def dust(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Small balances converted, newest first."""
    found = _between(services, caller, params, lambda r: r.way == "dust")
    batches = [
        {
            "operateTime": each.time_ms,
            "totalTransferedAmount": amount(each.received),
            "totalServiceChargeAmount": "0",
            "transId": each.number,
            "userAssetDribbletDetails": [
                {
                    "transId": each.number,
                    "serviceChargeAmount": "0",
                    "amount": amount(-each.amount),
                    "operateTime": each.time_ms,
                    "transferedAmount": amount(each.received),
                    "fromAsset": each.asset,
                    "targetAsset": each.into,
                }
            ],
        }
        for each in found[:DUST_MAX]
    ]
    return {"total": len(batches), "userAssetDribblets": batches}


def dividends(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """What was distributed, newest first."""
    found = _between(services, caller, params, lambda r: r.way == "dividend")
    limit = min(params.integer("limit", least=1) or 20, DIVIDENDS_MAX)
    rows = [
        {
            "id": each.number,
            "amount": amount(each.amount),
            "asset": each.asset,
            "divTime": each.time_ms,
            "enInfo": "distribution",
            "tranId": each.number,
        }
        for each in found[:limit]
    ]
    return {"rows": rows, "total": len(found)}


def moves(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """What was moved between wallets of one owner in one direction, newest first."""
    kind = params.required("type")
    if kind not in MOVES:
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    sign = FUNDING.get(kind, 0)
    found = _between(services, caller, params, lambda r: r.way == "funding" and r.amount * sign > 0)
    page, size = (
        params.integer("current", least=1) or 1,
        min(params.integer("size", least=1) or 10, WALLET_PAGE_MAX),
    )
    return {
        "total": len(found),
        "rows": [
            {
                "asset": each.asset,
                "amount": amount(abs(each.amount)),
                "type": kind,
                "status": "CONFIRMED",
                "tranId": each.number,
                "timestamp": each.time_ms,
            }
            for each in found[(page - 1) * size : page * size]
        ],
    }


def _page(
    services: Services, caller: Caller, params: Parameters, wanted: Callable[[TransferRecord], bool]
) -> list[TransferRecord]:
    first = params.integer("offset") or 0
    limit = min(params.integer("limit", least=1) or PAGE_MAX, PAGE_MAX)
    return _between(services, caller, params, wanted)[first : first + limit]


def _between(
    services: Services, caller: Caller, params: Parameters, wanted: Callable[[TransferRecord], bool]
) -> list[TransferRecord]:
    now_ms = services.clock.now_ms()
    end = params.integer("endTime")
    end = now_ms if end is None else end
    start = params.integer("startTime")
    start = end - SPAN_MAX_MS if start is None else start
    if end - start > SPAN_MAX_MS:
        raise ApiError(-1127, "More than 90 days between startTime and endTime.")
    found = services.venue.wallet.history(caller.owner)
    return [each for each in reversed(found) if start <= each.time_ms <= end and wanted(each)]
