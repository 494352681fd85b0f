"""Bars of one timeframe on their way from a venue: history first, then live ones, none twice."""

from __future__ import annotations

from actors.messages.control import BackfillDone
from actors.messages.market import Bar
from actors.venues.ports import Intake


class BarQueue:
    """Bars of one timeframe: each once and in order; live ones wait while history is being fetched."""

    def __init__(self, *, instrument: str, interval_ns: int, after: int | None, intake: Intake) -> None:
        """`after` is the end of the newest bar that is known already; None when no history is wanted."""
        self.instrument = instrument
        self.interval_ns = interval_ns
        self.last_end = after
        self._intake = intake
        self._waiting: list[Bar] | None = []

    def hold(self) -> None:
        """The line is up: history comes first."""
        if self._waiting is None:
            self._waiting = []

    def offer(self, bar: Bar) -> None:
        """A bar that has just closed."""
        if self._waiting is not None:
            self._waiting.append(bar)
        else:
            self._hand_over(bar)

    def release(self, history: list[Bar]) -> int:
        """History, then what waited, then the mark that nothing is missing; returns how many were new."""
        waiting, self._waiting = self._waiting or [], None
        count = sum(self._hand_over(bar) for bar in history)
        for bar in waiting:
            self._hand_over(bar)
        end = self.last_end or 0
        self._intake.offer(
            BackfillDone(ts_event=end, instrument=self.instrument, interval_ns=self.interval_ns, last_end=end)
        )
        return count

    def _hand_over(self, bar: Bar) -> bool:
        if self.last_end is not None and bar.ts_event <= self.last_end:
            return False
        self.last_end = bar.ts_event
        self._intake.offer(bar)
        return True
