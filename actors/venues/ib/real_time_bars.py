"""Bars of a timeframe out of the five-second bars that TWS streams; one with a hole in it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from actors.messages.market import Bar

PART_NS = 5_000_000_000


class BarBuilder:
    """One timeframe of one instrument."""

    def __init__(
        self,
        instrument: str,
        interval_ns: int,
        *,
        on_bar: Callable[[Bar], None],
        on_hole: Callable[[int, int], None],
    ) -> None:
        """`on_hole` is told [from, to) in ns when parts of a closed bar are missing."""
        self._instrument, self._interval = instrument, interval_ns
        self._on_bar, self._on_hole = on_bar, on_hole
        self._begin = 0
        self._parts: list[tuple[float, float, float, float, float]] = []
        self._first = 0
        self._last = 0

    def restart(self) -> None:
        """What comes next does not follow on what came last."""
        self._parts.clear()
        self._begin = 0

    def add(self, start_ns: int, open_: float, high: float, low: float, close: float, volume: float) -> None:
        """One five-second bar."""
        begin = start_ns // self._interval * self._interval
        if self._begin and begin > self._begin:
            self._close()
        if begin != self._begin:
            self._begin, self._first = begin, start_ns
            self._parts.clear()
        self._parts.append((open_, high, low, close, max(volume, 0.0)))
        self._last = start_ns
        if start_ns + PART_NS >= begin + self._interval:
            self._close()

    def _close(self) -> None:
        begin, end = self._begin, self._begin + self._interval
        parts = self._parts.copy()
        self._parts.clear()
        self._begin = 0
        if len(parts) * PART_NS < self._interval:
            self._on_hole(begin, end)
            return
        self._on_bar(
            Bar(
                ts_event=end, instrument=self._instrument, interval_ns=self._interval, open=parts[0][0],
                high=max(part[1] for part in parts), low=min(part[2] for part in parts), close=parts[-1][3],
                volume=sum(part[4] for part in parts),
            )
        )  # fmt: skip
