"""What can be made to go wrong on the line of a TWS, and what its requests and messages are called."""

from __future__ import annotations

from daemon.exchange.faults import Kind
from daemon.exchange.ib import requests as ask
from daemon.exchange.ib.order_request import PlaceOrder, Request

NAMES: dict[type[Request], str] = {
    PlaceOrder: "placeOrder", ask.CancelOrder: "cancelOrder", ask.GlobalCancel: "reqGlobalCancel",
    ask.OpenOrders: "reqOpenOrders", ask.AutoOpenOrders: "reqAutoOpenOrders",
    ask.CompletedOrders: "reqCompletedOrders", ask.Executions: "reqExecutions",
    ask.Positions: "reqPositions", ask.AccountUpdates: "reqAccountUpdates",
    ask.AccountUpdatesMulti: "reqAccountUpdatesMulti", ask.AccountSummary: "reqAccountSummary",
    ask.ContractDetails: "reqContractDetails", ask.MarketRuleOf: "reqMarketRule",
    ask.MarketData: "reqMktData", ask.TickByTick: "reqTickByTickData", ask.RealTimeBars: "reqRealTimeBars",
    ask.MarketDepth: "reqMktDepth", ask.HistoricalData: "reqHistoricalData",
    ask.MarketDataType: "reqMarketDataType", ask.Cancelled: "cancelData", ask.NextIds: "reqIds",
    ask.CurrentTime: "reqCurrentTime", ask.StartApi: "startApi", ask.Ignored: "setServerLogLevel",
}  # fmt: skip
_REQUESTS = (*NAMES.values(), "whatIf", "placeChild")
MESSAGES = (
    "accountDownloadEnd", "accountSummary", "accountSummaryEnd", "accountUpdateMulti",
    "accountUpdateMultiEnd", "commissionReport", "completedOrder", "completedOrdersEnd", "contractDetails",
    "contractDetailsEnd", "currentTime", "error", "execDetails", "execDetailsEnd", "hello",
    "historicalData", "historicalDataUpdate", "managedAccounts", "marketDataType", "marketDepth",
    "marketRule", "nextValidId", "openOrder", "openOrderEnd", "orderStatus", "position", "positionEnd",
    "realtimeBar", "tickByTick", "tickPrice", "tickReqParams", "tickSize", "tickSnapshotEnd", "tickString",
    "updateAccountTime", "updateAccountValue", "updatePortfolio",
)  # fmt: skip
KINDS: dict[str, Kind] = {
    "accept_and_lose": Kind(
        "an order is carried out, and nothing about it is ever sent (`method`: placeOrder)",
        ("method", "account"),
        ("placeOrder",),
    ),
    "lose_request": Kind(
        "a request is never seen (`method`: placeOrder, whatIf, cancelOrder, reqPositions, …)",
        ("method", "account"),
        _REQUESTS,
    ),
    "error_before": Kind(
        "a request is refused with error `code` (201), (`method`: placeChild, …)",
        ("method", "account", "code"),
        _REQUESTS,
    ),
    "swallow_report": Kind(
        "a message is never sent (`method`: orderStatus, openOrder, execDetails, …)",
        ("method", "account"),
        MESSAGES,
    ),
    "duplicate_report": Kind("a message is sent twice", ("method", "account"), MESSAGES),
    "reorder_reports": Kind(
        "a message is held back until the next one has been sent", ("method", "account"), MESSAGES
    ),
    "delay_reply": Kind(
        "a message is sent `milliseconds` late", ("method", "account", "milliseconds"), MESSAGES
    ),
    "cut_before": Kind(
        "the line is cut instead of sending a message (`method`)",
        ("method", "account"),
        (*_REQUESTS, *MESSAGES),
    ),
    "cut_after": Kind(
        "the line is cut right after a message or a request (`method`)",
        ("method", "account"),
        (*_REQUESTS, *MESSAGES),
    ),
    "stall_before": Kind(
        "from a message or request (`method`) on its line says nothing for `milliseconds`",
        ("method", "account", "milliseconds"),
        (*_REQUESTS, *MESSAGES),
    ),
    "refuse_connection": Kind("a connection is closed as soon as it is made"),
    "drop": Kind("every line is cut", is_at_once=True),
    "stall": Kind(
        "nothing is sent on any line for `milliseconds`, then everything at once",
        ("milliseconds",),
        is_at_once=True,
    ),
    "system_message": Kind(
        "error `code` is sent on every line: 1100, 1101, 1102, 2103, 2104, 2110, 10197, …",
        ("code",),
        is_at_once=True,
    ),
    "order_message": Kind("error `code` is sent about the newest live order", ("code",), is_at_once=True),
    "reset": Kind(
        "1100, then every line is cut and none is taken for `milliseconds`, as at night",
        ("milliseconds",),
        is_at_once=True,
    ),
    "reset_order_ids": Kind(
        "the next order id goes back to 1, as after a restart that forgets", is_at_once=True
    ),
    "correct_execution": Kind(
        "the newest execution gets a new price, `code` ticks above the old one", ("code",), is_at_once=True
    ),
    "correct_quantity": Kind(
        "the newest execution was of `code` shares or contracts", ("code",), is_at_once=True
    ),
    "bust_execution": Kind("the newest execution is taken back", is_at_once=True),
    "trade_by_hand": Kind(
        "somebody else buys `code` at market, sells if it is below 0 (`symbol`, `account`)",
        ("code", "symbol", "account"),
        is_at_once=True,
    ),
    "midnight": Kind("executions of the past are not told any more", is_at_once=True),
    "clock_skew": Kind("the clock is `milliseconds` ahead from now on", ("milliseconds",), is_at_once=True),
}


def name_of(request: Request) -> str:
    """What faults call it."""
    if isinstance(request, PlaceOrder) and request.is_what_if:
        return "whatIf"
    if isinstance(request, PlaceOrder) and request.parent_id:
        return "placeChild"
    return NAMES[type(request)]
