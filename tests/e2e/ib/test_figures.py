"""What the daemon shows of its line to TWS: readiness, gauges, alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from daemon.config import Config, HttpSection
from daemon.exchange.ib.sessions import Switches
from tests.e2e.ib.rig import Life, a_config, a_life, a_tws, fault
from tests.e2e.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Pages:
    """The daemon's pages, as last read."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self.ready = self.metrics = ""

    async def until(self, life: Life, condition: Callable[[], object], what: str) -> None:
        """Until they show it."""
        reading = asyncio.create_task(self._read_on())
        try:
            await life.until(condition, what)
        finally:
            reading.cancel()

    async def _read_on(self) -> None:
        async with aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"{self._base}/readyz") as page:
                        ready = await page.text()
                    async with client.get(f"{self._base}/metrics") as page:
                        # Both at once: figures older than the readiness beside them prove nothing.
                        self.ready, self.metrics = ready, await page.text()
                except aiohttp.ClientConnectionError:
                    pass  # not served yet
                await asyncio.sleep(0.02)

    def value(self, name: str, labels: str = 'venue="ib"') -> float:
        start = f"tickerd_line_{name}{{{labels}}} "
        return next(float(x[len(start) :]) for x in self.metrics.splitlines() if x.startswith(start))


def with_pages(config: Config) -> tuple[Config, Pages]:
    port = free_port()
    return msgspec.structs.replace(config, http=HttpSection(port=port)), Pages(port)


async def test_a_line_that_goes_down_and_comes_back_is_shown(tmp_path: Path) -> None:
    async with a_tws(tmp_path) as tws:
        config, pages = with_pages(a_config(tws, tmp_path / "state"))
        async with a_life(config) as life:
            await pages.until(life, lambda: '"ok"' in pages.ready, "the daemon to be ready")
            assert (pages.value("up"), pages.value("linked"), pages.value("down_seconds")) == (1, 1, 0)
            assert pages.value("subscriptions") >= 1
            assert 0 < pages.value("messages_left") <= 45
            connections = pages.value("connections_total")
            fault(tws, "system_message", code=1100)
            await pages.until(life, lambda: "the line of ib is down" in pages.ready, "the line to be down")
            assert "(1100)" in pages.ready
            assert "nothing need be done" in pages.ready
            assert (pages.value("up"), pages.value("linked")) == (0, 0)
            assert pages.value("connections_total") == connections
            fault(tws, "system_message", code=1102)
            await pages.until(life, lambda: '"ok"' in pages.ready, "the daemon to be ready again")
            fault(tws, "reset", milliseconds=1_000)
            await pages.until(
                life,
                lambda: "it is tried again by itself, and nothing need be done" in pages.ready,
                "the reset to be named",
            )
            assert "enable the API" not in pages.ready
            await pages.until(
                life, lambda: pages.value("connections_total") > connections, "a new connection"
            )


async def test_delayed_data_are_shown(tmp_path: Path) -> None:
    async with a_tws(tmp_path) as tws:
        tws.sessions.switches = Switches(is_delayed=True)
        config, pages = with_pages(a_config(tws, tmp_path / "state"))
        async with a_life(config) as life:
            labels = 'venue="ib",why="delayed"'
            await pages.until(
                life,
                lambda: "why=" in pages.metrics and pages.value("data_trouble", labels) == 1,
                "delayed data to be shown",
            )
            await pages.until(
                life,
                lambda: "no instrument of ib has live data: mktdata: Requested market data" in pages.ready,
                "the daemon not to be ready without any live data",
            )
            assert 'tickerd_feed_instruments_live{venue="ib"} 0.0' in pages.metrics
