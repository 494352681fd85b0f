"""The HTTP server beside the trading loop: /metrics, /healthz, /readyz. It answers and changes nothing."""

from __future__ import annotations

import asyncio
import errno
from typing import Protocol

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from actors.errors import ConfigError, TradingError
from daemon.http.metrics import registry_of
from daemon.telemetry import Telemetry


class HealthPort(Protocol):
    """Who knows whether trading goes on."""

    def unhealthy(self) -> str | None:
        """Why the process should be restarted; None while the trading loop turns."""

    def unready(self) -> str | None:
        """Why not every account trades; None when all do."""


class HttpServer:
    """Serves until closed; `port` 0 lets the system choose."""

    name = "http"

    def __init__(self, *, host: str, port: int, telemetry: Telemetry, health: HealthPort) -> None:
        self._host, self._port = host, port
        self._registry = registry_of(telemetry)
        self._health = health
        self._runner: web.AppRunner | None = None
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Serve until `close`."""
        if self._runner is None:
            await self.start()
        await self._closed.wait()

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: The address is not one of this machine, or needs rights we lack.
            TradingError: Somebody else listens there.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise _cannot_listen(f"{self._host}:{self._port}", error) from None
        self._runner = runner

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._runner is not None, "started before asked"
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        self._closed.set()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, request: web.Request) -> web.Response:
        return _verdict(self._health.unhealthy())

    async def _readyz(self, request: web.Request) -> web.Response:
        return _verdict(self._health.unhealthy() or self._health.unready())


def _cannot_listen(address: str, error: OSError) -> TradingError:
    advice = "set http.port to a free one, 0 for any, or -1 to switch HTTP off"
    if error.errno == errno.EADDRINUSE:
        return TradingError(f"http cannot listen on {address}, it is in use: {advice}")
    why = (error.strerror or str(error)).lower()
    return ConfigError(f"http cannot listen on {address} ({why}): correct http.host, or {advice}")


def _verdict(reason: str | None) -> web.Response:
    if reason is None:
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "unavailable", "reason": reason}, status=503)
