"""Sockets that die at once: no byte of an order may outlive the process or the patience of its answer."""

from __future__ import annotations

import socket
import struct
from typing import Any

import aiohttp

USER_TIMEOUT_MS = 5_000
_ABORT_ON_CLOSE = struct.pack("ii", 1, 0)


def quick_to_die(address: tuple[Any, ...]) -> socket.socket:
    """For `TCPConnector(socket_factory=…)`: closing drops what was not sent, and what is not acknowledged in
    time ends the connection."""
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def abort(connection: aiohttp.ClientWebSocketResponse) -> None:
    """Drop a WebSocket with everything that is still in its buffers; no closing handshake."""
    # aiohttp offers no public way: its `close` first flushes, which is what must not happen here.
    underlying = connection._response.connection
    if underlying is None:
        return
    transport = underlying.transport
    if transport is not None:
        transport.abort()
    underlying.close()


def abort_all(session: aiohttp.ClientSession) -> None:
    """Drop every connection on which a request of the session is under way."""
    connector = session.connector
    for protocol in list(connector._acquired) if connector is not None else ():
        if protocol.transport is not None:
            protocol.transport.abort()
