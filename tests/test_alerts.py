"""The edge actor: from a step of the record to a real other end, and never in trading's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actors.errors import ConfigError
from actors.messages.control import Scope, StateChanged, TimeReached, TradingState
from daemon import alerts as alerts_module
from daemon.alert_settings import AlertsSection, WebhookChannel
from daemon.alerts import Alerts
from daemon.telemetry import Telemetry
from tests.fakes.alert_sinks import WebSink, a_web_sink


def a_step(alerts: Alerts, state: TradingState, account: str = "demo") -> None:
    changed = StateChanged(ts_event=1, scope=Scope(account=account), state=state, reason="why")
    alerts.on_step(1, 10**18, TimeReached(ts_event=1), [changed])


class Rig:
    def __init__(self, url: str, **settings: object) -> None:
        self.telemetry = Telemetry(now_ns=lambda: 10**18, version="0")
        desk = {"desk": WebhookChannel(url="HOOK")}
        section = AlertsSection(webhook=desk, **settings)  # type: ignore[arg-type]
        self.alerts = Alerts(section, environ={"HOOK": url}, now_ns=lambda: 10**18, telemetry=self.telemetry)
        self.task = asyncio.create_task(self.alerts.run())

    async def finish(self) -> None:
        await self.alerts.close()
        async with asyncio.timeout(10):
            await self.task


@asynccontextmanager
async def a_rig(**settings: object) -> AsyncIterator[tuple[Rig, WebSink]]:
    async with a_web_sink() as sink:
        rig = Rig(sink.url, **settings)
        yield rig, sink
        if not rig.task.done():
            await rig.finish()


async def test_a_halt_in_the_record_arrives_and_an_info_does_not() -> None:
    async with a_rig() as (rig, sink):
        a_step(rig.alerts, "active")
        a_step(rig.alerts, "halted")
        await sink.wait_posts(1)
        await rig.finish()
    assert [post["text"] for post in sink.posts] == ["tickerd: critical halted account=demo: why"]
    assert rig.telemetry.alerts_sent == {"desk": 1}
    assert rig.telemetry.alerts_raised == {("info", "active"): 1, ("critical", "halted"): 1}


async def test_the_same_alert_arrives_once_and_at_the_end_with_its_count() -> None:
    async with a_rig() as (rig, sink):
        for _ in range(5):
            a_step(rig.alerts, "paused")
        await sink.wait_posts(1)
        await rig.finish()
    assert [post["text"].partition(":")[2] for post in sink.posts] == [
        " warning paused account=demo: why", " warning paused account=demo (×4): why"
    ]  # fmt: skip
    rig.telemetry.refresh()
    assert rig.telemetry.alerts_repeated == 4


async def test_a_channel_that_fails_is_tried_again_until_it_takes_the_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts_module, "BACKOFF_FIRST_SECONDS", 0.01)
    async with a_rig() as (rig, sink):
        sink.answers = [503, 503]
        a_step(rig.alerts, "halted")
        await sink.wait_posts(3)
        await rig.finish()
    assert rig.telemetry.alerts_failed == {"desk": 2}
    assert rig.telemetry.alerts_sent == {"desk": 1}
    assert rig.telemetry.alerts_dropped == {}


async def test_a_refusal_for_good_is_given_up_and_the_next_alert_goes_out() -> None:
    async with a_rig() as (rig, sink):
        sink.answers = [400]
        a_step(rig.alerts, "halted", "one")
        await sink.wait_posts(1)
        a_step(rig.alerts, "halted", "two")
        await sink.wait_posts(2)
        await rig.finish()
    assert rig.telemetry.alerts_dropped == {"desk": 1}
    assert rig.telemetry.alerts_sent == {"desk": 1}


async def test_an_end_while_a_channel_is_down_waits_for_no_back_off() -> None:
    async with a_rig() as (rig, sink):
        sink.answers = [503] * 10
        a_step(rig.alerts, "halted")
        await sink.wait_posts(1)
        await rig.finish()
    assert len(sink.posts) <= 2
    assert rig.telemetry.alerts_dropped == {"desk": 1}


async def test_what_the_process_says_at_its_end_still_goes_out() -> None:
    async with a_rig() as (rig, sink):
        rig.alerts.raise_alert("critical", "core_failed", "", "risk raised")
        await rig.finish()
    assert [post["text"] for post in sink.posts] == ["tickerd: critical core_failed: risk raised"]


async def test_more_than_can_be_remembered_drops_the_oldest_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts_module, "HEARD_MAX", 10)
    async with a_rig() as (rig, sink):
        for number in range(25):
            a_step(rig.alerts, "halted", f"a{number}")
        await rig.finish()
    assert rig.telemetry.alerts_dropped == {"unread": 15}
    assert [post["text"].split()[3] for post in sink.posts] == [f"account=a{n}:" for n in range(15, 25)]


async def test_a_channel_without_its_secret_refuses_to_start() -> None:
    telemetry = Telemetry(now_ns=lambda: 0, version="0")
    section = AlertsSection(webhook={"desk": WebhookChannel(url="HOOK")})
    with pytest.raises(ConfigError, match="HOOK"):
        Alerts(section, environ={}, now_ns=lambda: 0, telemetry=telemetry)
