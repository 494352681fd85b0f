"""What Binance Spot puts on the wire. Fields we do not name are skipped: the venue adds some now and then.

Market data decode their quoted numbers straight to `float` (lax decoders); everything about our own orders
and money decodes to `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import field

NOTHING = msgspec.Raw(b"")

Levels = list[tuple[float, float]]
Milliseconds = int


class Wire(msgspec.Struct, frozen=True, gc=False):
    """Root of all payloads here."""


# market streams


class Frame(Wire, frozen=True, gc=False):
    """Whatever comes over a combined stream: an event, an answer to a control request, or a bare notice."""

    stream: str = ""
    data: msgspec.Raw = NOTHING
    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    event: str = field(name="e", default="")


class TradeEvent(Wire, frozen=True, gc=False):
    """`<symbol>@trade`."""

    trade_id: int = field(name="t")
    price: float = field(name="p")
    quantity: float = field(name="q")
    time: Milliseconds = field(name="T")
    buyer_is_maker: bool = field(name="m")


class BookTicker(Wire, frozen=True, gc=False):
    """`<symbol>@bookTicker`; it carries no time."""

    update_id: int = field(name="u")
    bid_price: float = field(name="b")
    bid_quantity: float = field(name="B")
    ask_price: float = field(name="a")
    ask_quantity: float = field(name="A")


class Kline(Wire, frozen=True, gc=False):
    """The bar within a kline event, or one row of history."""

    open_time: Milliseconds = field(name="t")
    close_time: Milliseconds = field(name="T")
    """Last millisecond that belongs to the bar."""
    open: float = field(name="o")
    high: float = field(name="h")
    low: float = field(name="l")
    close: float = field(name="c")
    volume: float = field(name="v")
    is_closed: bool = field(name="x")


class KlineEvent(Wire, frozen=True, gc=False):
    """`<symbol>@kline_<interval>`."""

    kline: Kline = field(name="k")


class DepthEvent(Wire, frozen=True, gc=False):
    """`<symbol>@depth@100ms`: new sizes of the levels that changed in updates U..u."""

    time: Milliseconds = field(name="E")
    first_update_id: int = field(name="U")
    last_update_id: int = field(name="u")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")


# REST market data


class DepthSnapshot(Wire, frozen=True, gc=False):
    """`GET /api/v3/depth`."""

    last_update_id: int = field(name="lastUpdateId")
    bids: Levels
    asks: Levels


class ServerTime(Wire, frozen=True, gc=False):
    """`GET /api/v3/time`."""

    time: Milliseconds = field(name="serverTime")


class KlineRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of `GET /api/v3/klines`; the venue sends twelve items, the first seven matter."""

    open_time: Milliseconds
    open: float
    high: float
    low: float
    close: float
    volume: float
    close_time: Milliseconds


class AggregateRow(Wire, frozen=True, gc=False):
    """One row of `GET /api/v3/aggTrades`: trades of one taker order at one price."""

    number: int = field(name="a")
    price: float = field(name="p")
    quantity: float = field(name="q")
    time: Milliseconds = field(name="T")
    buyer_is_maker: bool = field(name="m")
    first_trade: int = field(name="f")


class SingleTradeRow(Wire, frozen=True, gc=False, rename="camel"):
    """One row of `GET /api/v3/historicalTrades`: one trade by itself."""

    id: int
    price: float
    quantity: float = field(name="qty")
    time: Milliseconds
    is_buyer_maker: bool


class FundingRow(Wire, frozen=True, gc=False, rename="camel"):
    """One row of `GET /fapi/v1/fundingRate`."""

    funding_time: Milliseconds
    funding_rate: float
    mark_price: str = ""
    """Empty where it was not recorded, as before 2023."""


class SymbolFilter(Wire, frozen=True, gc=False, rename="camel"):
    """Any of a symbol's filters; each kind fills its own fields."""

    filter_type: str
    tick_size: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    step_size: Decimal | None = None
    min_notional: Decimal | None = None


class SymbolInfo(Wire, frozen=True, gc=False, rename="camel"):
    """One symbol of `exchangeInfo`."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[SymbolFilter]


class RateLimit(Wire, frozen=True, gc=False, rename="camel"):
    """One limit of `exchangeInfo`, or its use as a WebSocket API answer states it (then with `count`)."""

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int
    count: int | None = None


class ExchangeInfo(Wire, frozen=True, gc=False, rename="camel"):
    """`GET /api/v3/exchangeInfo`."""

    symbols: list[SymbolInfo]
    rate_limits: list[RateLimit] = []


class ErrorBody(Wire, frozen=True, gc=False):
    """A refusal; `data.retryAfter` is the venue's time in milliseconds."""

    code: int
    msg: str = ""
    data: dict[str, Any] | None = None


# trading


class TradingFrame(Wire, frozen=True, gc=False, rename="camel"):
    """Whatever comes over the WebSocket API: an answer, a user data event, or a bare notice."""

    id: int | str | None = None
    status: int | None = None
    result: msgspec.Raw = NOTHING
    error: ErrorBody | None = None
    rate_limits: list[RateLimit] = []
    event: msgspec.Raw = NOTHING
    notice: str = field(name="e", default="")


class EventName(Wire, frozen=True, gc=False):
    """Just enough of a user data event to know which it is."""

    event: str = field(name="e")


class ExecutionReport(Wire, frozen=True, gc=False):
    """Something happened to an order of the account."""

    time: Milliseconds = field(name="E")
    symbol: str = field(name="s")
    client_order_id: str = field(name="c")
    side: str = field(name="S")
    execution: str = field(name="x")
    status: str = field(name="X")
    order_id: int = field(name="i")
    last_quantity: Decimal = field(name="l")
    filled_quantity: Decimal = field(name="z")
    last_price: Decimal = field(name="L")
    original_client_order_id: str = field(name="C", default="")
    """On cancel this is the order's own id and `c` is the cancel's."""
    reject_reason: str = field(name="r", default="NONE")
    fee: Decimal | None = field(name="n", default=None)
    fee_asset: str | None = field(name="N", default=None)
    transaction_time: Milliseconds = field(name="T", default=0)
    trade_id: int = field(name="t", default=-1)
    execution_id: int = field(name="I", default=-1)
    is_maker: bool = field(name="m", default=False)
    expiry_reason: int | str | None = field(name="eR", default=None)


class BalanceUpdate(Wire, frozen=True, gc=False):
    """A deposit, withdrawal or transfer."""

    asset: str = field(name="a")
    delta: Decimal = field(name="d")
    clear_time: Milliseconds = field(name="T")


class OrderAck(Wire, frozen=True, gc=False, rename="camel"):
    """Answer to `order.place` (any `newOrderRespType`); the rest of it is known from user data."""

    order_id: int
    client_order_id: str
    transact_time: Milliseconds = 0
    status: str = ""


class CancelAck(Wire, frozen=True, gc=False, rename="camel"):
    """Answer to `order.cancel`."""

    order_id: int
    executed_qty: Decimal
    status: str
    transact_time: Milliseconds = 0


class OrderRow(Wire, frozen=True, gc=False, rename="camel"):
    """An order as queries show it."""

    symbol: str
    order_id: int
    client_order_id: str
    orig_qty: Decimal
    executed_qty: Decimal
    price: Decimal
    status: str
    side: str
    type: str = ""
    time: Milliseconds = 0
    update_time: Milliseconds = 0


class TradeRow(Wire, frozen=True, gc=False, rename="camel"):
    """One of our executions in `myTrades`; it names no client order id."""

    id: int
    order_id: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    time: Milliseconds
    is_buyer: bool
    is_maker: bool


class Holding(Wire, frozen=True, gc=False):
    """One balance of `GET /api/v3/account`."""

    asset: str
    free: Decimal
    locked: Decimal


class Account(Wire, frozen=True, gc=False, rename="camel"):
    """`GET /api/v3/account`."""

    balances: list[Holding]
    uid: int | None = None
    """The venue's id of the account."""
    can_trade: bool = True


class BestPrice(Wire, frozen=True, gc=False, rename="camel"):
    """`GET /api/v3/ticker/bookTicker` of one symbol."""

    symbol: str
    bid_price: Decimal


FRAME = msgspec.json.Decoder(Frame)
TRADE = msgspec.json.Decoder(TradeEvent, strict=False)
BOOK_TICKER = msgspec.json.Decoder(BookTicker, strict=False)
KLINE = msgspec.json.Decoder(KlineEvent, strict=False)
DEPTH = msgspec.json.Decoder(DepthEvent, strict=False)
DEPTH_SNAPSHOT = msgspec.json.Decoder(DepthSnapshot, strict=False)
KLINE_ROWS = msgspec.json.Decoder(list[KlineRow], strict=False)
AGGREGATE_ROWS = msgspec.json.Decoder(list[AggregateRow], strict=False)
SINGLE_TRADE_ROWS = msgspec.json.Decoder(list[SingleTradeRow], strict=False)
FUNDING_ROWS = msgspec.json.Decoder(list[FundingRow], strict=False)
SERVER_TIME = msgspec.json.Decoder(ServerTime)
EXCHANGE_INFO = msgspec.json.Decoder(ExchangeInfo)
ERROR = msgspec.json.Decoder(ErrorBody)
TRADING_FRAME = msgspec.json.Decoder(TradingFrame)
EVENT_NAME = msgspec.json.Decoder(EventName)
EXECUTION_REPORT = msgspec.json.Decoder(ExecutionReport)
BALANCE_UPDATE = msgspec.json.Decoder(BalanceUpdate)
ORDER_ACK = msgspec.json.Decoder(OrderAck)
CANCEL_ACK = msgspec.json.Decoder(CancelAck)
ORDER_ROW = msgspec.json.Decoder(OrderRow)
ORDER_ROWS = msgspec.json.Decoder(list[OrderRow])
TRADE_ROWS = msgspec.json.Decoder(list[TradeRow])
ACCOUNT = msgspec.json.Decoder(Account)
BEST_PRICE = msgspec.json.Decoder(BestPrice)
