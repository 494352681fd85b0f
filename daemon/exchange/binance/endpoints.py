"""Every call by its name in the WebSocket API, and where REST has it; weights as the venue charges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from daemon.exchange.binance import account_calls, futures_calls, market_calls, wallet_calls
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.binance.services import Caller, Services

Handler = Callable[[Services, Caller, Parameters], Any]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    name: str
    method: str
    path: str
    handler: Handler
    weight: int | Callable[[dict[str, str]], int] = 1
    is_signed: bool = False

    def cost(self, params: dict[str, str]) -> int:
        """Weight of this request."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _public(name: str, path: str, handler: Handler, weight: Any = 1) -> Endpoint:
    return Endpoint(name=name, method="GET", path=path, handler=handler, weight=weight)


def _signed(name: str, method: str, path: str, handler: Handler, weight: Any = 1) -> Endpoint:
    return Endpoint(name=name, method=method, path=path, handler=handler, weight=weight, is_signed=True)


ENDPOINTS = (
    _public("ping", "/ping", market_calls.ping),
    _public("time", "/time", market_calls.server_time),
    _public("exchangeInfo", "/exchangeInfo", market_calls.exchange_info, 20),
    _public("depth", "/depth", market_calls.depth, market_calls.depth_weight),
    _public("trades.recent", "/trades", market_calls.trades, 25),
    _public("trades.historical", "/historicalTrades", market_calls.historical_trades, 25),
    _public("trades.aggregate", "/aggTrades", market_calls.aggregate_trades, 4),
    _public("klines", "/klines", market_calls.klines, 2),
    _public("ticker.price", "/ticker/price", market_calls.price_ticker, 4),
    _public("ticker.book", "/ticker/bookTicker", market_calls.book_ticker, 4),
    _signed("order.place", "POST", "/order", account_calls.place_order),
    _signed("order.test", "POST", "/order/test", account_calls.test_order),
    _signed("order.cancel", "DELETE", "/order", account_calls.cancel_order),
    _signed("order.status", "GET", "/order", account_calls.order_status, 4),
    _signed(
        "openOrders.status", "GET", "/openOrders", account_calls.open_orders, account_calls.open_orders_weight
    ),
    _signed("openOrders.cancelAll", "DELETE", "/openOrders", account_calls.cancel_open_orders),
    _signed("allOrders", "GET", "/allOrders", account_calls.all_orders, 20),
    _signed("myTrades", "GET", "/myTrades", account_calls.my_trades, account_calls.my_trades_weight),
    _signed("account.status", "GET", "/account", account_calls.account, 20),
    _signed("account.rateLimits.orders", "GET", "/rateLimit/order", account_calls.order_limits, 40),
)
WALLET_ENDPOINTS = (
    _signed("wallet.deposits", "GET", "/sapi/v1/capital/deposit/hisrec", wallet_calls.deposits),
    _signed("wallet.withdrawals", "GET", "/sapi/v1/capital/withdraw/history", wallet_calls.withdrawals),
    _signed("wallet.dust", "GET", "/sapi/v1/asset/dribblet", wallet_calls.dust),
    _signed("wallet.dividends", "GET", "/sapi/v1/asset/assetDividend", wallet_calls.dividends),
    _signed("wallet.moves", "GET", "/sapi/v1/asset/transfer", wallet_calls.moves),
)
FUTURES_ENDPOINTS = (
    _public("futures.time", "/fapi/v1/time", market_calls.server_time),
    _public("futures.klines", "/fapi/v1/klines", market_calls.klines, 5),
    _public("futures.trades", "/fapi/v1/aggTrades", market_calls.aggregate_trades, 20),
    _public("futures.funding", "/fapi/v1/fundingRate", futures_calls.funding_rates),
)
"""History alone: nothing of it can be traded here."""
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
