"""Faults that meet: what one hides, the other must not make wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faults.rig import Posted, a_fault, judge, trading

pytestmark = pytest.mark.slow

PAIRS: dict[str, list[Posted]] = {
    "both lines dropped after lost answers": [
        a_fault("accept_and_lose", method="order.place", count=2),
        a_fault("swallow_report", method="NEW", count=4),
        a_fault("drop", target="all"),
    ],
    "trades swallowed, then the line dropped": [
        a_fault("swallow_report", method="TRADE", count=4),
        a_fault("drop", target="user_data"),
    ],
    "reconciled against stale open orders": [
        a_fault("stale_open_orders", milliseconds=600, count=3),
        a_fault("drop", target="user_data"),
    ],
    "stalled reports and executed-or-not": [
        a_fault("stall", target="user_data", milliseconds=500),
        a_fault("error_after", method="order.place", count=4),
        a_fault("error_after", method="order.cancel", count=4),
    ],
    "invisible orders behind a dropped line": [
        a_fault("hide_order", milliseconds=700, count=20),
        a_fault("accept_and_lose", method="order.place", count=2),
        a_fault("drop", target="ws_api"),
    ],
    "doubled and swapped while cut in half": [
        a_fault("duplicate_report", count=20),
        a_fault("reorder_reports", count=20),
        a_fault("partial_fill_then_disconnect", count=2),
    ],
    "renamed by cancels whose answers are lost, with stale lists": [
        a_fault("rename_on_cancel", count=10),
        a_fault("accept_and_lose", method="order.cancel", count=5),
        a_fault("swallow_report", method="CANCELED", count=10),
        a_fault("stale_open_orders", milliseconds=500, count=3),
    ],
    "late answers from before a renewal": [
        a_fault("delay_reply", method="order.place", milliseconds=400, count=4),
        a_fault("server_shutdown", target="user_data"),
    ],
    "queries that fail while outcomes are open": [
        a_fault("error_before", method="order.status", status=500, code=-1001, count=3),
        a_fault("error_before", method="myTrades", status=500, code=-1001, count=3),
        a_fault("swallow_report", count=6),
        a_fault("accept_and_lose", method="order.place", count=3),
        a_fault("accept_and_lose", method="order.cancel", count=3),
    ],
}


@pytest.mark.parametrize("name", PAIRS)
async def test_two_faults_at_once_leave_the_books_right(name: str, tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        for fault in PAIRS[name]:
            await rig.fault(**fault)
        await rig.trade_on(55)
        await rig.clear_faults()
        await rig.until_settled()
    judge(tmp_path).all_is_well()


async def test_one_fault_after_another_in_one_session(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        for kind, fields in (
            ("error_after", {"method": "order.place"}),
            ("drop", {"target": "user_data"}),
            ("accept_and_lose", {"method": "order.cancel"}),
            ("swallow_report", {"method": "TRADE"}),
            ("partial_fill_then_disconnect", {}),
            ("duplicate_report", {"method": "TRADE"}),
        ):
            await rig.fault(kind, **fields)
            await rig.until_happened(kind)
            await rig.trade_on(10)
        await rig.until_settled()
    judge(tmp_path).all_is_well()
