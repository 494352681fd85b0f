"""systemd's notification protocol, by hand: one datagram of `KEY=value` lines to the socket it names."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells systemd how the process does; without `NOTIFY_SOCKET` it says nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        if self._address[:1] in ("/", "@"):
            self._socket = socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            )
            if self._address[0] == "@":
                self._address = "\0" + self._address[1:]

    @property
    def is_heard(self) -> bool:
        """Whether anybody asked to be told."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Start-up is over."""
        self.send("READY=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self.send(f"STATUS={text}")

    def watchdog(self) -> None:
        """The trading loop is alive."""
        self.send("WATCHDOG=1")

    def stopping(self, status: str = "stopping") -> None:
        """Shutting down has begun."""
        self.send("STOPPING=1", f"STATUS={status}")

    def extend_start(self, seconds: float) -> None:
        """Start-up goes on (a long recovery): do not give up for so long."""
        self.send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def send(self, *lines: str) -> None:
        """Never blocks and never raises: that systemd does not listen must not disturb trading."""
        if self._socket is None:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError:
            return

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def watchdog_seconds(environ: Mapping[str, str], pid: int | None = None) -> float | None:
    """How old the last `WATCHDOG=1` may become before systemd acts; None when it does not watch us."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    watched = environ.get("WATCHDOG_PID")
    if not microseconds.isdigit() or int(microseconds) == 0:
        return None
    if watched is not None and watched != str(os.getpid() if pid is None else pid):
        return None
    return int(microseconds) / 1e6
