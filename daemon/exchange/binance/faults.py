"""What can be made to go wrong at an exchange that speaks Binance's protocol."""

from __future__ import annotations

from typing import get_args

from daemon.exchange.binance.endpoints import ENDPOINTS, FUTURES_ENDPOINTS, WALLET_ENDPOINTS
from daemon.exchange.faults import Kind
from daemon.exchange.orders import Execution

_CALLS = tuple(each.name for each in (*ENDPOINTS, *WALLET_ENDPOINTS, *FUTURES_ENDPOINTS))
_STEPS: tuple[str, ...] = get_args(Execution)
_REQUEST = ("symbol", "method", "account")
KINDS: dict[str, Kind] = {
    "accept_and_lose": Kind(
        "the request is carried out, its reply never sent (REST: the connection is cut)", _REQUEST, _CALLS
    ),
    "lose_request": Kind(
        "the request never arrives, no reply is sent (REST: the connection is cut)", _REQUEST, _CALLS
    ),
    "delay_reply": Kind("the reply is sent `milliseconds` late", (*_REQUEST, "milliseconds"), _CALLS),
    "error_before": Kind(
        "refused with `status` (503) and `code` (-1008) before anything happens",
        (*_REQUEST, "status", "code"),
        _CALLS,
    ),
    "error_after": Kind(
        "carried out, then answered with `status` (503) and `code` (-1007)",
        (*_REQUEST, "status", "code"),
        _CALLS,
    ),
    "rate_limit_storm": Kind(
        "429 with Retry-After of `milliseconds` or, without, until the next minute",
        ("symbol", "method", "milliseconds"),
        _CALLS,
    ),
    "swallow_report": Kind(
        "an executionReport is never sent (`method` matches its x: NEW, TRADE, …)", _REQUEST, _STEPS
    ),
    "duplicate_report": Kind("an executionReport is sent twice", _REQUEST, _STEPS),
    "reorder_reports": Kind(
        "an executionReport is held back until the next one has been sent", _REQUEST, _STEPS
    ),
    "hide_order": Kind(
        "order.status answers -2013 until the order is `milliseconds` old",
        (*_REQUEST, "milliseconds"),
        ("order.status",),
    ),
    "stale_open_orders": Kind(
        "openOrders shows what was open `milliseconds` ago",
        (*_REQUEST, "milliseconds"),
        ("openOrders.status",),
    ),
    "rename_on_cancel": Kind(
        "a cancelled order is only found by its id or by the id of its cancel", _REQUEST, ("order.cancel",)
    ),
    "depth_gap": Kind("a depth event of the streams is lost", ("symbol",)),
    "stall": Kind(
        "connections of `target` say nothing for `milliseconds`, then everything at once",
        ("target", "account", "milliseconds"),
        is_at_once=True,
    ),
    "drop": Kind("connections of `target` are cut", ("target", "account"), is_at_once=True),
    "refuse_connection": Kind(
        "a WebSocket handshake is answered 503 (`method`: streams or ws_api)",
        ("method",),
        ("streams", "ws_api"),
    ),
    "clock_skew": Kind(
        "the exchange's clock is `milliseconds` ahead from now on", ("milliseconds",), is_at_once=True
    ),
    "partial_fill_then_disconnect": Kind(
        "an order fills in part, then its account's connections are cut", _REQUEST, ("order.place",)
    ),
    "server_shutdown": Kind(
        "connections of `target` get serverShutdown and are closed soon after", ("target",), is_at_once=True
    ),
}
