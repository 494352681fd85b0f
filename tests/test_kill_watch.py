"""The kill-switch file: seen when it comes and when it goes, and before the core runs."""

from __future__ import annotations

from pathlib import Path

from actors.messages.base import Message
from actors.messages.control import Halt, KillFileSeen, Scope
from daemon.kill_switch import KILL_FILE
from daemon.kill_watch import KillWatch


class Watched:
    def __init__(self, state: Path) -> None:
        self.file = state / KILL_FILE
        self.watch = KillWatch(state, now_ns=lambda: 42)
        self.offered: list[Message] = []

    def run(self, *, is_known: bool = False) -> list[Message]:
        first = list(self.watch.begin(is_known=is_known))
        self.watch.go_on(self.offered.append)
        return first

    def seen(self) -> list[bool]:
        self.watch.look()
        return [each.is_there for each in self.offered if isinstance(each, KillFileSeen)]


def test_a_file_that_is_there_at_the_start_is_among_the_first_inputs(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.file.touch()
    assert watched.run() == [KillFileSeen(ts_event=42, is_there=True)]
    assert watched.seen() == []


def test_a_file_that_the_core_remembers_is_no_news_until_it_is_gone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.file.touch()
    assert watched.run(is_known=True) == []
    watched.file.unlink()
    assert watched.seen() == [False]


def test_a_file_that_went_while_away_is_told_at_the_start(tmp_path: Path) -> None:
    assert Watched(tmp_path).run(is_known=True) == [KillFileSeen(ts_event=42, is_there=False)]


def test_each_coming_and_going_is_told_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.run() == []
    watched.file.touch()
    assert watched.seen() == [True]
    assert watched.seen() == [True]
    watched.file.unlink()
    assert watched.seen() == [True, False]


def test_a_signal_before_the_core_runs_is_not_lost(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.watch.on_signal()
    (halt,) = watched.run()
    assert isinstance(halt, Halt)
    assert (halt.scope, halt.by, halt.reason) == (Scope(), "signal", "SIGUSR1")
    watched.watch.on_signal()
    assert len(watched.offered) == 1
