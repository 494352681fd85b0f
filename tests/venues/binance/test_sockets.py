"""Sockets that die at once."""

from __future__ import annotations

import asyncio
import socket
import struct

import aiohttp
from aiohttp import web

from actors.venues.binance.sockets import abort, quick_to_die
from actors.venues.mortal import USER_TIMEOUT_MS


def test_a_broker_socket_drops_unsent_bytes_on_close_and_does_not_wait_for_a_dead_peer() -> None:
    with quick_to_die((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 0))) as made:
        linger = made.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        assert struct.unpack("ii", linger) == (1, 0)
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USER_TIMEOUT_MS
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_an_aborted_connection_lets_nothing_out_that_was_still_in_its_buffers() -> None:
    received = 0
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def slow_reader(request: web.Request) -> web.StreamResponse:
        nonlocal received
        answer = web.WebSocketResponse(max_msg_size=0)
        await answer.prepare(request)
        assert request.transport is not None
        request.transport.pause_reading()
        await go_on.wait()
        if not request.transport.is_closing():
            request.transport.resume_reading()
        async for message in answer:
            received += len(message.data)
        ended.set()
        return answer

    app = web.Application()
    app.router.add_get("/", slow_reader)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    connector = aiohttp.TCPConnector(socket_factory=quick_to_die)
    async with aiohttp.ClientSession(connector=connector) as session:
        line = await session.ws_connect(f"http://127.0.0.1:{port}/")
        sending = [asyncio.create_task(line.send_bytes(b"x" * 4_000_000)) for _ in range(8)]
        await asyncio.wait(sending, timeout=0.05)
        abort(line)
        await asyncio.gather(*sending, return_exceptions=True)
        go_on.set()
        async with asyncio.timeout(10):
            await ended.wait()
    await runner.cleanup()
    assert received < 8 * 4_000_000
