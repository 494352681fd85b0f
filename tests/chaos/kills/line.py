"""A line between daemon and exchange that takes its time and can be cut; what is on it is not lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

CHUNK = 65_536
READY_SECONDS = 10.0


class SlowLine:
    """Forwards every connection to a port; runs in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.latency_seconds = 0.01
        """One way."""
        self.cuts = 0
        self._target = port
        self._writers: dict[asyncio.StreamWriter, None] = {}
        self._loop = asyncio.new_event_loop()
        self._pumps: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow line", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._take, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _call(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(READY_SECONDS)

    def cut(self) -> None:
        """Break every connection now, with all that is on it."""
        self.cuts += 1
        self._loop.call_soon_threadsafe(self._abort_all)

    def close(self) -> None:
        """Cut everything and end."""
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(READY_SECONDS)
        self._loop.close()

    async def _shut(self) -> None:
        self._server.close()
        self._abort_all()
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pump = self._loop.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Read at once, write later: what was read is on its way whatever happens to who sent it."""
        self._writers[sink] = None
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = self._loop.create_task(self._deliver(waiting, sink))
        try:
            while chunk := await source.read(CHUNK):
                waiting.put_nowait((self._loop.time() + self.latency_seconds, chunk))
        except OSError:
            pass  # the sender was killed; what it had sent still arrives
        finally:
            waiting.put_nowait((0.0, b""))
            await delivery
            self._writers.pop(sink, None)

    async def _deliver(self, waiting: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        try:
            while True:
                due, chunk = await waiting.get()
                if not chunk:
                    break
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if sink.transport.is_closing():
                    break
                sink.write(chunk)
        finally:
            sink.close()
