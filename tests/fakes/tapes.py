"""A tape that keeps what it is told in memory and says in which order things happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.errors import TapeError
from actors.messages.base import Message


class MemoryTape:
    """Fits where `TapeWriter` does; `events` is shared with whoever else has something to say about order."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.steps: list[tuple[int, Message, tuple[Message, ...]]] = []
        self.before_sync: Callable[[], object] = lambda: None
        self.is_full = False

    def append(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        self.steps.append((seq, message, tuple(sent)))
        self.events.append(f"append {type(message).__name__}")

    def flush(self) -> None:
        if self.is_full:
            raise TapeError("no space left; make room")
        if not self.events or self.events[-1] != "flush":
            self.events.append("flush")

    def sync(self) -> int:
        self.before_sync()
        self.events.append("sync")
        return len(self.steps)
