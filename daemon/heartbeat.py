"""The heartbeat: a file in the state folder whose time is renewed each second while the trading loop turns.

Whoever watches (`tickerd deadman`) needs no socket and no answer: a process that stands still, hangs on its
disk or is gone renews nothing. A clean stop removes the file: silence that is meant is no alarm.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

HEARTBEAT = "heartbeat"
BEAT_SECONDS = 1.0


class Heartbeat:
    """An edge actor."""

    def __init__(self, state: Path, *, unhealthy: Callable[[], str | None]) -> None:
        """`unhealthy` says why the process should be restarted, None while it should not."""
        self._path, self._unhealthy = state / HEARTBEAT, unhealthy
        self._is_closing = False
        self._beating = asyncio.Lock()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            async with self._beating:
                if not self._is_closing and self._unhealthy() is None:
                    # In a thread: a disk that hangs must not hold up the loop it reports on.
                    await asyncio.to_thread(beat, self._path)
            await asyncio.sleep(BEAT_SECONDS)

    async def close(self) -> None:
        """Say that the silence from now on is meant, unless it is not."""
        self._is_closing = True
        async with self._beating:
            if self._unhealthy() is None:
                await asyncio.to_thread(self._path.unlink, missing_ok=True)


def beat(path: Path) -> None:
    """Renew the file's time, making it where it is not."""
    try:
        os.utime(path)
    except FileNotFoundError:
        path.write_text(f"{os.getpid()}\n")
