"""The HTTP server over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.errors import ConfigError, TradingError
from daemon.http.server import HttpServer
from daemon.telemetry import AccountFigures, Telemetry


class Health:
    def __init__(self) -> None:
        self.sick: str | None = None
        self.waiting: str | None = None

    def unhealthy(self) -> str | None:
        return self.sick

    def unready(self) -> str | None:
        return self.waiting


class Site:
    def __init__(self) -> None:
        self.now_ns = 100_000_000_000
        self.telemetry = Telemetry(now_ns=lambda: self.now_ns, version="1.2.3", session="s")
        self.health = Health()
        self.server = HttpServer(host="127.0.0.1", port=0, telemetry=self.telemetry, health=self.health)

    async def get(self, path: str) -> tuple[int, str]:
        host, port = self.server.address
        async with aiohttp.ClientSession() as client, client.get(f"http://{host}:{port}{path}") as answer:
            return answer.status, await answer.text()

    async def samples(self) -> dict[tuple[str, tuple[str, ...]], float]:
        status, text = await self.get("/metrics")
        assert status == 200
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.server.start()
    yield site
    await site.server.close()


async def test_metrics_show_what_telemetry_holds_at_the_moment_of_the_scrape(site: Site) -> None:
    telemetry = site.telemetry
    telemetry.inputs = 12
    telemetry.feed_last_ns["binance"] = site.now_ns - 2_000_000_000
    telemetry.tick_to_order.observe(0.00002)
    telemetry.tick_to_order.observe(5.0)
    account = telemetry.accounts["paper"] = AccountFigures(currency="USDT", state="active")
    account.equity, account.drawdown = 990.0, -0.01
    telemetry.unknown_since_ns["paper"] = site.now_ns - 3_000_000_000
    telemetry.refreshers.append(lambda t: t.orders.update({("paper", "accepted"): 4}))

    samples = await site.samples()

    assert samples["tickerd_inputs_total", ()] == 12
    assert samples["tickerd_feed_age_seconds", ("binance",)] == 2.0
    assert samples["tickerd_tick_to_order_seconds_bucket", ("2.5e-05",)] == 1
    assert samples["tickerd_tick_to_order_seconds_bucket", ("+Inf",)] == 2
    assert samples["tickerd_tick_to_order_seconds_count", ()] == 2
    assert samples["tickerd_tick_to_order_seconds_sum", ()] == 5.00002
    assert samples["tickerd_orders", ("paper", "accepted")] == 4
    assert samples["tickerd_trading_state", ("paper", "active")] == 1
    assert samples["tickerd_trading_state", ("paper", "halted")] == 0
    assert samples["tickerd_equity", ("paper", "USDT")] == 990.0
    assert samples["tickerd_drawdown_ratio", ("paper",)] == -0.01
    assert samples["tickerd_unknown_order_age_seconds", ("paper",)] == 3.0
    assert {name.partition("_")[0] for name, _ in samples} == {"tickerd"}

    telemetry.inputs = 13
    telemetry.unknown_since_ns.clear()
    samples = await site.samples()
    assert samples["tickerd_inputs_total", ()] == 13
    assert samples["tickerd_unknown_order_age_seconds", ("paper",)] == 0.0


async def test_an_account_without_a_valuation_has_a_state_and_no_equity(site: Site) -> None:
    site.telemetry.accounts["paper"] = AccountFigures(currency="USDT")
    samples = await site.samples()
    assert samples["tickerd_trading_state", ("paper", "starting")] == 1
    assert not [name for name, _ in samples if name == "tickerd_equity"]


async def test_health_and_readiness_give_their_reason(site: Site) -> None:
    assert await site.get("/healthz") == (200, '{"status": "ok"}')
    assert (await site.get("/readyz"))[0] == 200
    site.health.waiting = "account paper is reconciling"
    assert (await site.get("/healthz"))[0] == 200
    status, text = await site.get("/readyz")
    assert (status, "account paper is reconciling" in text) == (503, True)
    site.health.sick = "the loop stands still"
    assert (await site.get("/healthz"))[0] == 503
    assert "the loop stands still" in (await site.get("/readyz"))[1]


async def test_no_other_path_and_no_other_method_is_served(site: Site) -> None:
    assert (await site.get("/"))[0] == 404
    host, port = site.server.address
    async with aiohttp.ClientSession() as client, client.post(f"http://{host}:{port}/metrics") as answer:
        assert answer.status == 405


async def test_an_address_that_cannot_be_had_names_the_setting() -> None:
    site = Site()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = HttpServer(host="127.0.0.1", port=port, telemetry=site.telemetry, health=site.health)
        with pytest.raises(TradingError, match=r"in use: set http\.port"):
            await server.start()
    server = HttpServer(host="192.0.2.1", port=0, telemetry=site.telemetry, health=site.health)
    with pytest.raises(ConfigError, match=r"correct http\.host"):
        await server.start()


async def test_it_serves_until_it_is_closed() -> None:
    site = Site()
    await site.server.start()
    task = asyncio.create_task(site.server.run())
    async with asyncio.timeout(10):
        assert (await site.get("/healthz"))[0] == 200
        await site.server.close()
        await task


async def test_the_first_who_asks_is_answered() -> None:
    site = Site()
    site.server.listen()
    task = asyncio.create_task(site.server.run())
    async with asyncio.timeout(10):
        assert (await site.get("/healthz"))[0] == 200
        assert (await site.get("/readyz"))[0] == 200
        await site.server.close()
        await task


async def test_it_closes_though_nobody_ever_asked() -> None:
    site = Site()
    site.server.listen()
    address = site.server.address
    task = asyncio.create_task(site.server.run())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await site.server.close()
        await task
    socket.create_server(address).close()
