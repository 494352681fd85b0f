"""What anybody may ask: time, definitions, books, trades, klines."""

from __future__ import annotations

from typing import Any

import msgspec

from daemon.exchange.binance import format as wire
from daemon.exchange.binance.definitions import symbol_info
from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services
from daemon.exchange.market_data.events import PublicTrade
from daemon.exchange.market_data.klines import INTERVALS
from daemon.exchange.market_data.market import SymbolMarket

ROWS_MAX = 1_000
DEPTH_MAX = 5_000


def ping(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Anybody there?"""
    return {}


def server_time(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """What the venue's clock shows."""
    return {"serverTime": services.clock.now_ms()}


def exchange_info(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """Definitions of one, some or all symbols, and the limits."""
    one, some = params.text("symbol"), params.text("symbols")
    for ignored in ("permissions", "showPermissionSets", "symbolStatus"):
        params.text(ignored)
    if one is not None and some is not None:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if one is not None:
        markets = [services.symbol(one)]
    elif some is not None:
        markets = [services.symbol(symbol) for symbol in _names(some)]
    else:
        markets = list(services.market.symbols.values())
    open_max = services.settings.profile.open_orders_max
    return {
        "timezone": "UTC",
        "serverTime": services.clock.now_ms(),
        "rateLimits": services.limits.definitions(),
        "exchangeFilters": [],
        "symbols": [symbol_info(market.listing, open_max) for market in markets],
    }


def depth(services: Services, caller: Caller, params: Parameters) -> dict[str, Any]:
    """The book with the id of its last update."""
    market = services.symbol(params.required("symbol"))
    limit = min(params.integer("limit", least=1) or 100, DEPTH_MAX)
    return {
        "lastUpdateId": market.book.last_id,
        "bids": market.book.bids(limit),
        "asks": market.book.asks(limit),
    }


def depth_weight(params: dict[str, str]) -> int:
    """5, 25, 50 or 250, by the number of levels."""
    text = params.get("limit", "100")
    limit = int(text) if text.isascii() and text.isdigit() else DEPTH_MAX
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def trades(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """The newest trades, oldest first."""
    market = services.symbol(params.required("symbol"))
    limit = min(params.integer("limit", least=1) or 500, ROWS_MAX)
    return [_trade_row(trade) for trade in list(market.trades)[-limit:]]


def _trade_row(trade: PublicTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": trade.price,
        "qty": trade.size,
        "quoteQty": f"{float(trade.price) * float(trade.size):.8f}",
        "time": trade.trade_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def historical_trades(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Trades from an id on, else the newest; oldest first."""
    market = services.symbol(params.required("symbol"))
    limit = min(params.integer("limit", least=1) or 500, ROWS_MAX)
    from_id = params.integer("fromId")
    if from_id is None:
        found = list(market.trades)[-limit:]
    else:
        found = [trade for trade in market.trades if trade.trade_id >= from_id][:limit]
    return [_trade_row(trade) for trade in found]


def aggregate_trades(services: Services, caller: Caller, params: Parameters) -> list[dict[str, Any]]:
    """Trades from an id or a time on, as aggregates."""
    market = services.symbol(params.required("symbol"))
    limit = min(params.integer("limit", least=1) or 500, ROWS_MAX)
    from_id, start, end = (params.integer(name) for name in ("fromId", "startTime", "endTime"))
    found = [trade for trade in market.trades if _is_within(trade, from_id, start, end)]
    wanted = found[-limit:] if from_id is None and start is None else found[:limit]
    return [wire.aggregate_row(trade) for trade in wanted]


def klines(services: Services, caller: Caller, params: Parameters) -> list[list[Any]]:
    """Bars, oldest first; the newest may still be open."""
    market = services.symbol(params.required("symbol"))
    params.required("interval")
    interval = params.choice("interval", INTERVALS, (-1120, "Invalid interval."))
    assert interval is not None
    limit = min(params.integer("limit", least=1) or 500, ROWS_MAX)
    start, end = params.integer("startTime"), params.integer("endTime")
    if params.text("timeZone") not in (None, "0"):
        raise ApiError(-1130, "Data sent for parameter 'timeZone' is not valid.")
    market.klines.advance(services.clock.now_ms())
    return [wire.kline_row(interval, bar) for bar in market.klines.query(interval, start, end, limit)]


def price_ticker(services: Services, caller: Caller, params: Parameters) -> Any:
    """Last price of one or all symbols."""
    return _each(services, params, lambda market: {"symbol": market.symbol, "price": _last_price(market)})


def book_ticker(services: Services, caller: Caller, params: Parameters) -> Any:
    """Best bid and ask of one or all symbols."""
    return _each(services, params, _best)


def _each(services: Services, params: Parameters, row: Any) -> Any:
    one = params.text("symbol")
    if one is not None:
        return row(services.symbol(one))
    return [row(market) for market in services.market.symbols.values()]


def _last_price(market: SymbolMarket) -> str:
    return market.last_price or (market.top.bid_price if market.top else "0.00000000")


def _best(market: SymbolMarket) -> dict[str, Any]:
    top = market.top
    return {
        "symbol": market.symbol,
        "bidPrice": top.bid_price if top else "0.00000000",
        "bidQty": top.bid_size if top else "0.00000000",
        "askPrice": top.ask_price if top else "0.00000000",
        "askQty": top.ask_size if top else "0.00000000",
    }


def _is_within(trade: PublicTrade, from_id: int | None, start: int | None, end: int | None) -> bool:
    return (
        (from_id is None or trade.trade_id >= from_id)
        and (start is None or trade.trade_ms >= start)
        and (end is None or trade.trade_ms <= end)
    )


def _names(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from None
