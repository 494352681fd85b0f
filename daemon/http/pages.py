"""What the HTTP server answers: /metrics, /healthz, /readyz. It changes nothing."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from daemon.http.metrics import registry_of
from daemon.telemetry import Telemetry


class HealthPort(Protocol):
    """Who knows whether trading goes on."""

    def unhealthy(self) -> str | None:
        """Why the process should be restarted; None while the trading loop turns."""

    def unready(self) -> str | None:
        """Why not every account trades; None when all do."""


class Pages:
    """The routes and what is behind them."""

    def __init__(self, *, telemetry: Telemetry, health: HealthPort) -> None:
        self._registry = registry_of(telemetry)
        self._health = health

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, request: web.Request) -> web.Response:
        return _verdict(self._health.unhealthy())

    async def _readyz(self, request: web.Request) -> web.Response:
        return _verdict(self._health.unhealthy() or self._health.unready())


def _verdict(reason: str | None) -> web.Response:
    if reason is None:
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "unavailable", "reason": reason}, status=503)
