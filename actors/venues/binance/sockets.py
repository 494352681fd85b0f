"""aiohttp's connections, made to die at once and dropped with everything in their buffers."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp

from actors.venues.mortal import make_mortal


def quick_to_die(address: tuple[Any, ...]) -> socket.socket:
    """For `TCPConnector(socket_factory=…)`: closing drops what was not sent, and what is not acknowledged in
    time ends the connection."""
    made = socket.socket(address[0], address[1], address[2])
    make_mortal(made)
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
