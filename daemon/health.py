"""Health: tells the core when something that trading depends on goes out of order, and when it is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from actors.messages.base import Message
from actors.messages.control import HealthReported, HealthSubject
from actors.venues.ports import Broker

log = structlog.get_logger(__name__)

BACKLOG_MAX = 1_000
"""So many commands waiting for one broker mean that it does not keep up."""
BACKLOG_SECONDS = 10.0
"""A broker that has had commands waiting for so long without a pause does not keep up either."""
CHECKPOINT_LATE = 5
"""A checkpoint that could not be stored for so many times its interval is too old."""
CHECKPOINT_LATE_SECONDS_MIN = 10.0
"""However often checkpoints are taken: a busy disk is late by seconds and harms nobody."""
SECOND_NS = 1_000_000_000


class Health:
    """Remembers what is out of order, so that only changes are told."""

    def __init__(self, *, offer: Callable[[Message], None], now_ns: Callable[[], int]) -> None:
        self._offer, self._now_ns = offer, now_ns
        self._bad: dict[tuple[HealthSubject, str | None], None] = {}
        self._waiting_since: dict[str, int] = {}

    def report(self, subject: HealthSubject, is_good: bool, reason: str, account: str | None = None) -> None:
        """Say how something is; None as account concerns all."""
        key = (subject, account)
        if is_good == (key not in self._bad):
            return
        if is_good:
            del self._bad[key]
            log.info("right again", subject=subject, reason=reason, account=account)
        else:
            self._bad[key] = None
            log.error("out of order, no new exposure", subject=subject, reason=reason, account=account)
        self._offer(
            HealthReported(
                ts_event=self._now_ns(), subject=subject, is_good=is_good, reason=reason, account=account
            )
        )

    def watch_brokers(self, brokers: Mapping[str, Broker]) -> None:
        """A broker's inbox refuses nothing; too long or too old, its account takes no new exposure."""
        now = self._now_ns()
        for account, broker in brokers.items():
            waiting = broker.backlog()
            if not waiting:
                self._waiting_since.pop(account, None)
                self.report("broker", True, "nothing waits for the broker", account)
                continue
            seconds = (now - self._waiting_since.setdefault(account, now)) / SECOND_NS
            if waiting > BACKLOG_MAX or seconds > BACKLOG_SECONDS:
                reason = f"{waiting} commands wait for the broker, {seconds:.0f} s without a pause"
                self.report("broker", False, reason, account)

    def watch_store(self, late_ns: int, checkpoint_seconds: float) -> None:
        """Without checkpoints a restart takes longer and longer."""
        late = late_ns / SECOND_NS
        is_good = late <= max(CHECKPOINT_LATE * checkpoint_seconds, CHECKPOINT_LATE_SECONDS_MIN)
        reason = (
            f"a checkpoint has waited {late:.0f} s to be stored" if not is_good else "checkpoints are stored"
        )
        self.report("store", is_good, reason)
