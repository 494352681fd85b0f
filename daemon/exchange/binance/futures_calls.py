"""What anybody may ask of perpetuals: what they were funded at. Made up, and the same whenever asked."""

from __future__ import annotations

from math import sin
from typing import Any

from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services
from daemon.exchange.market_data.klines import Kline

FUNDING_MS = 8 * 3_600_000
ROWS_MAX = 1_000
ROWS_UNASKED = 200
INTEREST = 0.0001
"""What a rate comes to while the perpetual costs what its underlying costs."""
PREMIUM = 0.0003
_DAYS_OF_A_WAVE = 11.0


def funding_rates(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Rates every eight hours, oldest first: from a time on, else the newest; marks where bars are."""
    market = services.symbol(params.required("symbol"))
    start, end = params.integer("startTime"), params.integer("endTime")
    limit = min(params.integer("limit", least=1) or 100, ROWS_MAX)
    if start is not None and end is not None and start > end:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    now_ms = services.clock.now_ms()
    last = min(end if end is not None else now_ms, now_ms) // FUNDING_MS
    first = last - (ROWS_UNASKED if end is None else limit) + 1 if start is None else -(-start // FUNDING_MS)
    market.klines.advance(now_ms)
    return [
        {
            "symbol": market.symbol,
            "fundingTime": number * FUNDING_MS,
            "fundingRate": f"{_rate(market.symbol, number):.8f}",
            "markPrice": _mark(market.klines.query("1m", number * FUNDING_MS, None, 1), number * FUNDING_MS),
        }
        for number in range(first, min(last + 1, first + limit))
    ]


def _rate(symbol: str, number: int) -> float:
    """A slow wave round the interest, another one for each symbol."""
    phase = sum(symbol.encode())
    return INTEREST + PREMIUM * sin(number * FUNDING_MS / (_DAYS_OF_A_WAVE * 86_400_000) + phase)


def _mark(bars: list[Kline], at_ms: int) -> str:
    """The price that the minute opened with; empty where there are no bars so old."""
    return f"{bars[0].open:.8f}" if bars and bars[0].open_ms == at_ms else ""
