"""The HTTP server beside the trading loop.

It takes its address first, so that a wrong one stops a start. What it answers is loaded when somebody first
asks, who waits in the socket meanwhile: a start does not need it, and loading it takes a tenth of one.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from importlib import import_module
from typing import TYPE_CHECKING

from actors.errors import ConfigError, TradingError
from daemon.telemetry import Telemetry

if TYPE_CHECKING:
    from aiohttp import web

    from daemon.http.pages import HealthPort


class HttpServer:
    """Serves until closed; `port` 0 lets the system choose."""

    name = "http"

    def __init__(self, *, host: str, port: int, telemetry: Telemetry, health: HealthPort) -> None:
        self._host, self._port = host, port
        self._telemetry, self._health = telemetry, health
        self._sockets: list[socket.socket] = []
        self._runner: web.AppRunner | None = None
        self._asked, self._closed = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Serve until `close`."""
        if self._runner is None:
            if not self._sockets:
                self.listen()
            await self._somebody_asks()
        if self._runner is None and not self._closed.is_set():
            await self.start()
        await self._closed.wait()

    async def _somebody_asks(self) -> None:
        for each in self._sockets:
            asyncio.get_running_loop().add_reader(each, self._asked.set)
        try:
            await self._asked.wait()
        finally:
            self._stop_watching()

    def _stop_watching(self) -> None:
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each)

    def listen(self) -> None:
        """Take the address.

        Raises:
            ConfigError: It is not one of this machine, or needs rights we lack.
            TradingError: Somebody else listens there.
        """
        try:
            found = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, *_, address in dict.fromkeys(found):
                self._sockets.append(socket.create_server((address[0], self._port), family=family))
        except OSError as error:
            self._let_go()
            raise _cannot_listen(f"{self._host}:{self._port}", error) from None

    async def start(self) -> None:
        """Answer at the address; raises as `listen` does when it has not been taken before."""
        if not self._sockets:
            self.listen()
        # In a thread: loading takes longer than the trading loop may stand still.
        await asyncio.to_thread(import_module, "daemon.http.pages")
        from aiohttp import web

        from daemon.http.pages import Pages

        pages = Pages(telemetry=self._telemetry, health=self._health)
        runner = web.AppRunner(pages.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        for each in self._sockets:
            await web.SockSite(runner, each).start()
        self._runner = runner

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._sockets, "listens before it is asked"
        host, port = self._sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        self._closed.set()
        self._asked.set()
        self._stop_watching()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
        self._let_go()

    def _let_go(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()


def _cannot_listen(address: str, error: OSError) -> TradingError:
    advice = "set http.port to a free one, 0 for any, or -1 to switch HTTP off"
    if error.errno == errno.EADDRINUSE:
        return TradingError(f"http cannot listen on {address}, it is in use: {advice}")
    why = (error.strerror or str(error)).lower()
    return ConfigError(f"http cannot listen on {address} ({why}): correct http.host, or {advice}")
