"""The line itself: how often it is tried, and what is said of it meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from actors.venues.ib.session import Session
from actors.venues.ib.settings import SessionSettings
from daemon.exchange.faults import Fault
from tests.venues.ib.rig import rig

pytestmark = pytest.mark.slow


async def test_a_gateway_that_greets_and_hangs_up_is_tried_ever_more_rarely() -> None:
    patient = SessionSettings(pause_seconds=0.04, pause_cap_seconds=30.0)
    async with rig(settings=patient) as rigged:
        rigged.tws.faults.add(Fault(kind="cut_after", method="reqCurrentTime", count=5))
        began = asyncio.get_running_loop().time()
        async with rigged.session.held(), asyncio.timeout(20):
            while rigged.session.connections < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        # Half of 40, 80, 160 and 320 ms at least; beginning anew at each greeting it was 160 ms at most.
        assert asyncio.get_running_loop().time() - began >= 0.3


async def test_after_a_line_that_has_lasted_the_pauses_begin_anew() -> None:
    async with rig(settings=SessionSettings(pause_seconds=0.01, pause_cap_seconds=0.2)) as rigged:
        rigged.tws.faults.add(Fault(kind="cut_after", method="reqCurrentTime", count=4))
        async with rigged.session.held(), asyncio.timeout(20):
            while rigged.session.connections < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert rigged.session.pauses.next() >= 0.08
            await asyncio.sleep(0.25)  # longer than the longest pause
            rigged.fault("drop")
            while rigged.session.connections < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert rigged.session.pauses.next() <= 0.02


async def test_a_line_that_has_been_up_is_not_told_to_enable_the_api() -> None:
    async with rig() as rigged:
        session = Session("ib", rigged.session.settings, time.time_ns)
        async with session.held(), asyncio.timeout(20):
            await session.wait_up(10)
            rigged.fault("reset", milliseconds=300)
            said = "nothing need be done unless it lasts 10 minutes"
            while said not in session.outage.reason:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await session.wait_up(10)
