"""The documented way to join the depth stream with a snapshot, as a pure state machine.

Events are held back from the moment the stream opens. A snapshot older than the first held event cannot be
joined and is asked again; held events that the snapshot already contains are dropped, and from there each
event must begin no later than one past the last. A gap starts everything over.
"""

from __future__ import annotations

from typing import Literal

from actors.venues.binance.wire import DepthEvent, DepthSnapshot

Verdict = Literal["hold", "apply", "ignore", "gap"]
HELD_MAX = 10_000
"""A stream that long without a usable snapshot is begun anew rather than held for ever."""


class DepthSync:
    """Position in one instrument's update sequence."""

    def __init__(self) -> None:
        self.last_update_id: int | None = None
        """Of the book as handed on; None while a snapshot is wanted."""
        self._held: list[DepthEvent] = []

    @property
    def is_synced(self) -> bool:
        """Whether a snapshot has been joined."""
        return self.last_update_id is not None

    def restart(self) -> None:
        """Forget everything; the next event is the first held one."""
        self.last_update_id = None
        self._held.clear()

    def on_event(self, event: DepthEvent) -> Verdict:
        """What to do with an event; after `gap` a snapshot is wanted again and the event is held."""
        last = self.last_update_id
        if last is None:
            return self._hold(event)
        if event.last_update_id <= last:
            return "ignore"
        if event.first_update_id > last + 1:
            self.restart()
            self._held.append(event)
            return "gap"
        self.last_update_id = event.last_update_id
        return "apply"

    def on_snapshot(self, snapshot: DepthSnapshot) -> list[DepthEvent] | None:
        """The held events to apply on top of the snapshot; None when it cannot be joined: ask for another."""
        held = self._held
        if held and snapshot.last_update_id < held[0].first_update_id:
            return None
        fresh = [event for event in held if event.last_update_id > snapshot.last_update_id]
        last = snapshot.last_update_id
        for number, event in enumerate(fresh):
            if event.first_update_id > last + 1:
                # A hole within what was held: only what follows the hole can still be joined.
                self._held = fresh[number:]
                return None
            last = event.last_update_id
        self._held = []
        self.last_update_id = last
        return fresh

    def _hold(self, event: DepthEvent) -> Verdict:
        if len(self._held) >= HELD_MAX:
            self._held.clear()
        self._held.append(event)
        return "hold"
