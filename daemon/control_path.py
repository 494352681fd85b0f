"""Where the control socket lies, and how to reach it when the path is longer than a socket address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_NAME = "control.sock"
_ADDRESS_BYTES_MAX = 107


@contextmanager
def reachable(folder: Path) -> Iterator[Path]:
    """A path of the socket that fits into an address, while the context lasts."""
    path = folder / SOCKET_NAME
    if len(os.fsencode(path)) <= _ADDRESS_BYTES_MAX:
        yield path
        return
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}") / SOCKET_NAME
    finally:
        os.close(descriptor)
