"""Orders whose fate is open: while we trade, when we stop, and until it is proven that they never arrived."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faults.rig import judge, trading

pytestmark = pytest.mark.slow


async def test_an_order_that_never_arrived_stays_unknown_and_is_not_sent_again(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("lose_request", method="order.place", symbol="BTCUSDT")
        await rig.until_happened("lose_request")
        await rig.trade_on(60)
        (lost,) = await rig.unknown()
        placed = rig.accepted_in("BTCUSDT")
        await rig.trade_on(30)
        # ETHUSDT trades on; in BTCUSDT only reductions pass, so its orders come to an end
        assert rig.accepted_in("BTCUSDT") - placed <= 8
    verdict = judge(tmp_path)
    verdict.all_is_well()
    assert verdict.statuses()["unknown"] == 1
    assert verdict.order(lost)["status"] == "unknown"


@pytest.mark.soak
async def test_an_order_that_never_arrived_is_rejected_once_that_is_proven(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("lose_request", method="order.place", symbol="BTCUSDT")
        await rig.until_happened("lose_request")
        await rig.trade_on(60)
        (lost,) = await rig.unknown()
        await rig.until_known(lost, seconds=80.0)
        placed = rig.accepted_in("BTCUSDT")
        await rig.trade_on(60)
        assert rig.accepted_in("BTCUSDT") > placed
    verdict = judge(tmp_path)
    verdict.all_is_well()
    assert verdict.order(lost)["status"] == "rejected"
    assert verdict.order(lost)["reason"].startswith("NOT_RECEIVED")


async def test_a_stop_cancels_orders_whose_outcome_it_has_to_ask_for_first(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("swallow_report", method="NEW", count=1_000)
        await rig.fault("accept_and_lose", method="order.place", count=3)
        await rig.until_happened("accept_and_lose", 3)
    judge(tmp_path).all_is_well()


async def test_a_stop_asks_about_cancels_without_an_answer(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("swallow_report", method="CANCELED", count=1_000)
        await rig.fault("error_after", method="order.cancel", count=2)
        await rig.fault("accept_and_lose", method="order.cancel", count=2)
    judge(tmp_path).all_is_well()


async def test_money_that_comes_and_goes_is_booked_beside_the_trades(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.transfer("deposit", "USDT", "1234.56789")
        await rig.trade_on(20)
        await rig.transfer("withdraw", "ETH", "0.5")
        await rig.trade_on(20)
        await rig.until_settled()
    judge(tmp_path).all_is_well()
