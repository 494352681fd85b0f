"""Each scripted fault with orders in flight: nothing doubled, nothing lost, balances equal at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faults.rig import Posted, a_fault, judge, trading

pytestmark = pytest.mark.slow

ORDERS_AFTER = 55
"""Takes longer than an answer is waited for, so that what comes too late comes while we trade."""

FAULTS: dict[str, list[Posted]] = {
    "no fault": [],
    "market streams dropped": [a_fault("drop", target="streams")],
    "user data dropped": [a_fault("drop", target="user_data")],
    "trading connection dropped": [a_fault("drop", target="ws_api")],
    "everything dropped": [a_fault("drop", target="all")],
    "market streams stalled": [a_fault("stall", target="streams", milliseconds=1_500)],
    "user data stalled": [a_fault("stall", target="user_data", milliseconds=500)],
    "trading connection stalled": [a_fault("stall", target="ws_api", milliseconds=500)],
    "order accepted, answer lost": [a_fault("accept_and_lose", method="order.place", count=3)],
    "cancel carried out, answer lost": [a_fault("accept_and_lose", method="order.cancel", count=3)],
    "answer and report of an order lost": [
        a_fault("swallow_report", method="NEW", count=2),
        a_fault("accept_and_lose", method="order.place", count=2),
    ],
    "cancel lost on its way": [a_fault("lose_request", method="order.cancel", count=3)],
    "answers to orders late": [a_fault("delay_reply", method="order.place", milliseconds=500, count=4)],
    "answers to cancels late": [a_fault("delay_reply", method="order.cancel", milliseconds=500, count=4)],
    "answers to queries late": [
        a_fault("delay_reply", method="order.status", milliseconds=600, count=3),
        a_fault("swallow_report", symbol="BTCUSDT", count=1_000),
        a_fault("error_after", method="order.place", symbol="BTCUSDT", count=3),
    ],
    "5xx before an order": [a_fault("error_before", method="order.cancel", count=3)],
    "5xx after an order": [a_fault("error_after", method="order.place", count=3)],
    "5xx after a cancel": [a_fault("error_after", method="order.cancel", count=3)],
    "executed or not (-1006)": [
        a_fault("error_after", method="order.place", status=400, code=-1006, count=2)
    ],
    "trade reports swallowed": [a_fault("swallow_report", method="TRADE", count=3)],
    "new reports swallowed": [a_fault("swallow_report", method="NEW", count=5)],
    "cancel reports swallowed": [a_fault("swallow_report", method="CANCELED", count=3)],
    "reports doubled": [a_fault("duplicate_report", count=10)],
    "trade reports doubled": [a_fault("duplicate_report", method="TRADE", count=5)],
    "reports swapped": [a_fault("reorder_reports", count=10)],
    "new reports after their trades": [a_fault("reorder_reports", method="NEW", count=10)],
    "fresh orders invisible": [
        a_fault("hide_order", milliseconds=700, count=10),
        a_fault("swallow_report", symbol="BTCUSDT", count=1_000),
        a_fault("error_after", method="order.place", symbol="BTCUSDT", count=3),
    ],
    "open orders stale": [a_fault("stale_open_orders", milliseconds=800, count=2)],
    "cancelled orders renamed": [
        a_fault("rename_on_cancel", count=5),
        a_fault("accept_and_lose", method="order.cancel", count=2),
    ],
    "depth events lost": [a_fault("depth_gap", count=2)],
    "partly filled, then cut off": [a_fault("partial_fill_then_disconnect")],
    "too many cancels": [
        a_fault("rate_limit_storm", method="order.cancel", milliseconds=400),
    ],
    "too many questions": [
        a_fault("rate_limit_storm", method="order.status", milliseconds=300, count=2),
        a_fault("rate_limit_storm", method="account.status", milliseconds=300),
        a_fault("swallow_report", symbol="BTCUSDT", count=1_000),
        a_fault("error_after", method="order.place", symbol="BTCUSDT", count=3),
    ],
    "server shutdown": [a_fault("server_shutdown", target="all")],
}


@pytest.mark.parametrize("name", FAULTS)
async def test_no_order_doubled_no_fill_lost_balances_equal(name: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        for fault in FAULTS[name]:
            await rig.fault(**fault)
        for kind in dict.fromkeys(fault["kind"] for fault in FAULTS[name]):
            await rig.until_happened(kind)
        await rig.trade_on(ORDERS_AFTER)
        await rig.clear_faults()
        await rig.until_settled()
    judge(tmp_path).all_is_well()
