"""TWS's own line to IB: lost, back, and back without a word before."""

from __future__ import annotations

import asyncio

import pytest

from actors.messages.control import BrokerStarted, BrokerStopped
from actors.messages.orders import NotSent
from actors.venues.ib.settings import SessionSettings
from tests.venues.ib.rig import trading

pytestmark = pytest.mark.slow


async def test_nothing_is_sent_while_tws_has_no_line_to_ib() -> None:
    async with trading() as rigged:
        for lost, back in ((1100, 1102), (2110, 1101)):
            started, stopped = len(rigged.told.all(BrokerStarted)), len(rigged.told.all(BrokerStopped))
            rigged.fault("system_message", code=lost)
            await rigged.told.until(lambda: len(rigged.told.all(BrokerStopped)) > stopped)  # noqa: B023
            orders = len(rigged.tws.desk.orders)
            sent = len(rigged.told.all(NotSent)) + 1
            rigged.submit()
            await rigged.told.until(lambda: len(rigged.told.all(NotSent)) == sent)  # noqa: B023
            assert len(rigged.tws.desk.orders) == orders
            rigged.fault("system_message", code=back)
            await rigged.started(started + 1)
        assert rigged.session.connections == 1


async def test_heartbeats_do_not_open_a_line_that_tws_has_not_got() -> None:
    brisk = SessionSettings(heartbeat_seconds=0.02, heartbeat_deadline_seconds=0.01)
    async with trading(settings=brisk) as rigged:
        rigged.fault("system_message", code=1100)
        await rigged.told.until(lambda: rigged.told.all(BrokerStopped))
        await asyncio.sleep(0.2)  # ten heartbeats
        assert (len(rigged.told.all(BrokerStarted)), rigged.session.is_up) == (1, False)
        rigged.fault("system_message", code=1102)
        await rigged.started(2)


async def test_a_link_that_is_back_is_asked_for_everything_even_if_nobody_said_it_was_lost() -> None:
    async with trading() as rigged:
        for times, code in ((2, 1102), (3, 1101)):
            rigged.fault("system_message", code=code)
            await rigged.started(times)
        assert len(rigged.told.all(BrokerStopped)) == 2
