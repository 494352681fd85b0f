"""The venue's clock jumps, and it refuses to talk to us for a while."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from daemon.exchange.settings import PROFILES
from tests.e2e.faults.rig import judge, trading

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("skew_ms", [8_000, -3_000, 700])
async def test_a_clock_that_jumps_costs_refusals_and_no_more(skew_ms: int, tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("clock_skew", milliseconds=skew_ms)
        await rig.trade_on(60)
        await rig.fault("clock_skew", milliseconds=0)
        await rig.trade_on(60)
        await rig.until_settled()
    judge(tmp_path).all_is_well()


async def test_orders_refused_for_their_number_are_rejected_and_not_sent_again(tmp_path: Path) -> None:
    async with trading(tmp_path) as rig:
        await rig.fault("rate_limit_storm", method="order.place", symbol="BTCUSDT", milliseconds=300)
        await rig.until_happened("rate_limit_storm")
        await rig.trade_on(40)
        assert await rig.unknown() == {}
    verdict = judge(tmp_path)
    verdict.all_is_well()
    assert "unknown" not in verdict.statuses()


async def test_a_ban_is_sat_out(tmp_path: Path) -> None:
    profile = msgspec.structs.replace(PROFILES["fast"], violations_before_ban=1, ban_seconds=1)
    async with trading(tmp_path, profile=profile) as rig:
        await rig.fault("rate_limit_storm", method="order.cancel", milliseconds=100, count=2)
        await rig.until_happened("rate_limit_storm", 2)
        await rig.until_settled()
    judge(tmp_path).all_is_well()
