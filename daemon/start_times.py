"""How long each step of a start took, from the process's first instruction to the first order it may send."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from actors.messages.base import Message
from actors.messages.control import Scope, StateChanged

log = structlog.get_logger(__name__)


class StartTimes:
    """Logs each step when it is done."""

    def __init__(self) -> None:
        self._began = time.monotonic() - process_age_seconds()
        self._last = self._began
        self._waiting: dict[Scope, None] = {}

    def done(self, step: str, **facts: object) -> None:
        """This step has ended now."""
        now = time.monotonic()
        log.info(
            "start", step=step, ms=round((now - self._last) * 1e3, 1),
            total_ms=round((now - self._began) * 1e3, 1), **facts,
        )  # fmt: skip
        self._last = now

    def wait_for(self, accounts: Iterable[str]) -> None:
        """Watch for the first time that each of these accounts may trade."""
        self._waiting = {Scope(account=account): None for account in accounts}

    def on_step(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Follow the steps of the core until every account is active."""
        if not self._waiting:
            return
        for each in sent:
            if isinstance(each, StateChanged) and each.state == "active" and each.scope in self._waiting:
                del self._waiting[each.scope]
                self.done("active", account=each.scope.account, seq=seq)


def process_age_seconds() -> float:
    """How long ago this process began; 0 where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
