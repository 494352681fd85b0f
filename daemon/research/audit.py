"""While strategies run nothing may reach the network or start a process: an audit hook refuses it.

A guard against mistakes, not a sandbox. It watches the thread that runs the strategies and no other.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from actors.errors import UsageError

REFUSED = frozenset({
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname",
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
    "pty.spawn",
})  # fmt: skip


class OutsideRefused(UsageError):
    """A strategy has tried to reach the outside."""


class _Watch:
    """Which thread is watched; one hook for the life of the process, as hooks cannot be taken back."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.is_installed = False

    def install(self) -> None:
        if not self.is_installed:
            self.is_installed = True
            sys.addaudithook(self.look)

    def look(self, event: str, _arguments: object) -> None:
        if event in REFUSED and self.thread == threading.get_ident():
            raise OutsideRefused(
                f"{event} is refused while strategies run: do it in a function given to ctx.run_off_loop"
            )


_WATCH = _Watch()


@contextmanager
def no_outside() -> Iterator[None]:
    """Refuse sockets and processes in this thread."""
    _WATCH.install()
    before, _WATCH.thread = _WATCH.thread, threading.get_ident()
    try:
        yield
    finally:
        _WATCH.thread = before


@contextmanager
def outside_allowed() -> Iterator[None]:
    """Within `no_outside`: what is handed to `run_off_loop` may do anything."""
    before, _WATCH.thread = _WATCH.thread, None
    try:
        yield
    finally:
        _WATCH.thread = before
