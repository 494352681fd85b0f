"""Waiting inputs: taken by class, and conflated where the core lags behind the market.

Control and reports come first, then market data. Nothing is dropped silently: reports, trades and bars
never; quotes of one instrument shrink to the newest and book deltas merge per price level, both only once
more than `lag_min` market inputs wait, both counted.
"""

from __future__ import annotations

from collections import deque

from actors.messages.base import Message
from actors.messages.market import MARKET_DATA, BookDelta, BookSnapshot, Level, Quote

_MARKET_DATA = frozenset(MARKET_DATA)


def merge_levels(older: tuple[Level, ...], newer: tuple[Level, ...]) -> tuple[Level, ...]:
    """Both sets of changed levels as one; of a price in both the newer size counts."""
    return tuple((dict(older) | dict(newer)).items())


def merge_deltas(older: BookDelta, newer: BookDelta) -> BookDelta:
    """One delta that does what both did in turn, with the id range joined."""
    return BookDelta(
        instrument=newer.instrument,
        ts_event=newer.ts_event,
        first_update_id=older.first_update_id,
        last_update_id=newer.last_update_id,
        bids=merge_levels(older.bids, newer.bids),
        asks=merge_levels(older.asks, newer.asks),
    )


class _Slot:
    """A place in the queue whose message may still be exchanged for a newer one."""

    __slots__ = ("message",)

    def __init__(self, message: Message | None) -> None:
        self.message = message


class WaitingInputs:
    """Inputs between the edges and the sequencer."""

    __slots__ = ("_deltas", "_lag_min", "_market", "_quotes", "_urgent", "conflated")

    def __init__(self, *, lag_min: int = 256) -> None:
        self._urgent: deque[Message] = deque()
        self._market: deque[_Slot] = deque()
        self._quotes: dict[str, _Slot] = {}
        self._deltas: dict[str, _Slot] = {}
        self._lag_min = lag_min
        self.conflated = 0
        """Market messages that were taken into a newer one since the start."""

    def __len__(self) -> int:
        return len(self._urgent) + len(self._market)

    def put(self, message: Message) -> None:
        """Let a message wait for its turn."""
        kind = message.__class__
        if kind not in _MARKET_DATA:
            self._urgent.append(message)
            return
        if isinstance(message, Quote):
            self._put_newest(self._quotes, message)
        elif isinstance(message, BookDelta):
            self._put_delta(message)
        else:
            if isinstance(message, BookSnapshot):
                self._drop_delta(message.instrument)
            self._market.append(_Slot(message))

    def take(self) -> Message | None:
        """The next message, or None when nothing waits."""
        if self._urgent:
            return self._urgent.popleft()
        market = self._market
        while market:
            slot = market.popleft()
            message, slot.message = slot.message, None  # a slot that was taken is not merged into any more
            if message is not None:
                return message
        return None

    def _put_newest(self, slots: dict[str, _Slot], message: Quote) -> None:
        slot = slots.get(message.instrument)
        if slot is not None and slot.message is not None and len(self._market) > self._lag_min:
            slot.message = message
            self.conflated += 1
            return
        slot = slots[message.instrument] = _Slot(message)
        self._market.append(slot)

    def _put_delta(self, message: BookDelta) -> None:
        slot = self._deltas.get(message.instrument)
        if slot is not None and isinstance(slot.message, BookDelta) and len(self._market) > self._lag_min:
            slot.message = merge_deltas(slot.message, message)
            self.conflated += 1
            return
        slot = self._deltas[message.instrument] = _Slot(message)
        self._market.append(slot)

    def _drop_delta(self, instrument: str) -> None:
        """A fresh snapshot replaces the newest delta that still waits, when the core lags."""
        slot = self._deltas.pop(instrument, None)
        if slot is not None and slot.message is not None and len(self._market) > self._lag_min:
            slot.message = None
            self.conflated += 1
