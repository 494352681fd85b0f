"""What can be made to go wrong on the line of a TWS."""

from __future__ import annotations

MEANING: dict[str, str] = {
    "accept_and_lose": "an order is carried out, and nothing about it is ever sent (`method`: placeOrder, …)",
    "lose_request": "a request is never seen (`method`: placeOrder, whatIf, cancelOrder, reqPositions, …)",
    "error_before": "a request is refused with error `code` (201), (`method`: placeChild, …)",
    "swallow_report": "a message is never sent (`method`: orderStatus, openOrder, execDetails, …)",
    "duplicate_report": "a message is sent twice",
    "reorder_reports": "a message is held back until the next one has been sent",
    "delay_reply": "a message is sent `milliseconds` late",
    "cut_before": "the line is cut instead of sending a message (`method`)",
    "cut_after": "the line is cut right after a message or a request (`method`)",
    "stall_before": "from a message or request (`method`) on its line says nothing for `milliseconds`",
    "refuse_connection": "a connection is closed as soon as it is made",
    "drop": "every line is cut",
    "stall": "nothing is sent on any line for `milliseconds`, then everything at once",
    "system_message": "error `code` is sent on every line: 1100, 1101, 1102, 2103, 2104, 2110, 10197, …",
    "order_message": "error `code` is sent about the newest live order",
    "reset": "1100, then every line is cut and none is taken for `milliseconds`, as at night",
    "reset_order_ids": "the next order id goes back to 1, as after a restart that forgets",
    "correct_execution": "the newest execution gets a new price, `code` ticks above the old one",
    "trade_by_hand": "somebody else buys `code` at market, sells if it is below 0 (`symbol`, `account`)",
    "midnight": "executions of the past are not told any more",
    "clock_skew": "the clock is `milliseconds` ahead from now on",
}
AT_ONCE = frozenset(
    {
        "drop", "stall", "system_message", "order_message", "reset", "reset_order_ids", "correct_execution",
        "trade_by_hand", "midnight", "clock_skew",
    }
)  # fmt: skip
