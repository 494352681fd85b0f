"""Timers: messages that the sequencer hands back to their owner when they are due, in (due, id) order."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import msgspec

from actors.messages.control import Timer

NEVER = 2**63 - 1


class TimerEntry(msgspec.Struct, frozen=True, array_like=True):
    """One timer as checkpoints keep it."""

    due: int
    timer_id: int
    owner: str
    message: msgspec.Raw


class Timers:
    """All timers of the core; part of the checkpoint like any other state."""

    __slots__ = ("_entries", "_heap", "_last_id", "next_due")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._entries: dict[int, tuple[str, Timer]] = {}
        self._last_id = 0
        self.next_due = NEVER
        """When the earliest timer is due, nanoseconds UTC; `NEVER` without timers; early after a cancel."""

    def set(self, due: int, owner: str, message: Timer) -> int:
        """Hand `message` to the actor named `owner` in the first step at or after `due`."""
        self._last_id += 1
        timer_id = self._last_id
        self._entries[timer_id] = (owner, message)
        heappush(self._heap, (due, timer_id))
        if due < self.next_due:
            self.next_due = due
        return timer_id

    def cancel(self, timer_id: int) -> bool:
        """Forget a timer; False when it has run, or was cancelled, before."""
        return self._entries.pop(timer_id, None) is not None

    def pop(self, until: int) -> tuple[int, str, Timer] | None:
        """The earliest timer due at or before `until`, removed; None when there is none."""
        heap, entries = self._heap, self._entries
        while heap and heap[0][0] <= until:
            due, timer_id = heappop(heap)
            entry = entries.pop(timer_id, None)
            if entry is not None:
                self.next_due = heap[0][0] if heap else NEVER
                return due, *entry
        self.next_due = heap[0][0] if heap else NEVER
        return None

    def __len__(self) -> int:
        return len(self._entries)

    def snapshot(self, encoder: msgspec.msgpack.Encoder) -> tuple[int, list[TimerEntry]]:
        """Last id and all live timers in (due, id) order."""
        live = sorted(entry for entry in self._heap if entry[1] in self._entries)
        entries = []
        for due, timer_id in live:
            owner, message = self._entries[timer_id]
            entries.append(TimerEntry(due, timer_id, owner, msgspec.Raw(encoder.encode(message))))
        return self._last_id, entries

    def restore(
        self, last_id: int, entries: list[TimerEntry], decoder: msgspec.msgpack.Decoder[Timer]
    ) -> None:
        """Take a checkpoint's timers."""
        self._last_id = last_id
        self._entries = {e.timer_id: (e.owner, decoder.decode(e.message)) for e in entries}
        self._heap = [(e.due, e.timer_id) for e in entries]
        heapify(self._heap)
        self.next_due = self._heap[0][0] if self._heap else NEVER
