"""Simulated time: one heap of things to come, one process, one venue, and the line between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Any

from tests.chaos.twin.weather import Weather

if TYPE_CHECKING:
    from tests.chaos.twin.exchange import Exchange
    from tests.chaos.twin.line import Line
    from tests.chaos.twin.process import Process

MS = 1_000_000
SECOND = 1_000 * MS
BEGIN = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z."""


class Crash(Exception):
    """The process dies here."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


class Broken(Exception):
    """The judge found a promise broken."""


class World:
    """What happens when. Everything random comes from one seeded source."""

    exchange: Exchange
    line: Line
    process: Process

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.now = BEGIN
        self.weather = Weather.drawn(self.random)
        self.is_calm = False
        """Trouble has ended."""
        self.is_over = False
        """Everything has settled."""
        self.counts: Counter[str] = Counter()
        """What this schedule has seen, for the report."""
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._trace = trace

    def at(self, due: int, act: Callable[..., None], *arguments: Any) -> None:
        """Have something happen."""
        self._number += 1
        heappush(self._heap, (due, self._number, act, arguments))

    def after(self, pause: int, act: Callable[..., None], *arguments: Any) -> None:
        """Have something happen a while from now."""
        self.at(self.now + pause, act, *arguments)

    def chance(self, probability: float) -> bool:
        """Whether this time it happens."""
        return probability > 0.0 and self.random.random() < probability

    def note(self, *words: object) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{(self.now - BEGIN) / 1e9:11.6f}  {' '.join(map(str, words))}")

    @property
    def is_traced(self) -> bool:
        """Whether anybody reads the trace."""
        return self._trace is not None

    def may_be_disturbed(self) -> bool:
        """Whether others may use the account: the books were opened, and judgement is not near."""
        return not self.is_over and self.process.has_books

    def judge_exposure(self) -> None:
        """Asked after every step that sent anything."""

    def run_until(self, end: int) -> None:
        """Let everything happen that is due by then."""
        heap, process = self._heap, self.process
        while True:
            due = heap[0][0] if heap else end + 1
            timer = process.timer_due()
            if due > end and timer > end:
                self.now = end
                return
            act: Callable[..., None]
            if timer < due:
                self.now = max(self.now, timer)
                act, arguments = process.tick, ()
            else:
                self.now, _, act, arguments = heappop(heap)
            try:
                act(*arguments)
            except Crash as crash:
                process.die(crash.label)
