"""Watches the kill-switch file of a running daemon: what it sees becomes an input, like any other news."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from actors.messages.base import Message
from actors.messages.control import Halt, KillFileSeen, Scope
from daemon.kill_switch import KILL_FILE

log = structlog.get_logger(__name__)


class KillWatch:
    """Looks when asked to; before the core runs, what is seen waits to be among its first inputs."""

    def __init__(self, state: Path, *, now_ns: Callable[[], int]) -> None:
        self._path = state / KILL_FILE
        self._now_ns = now_ns
        self._is_there = False
        self._waiting: list[Message] = []
        self._offer: Callable[[Message], None] = self._waiting.append

    def begin(self, *, is_known: bool) -> list[Message]:
        """What the core must hear first, given what it remembers of the file."""
        self._is_there = is_known
        self.look()
        return self._waiting

    def go_on(self, offer: Callable[[Message], None]) -> None:
        """The core runs: from now on what is seen is offered to it."""
        self._offer = offer

    def look(self) -> None:
        """Tell the core when the file has come or is gone."""
        is_there = self._path.exists()
        if is_there == self._is_there:
            return
        self._is_there = is_there
        if is_there:
            log.error("kill switch: everything is halted", file=str(self._path))
        else:
            log.warning("the kill-switch file is gone: halts stay until they are cleared")
        self._offer(KillFileSeen(ts_event=self._now_ns(), is_there=is_there))

    def on_signal(self) -> None:
        """SIGUSR1: halt everything."""
        log.error("kill switch: everything is halted", signal="SIGUSR1")
        now = self._now_ns()
        self._offer(
            Halt(ts_event=now, scope=Scope(), command_id=f"signal-{now}", by="signal", reason="SIGUSR1")
        )
