"""How far an instrument's executions were told: they have no order but their time, in whole seconds."""

from __future__ import annotations

from typing import NamedTuple, Protocol

OVERLAP_NS = 20_000_000_000
"""An execution may come to be known later than a younger one; older than this it no longer does."""


class Told(Protocol):
    """An execution."""

    @property
    def trade_id(self) -> str:
        """The execution's key."""

    @property
    def ts_event(self) -> int:
        """When it was, ns UTC."""


class Mark(NamedTuple):
    """Everything before `time - OVERLAP_NS` was told, and of what is younger these."""

    time: int
    recent: tuple[tuple[int, str], ...]
    """Time and key."""

    @classmethod
    def parse(cls, text: str) -> Mark:
        """From the form that the core keeps; an empty text is the beginning."""
        parts = text.split()
        recent = [(int(parts[i]), parts[i + 1]) for i in range(1, len(parts) - 1, 2)]
        return cls(int(parts[0]) if parts else 0, tuple(recent))

    def text(self) -> str:
        """For the core, to which it means nothing."""
        return " ".join([str(self.time), *(f"{time} {key}" for time, key in self.recent)])

    def is_before(self, fill: Told) -> bool:
        """Whether an execution has not been told."""
        if fill.ts_event < self.time - OVERLAP_NS:
            return False
        return all(key != fill.trade_id for _, key in self.recent)

    def moved(self, fill: Told) -> Mark:
        """The mark once an execution has been told."""
        time = max(self.time, fill.ts_event)
        recent = [*self.recent, (fill.ts_event, fill.trade_id)]
        return Mark(time, tuple(each for each in recent if each[0] >= time - OVERLAP_NS))


NOTHING = Mark(0, ())
