"""Dead-man: watches the heartbeat from a process of its own, and acts when it stops.

Silence is measured on this process's own clock since the file last changed, so neither a clock that jumps
nor a file from yesterday is taken for life. A file that is gone was removed by a clean stop: no alarm; one
that cannot be looked at, its folder lost with the disk, is silent. What was silent before this process began
is given the same patience as any other silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Literal

import structlog

from daemon.alert_routing import Alert
from daemon.alert_settings import DeadmanSection, Severity
from daemon.heartbeat import HEARTBEAT

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
STOP_SECONDS = 10.0
"""How long what has begun may go on when told to stop."""
News = Literal["silent", "still_silent", "back", "stopped"]


class Vigil:
    """What the file's last change means at a given time. Pure."""

    def __init__(self, settings: DeadmanSection, now: float) -> None:
        self._silence, self._remind = settings.silence_seconds, settings.remind_minutes * 60
        self.mark: tuple[int, int] | None = None
        """As last seen."""
        self._changed = now
        self._told: float | None = None

    def look(self, mark: tuple[int, int] | None, now: float) -> tuple[News, float] | None:
        """News, with how long the silence has lasted.

        Args:
            mark: Inode and time of change of the file; None while there is none.
        """
        silent = now - self._changed
        if mark != self.mark or mark is None:
            was_told, self._told = self._told is not None, None
            was_there, self.mark, self._changed = self.mark is not None, mark, now
            if mark is None:
                return ("stopped", silent) if was_there else None
            return ("back", silent) if was_told else None
        if silent < self._silence:
            return None
        if self._told is None:
            self._told = now
            return ("silent", silent)
        if now - self._told >= self._remind:
            self._told = now
            return ("still_silent", silent)
        return None


class Deadman:
    """The loop around it."""

    def __init__(
        self,
        state: Path,
        settings: DeadmanSection,
        *,
        tell: Callable[[Alert], Awaitable[None]],
        act: Callable[[], Awaitable[str]] | None,
        alive: Callable[[str], None],
        now_ns: Callable[[], int],
    ) -> None:
        """`act` is called once per silence and says in one sentence what it did; `alive` after each look."""
        self._path, self._settings = state / HEARTBEAT, settings
        self._tell, self._act, self._alive, self._now_ns = tell, act, alive, now_ns
        self._vigil = Vigil(settings, monotonic())
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until told to stop."""
        while not stop.is_set():
            try:
                mark = await asyncio.to_thread(mark_of, self._path)
            except OSError:
                mark = self._vigil.mark  # what cannot be looked at has not beaten
            news = self._vigil.look(mark, monotonic())
            if news is not None:
                self._handle(*news)
            self._alive("no daemon runs" if mark is None else "watching")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                pass
        deadline = monotonic() + STOP_SECONDS
        while self._tasks and (left := deadline - monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)  # what it has done is still told
        for task in self._tasks:
            task.cancel()

    def _handle(self, news: News, silent: float) -> None:
        match news:
            case "silent":
                self._tell_soon("critical", f"no heartbeat for {silent:.0f} s: the daemon hangs or is dead")
                if self._act is not None:
                    self._start(self._acted())
            case "still_silent":
                self._tell_soon("critical", f"still no heartbeat, for {silent:.0f} s now")
            case "back":
                self._tell_soon("warning", f"the heartbeat is back after {silent:.0f} s")
            case "stopped":
                self._tell_soon("info", "the daemon has stopped cleanly")

    async def _acted(self) -> None:
        assert self._act is not None
        done = await self._act()
        self._tell_soon("critical", done)

    def _tell_soon(self, severity: Severity, text: str) -> None:
        """Beside the watch: a slow channel must hold up neither it nor the cancels."""
        subject = str(self._path.parent)
        alert = Alert(severity=severity, kind="heartbeat", subject=subject, text=text, ts_ns=self._now_ns())
        log.warning("heartbeat", news=text)
        self._start(self._tell(alert))

    def _start(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:  # the watch goes on whatever an alert or a cancel runs into
                log.exception("dead-man")

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def mark_of(path: Path) -> tuple[int, int] | None:
    """What changes with every beat; None while there is no file.

    Raises:
        OSError: Nobody can tell: the folder is gone, or cannot be read.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        path.parent.stat()
        return None
    return found.st_ino, found.st_mtime_ns
