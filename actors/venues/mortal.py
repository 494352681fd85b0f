"""Sockets that die at once: no byte of an order may outlive the process or the patience of its answer."""

from __future__ import annotations

import socket
import struct

USER_TIMEOUT_MS = 5_000
"""So long the kernel tries to deliver what was handed over."""
_ABORT_ON_CLOSE = struct.pack("ii", 1, 0)


def make_mortal(line: socket.socket) -> None:
    """Closing drops what was not sent, and what is not acknowledged in time ends the connection."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
