"""What trading depends on is told once when it goes out of order, and once when it is right again."""

from __future__ import annotations

from actors.messages.base import Message
from actors.messages.control import HealthReported
from daemon.health import (
    BACKLOG_MAX,
    BACKLOG_SECONDS,
    CHECKPOINT_LATE,
    CHECKPOINT_LATE_SECONDS_MIN,
    SECOND_NS,
    Health,
)
from tests.test_runtime import ListedBroker, a_query


class Watched:
    def __init__(self) -> None:
        self.now, self.offered = SECOND_NS, list[Message]()
        self.health = Health(offer=self.offered.append, now_ns=lambda: self.now)
        self.broker = ListedBroker([])

    def said(self) -> list[tuple[str, str | None, bool]]:
        told = [each for each in self.offered if isinstance(each, HealthReported)]
        assert len(told) == len(self.offered)
        self.offered.clear()
        return [(each.subject, each.account, each.is_good) for each in told]

    def look(self, seconds: float = 0.0) -> list[tuple[str, str | None, bool]]:
        self.now += round(seconds * SECOND_NS)
        self.health.watch_brokers({"demo": self.broker})
        return self.said()


def test_only_a_change_is_told() -> None:
    watched = Watched()
    watched.health.report("clock", True, "fine")
    watched.health.report("clock", False, "off")
    watched.health.report("clock", False, "still off")
    watched.health.report("disk", False, "full")
    watched.health.report("clock", True, "fine")
    assert watched.said() == [("clock", None, False), ("disk", None, False), ("clock", None, True)]


def test_a_backlog_that_is_too_long_is_told_of_its_account_until_it_is_empty() -> None:
    watched = Watched()
    for _ in range(BACKLOG_MAX + 1):
        watched.broker.submit(a_query(0))
    assert watched.look() == [("broker", "demo", False)]
    for _ in range(BACKLOG_MAX):
        watched.broker.taken.get_nowait()
    assert watched.look() == []
    watched.broker.taken.get_nowait()
    assert watched.look() == [("broker", "demo", True)]


def test_a_backlog_that_is_too_old_is_told_though_it_is_short() -> None:
    watched = Watched()
    watched.broker.submit(a_query(0))
    assert watched.look() == []
    assert watched.look(BACKLOG_SECONDS) == []
    assert watched.look(0.1) == [("broker", "demo", False)]
    watched.broker.taken.get_nowait()
    assert watched.look() == [("broker", "demo", True)]
    watched.broker.submit(a_query(0))
    assert watched.look() == []
    assert watched.look(1) == []  # a new one, not the old one still


def test_a_checkpoint_that_waits_too_long_is_told() -> None:
    watched = Watched()
    watched.health.watch_store(CHECKPOINT_LATE * 60 * SECOND_NS, 60.0)
    assert watched.said() == []
    watched.health.watch_store((CHECKPOINT_LATE * 60 + 1) * SECOND_NS, 60.0)
    watched.health.watch_store(0, 60.0)
    assert watched.said() == [("store", None, False), ("store", None, True)]


def test_checkpoints_that_come_often_may_be_seconds_late() -> None:
    watched = Watched()
    watched.health.watch_store(int(CHECKPOINT_LATE_SECONDS_MIN * SECOND_NS), 0.1)
    assert watched.said() == []
    watched.health.watch_store(int((CHECKPOINT_LATE_SECONDS_MIN + 1) * SECOND_NS), 0.1)
    assert watched.said() == [("store", None, False)]
