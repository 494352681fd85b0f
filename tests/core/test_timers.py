"""Timers come in (due, id) order, once, and are state like any other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.core.timers import NEVER, Timers
from actors.messages import any_message
from actors.messages.control import DayClose

ENCODER = msgspec.msgpack.Encoder()
DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(any_message())


def a_timer(name: str, due: int = 0) -> DayClose:
    return DayClose(ts_event=due, strategy=name)


def popped(timers: Timers, until: int = NEVER) -> list[tuple[int, str]]:
    found = []
    while entry := timers.pop(until):
        due, _, message = entry
        assert isinstance(message, DayClose)
        found.append((due, message.strategy))
    return found


def test_timers_come_by_due_time_and_then_by_when_they_were_set() -> None:
    timers = Timers()
    for due, name in [(5, "c"), (3, "a"), (5, "d"), (3, "b"), (9, "e")]:
        timers.set(due, "owner", a_timer(name))
    assert timers.next_due == 3
    assert popped(timers, 5) == [(3, "a"), (3, "b"), (5, "c"), (5, "d")]
    assert timers.next_due == 9
    assert popped(timers, 8) == []
    assert popped(timers, 9) == [(9, "e")]
    assert (timers.next_due, len(timers)) == (NEVER, 0)


def test_a_cancelled_timer_never_comes_and_can_be_cancelled_once() -> None:
    timers = Timers()
    first = timers.set(1, "owner", a_timer("a"))
    second = timers.set(2, "owner", a_timer("b"))
    assert timers.cancel(first)
    assert not timers.cancel(first)
    assert popped(timers) == [(2, "b")]
    assert not timers.cancel(second), "it has run"


def test_ids_are_never_used_again() -> None:
    timers = Timers()
    ids = [timers.set(1, "owner", a_timer("a")) for _ in range(3)]
    popped(timers)
    ids.append(timers.set(1, "owner", a_timer("a")))
    assert ids == [1, 2, 3, 4]


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from(["set", "cancel", "pop", "restore"]), st.integers(0, 20)), max_size=60)
)
def test_timers_restored_at_any_time_go_on_as_if_they_had_not_been(steps: list[tuple[str, int]]) -> None:
    straight, restored = Timers(), Timers()
    for action, number in steps:
        if action == "restore":
            last_id, entries = restored.snapshot(ENCODER)
            assert (last_id, entries) == straight.snapshot(ENCODER)
            restored = Timers()
            restored.restore(last_id, entries, DECODER)
            continue
        for timers in (straight, restored):
            if action == "set":
                timers.set(number, "owner", a_timer(str(number), number))
            elif action == "cancel":
                timers.cancel(number)
        if action == "pop":
            assert straight.pop(number) == restored.pop(number)
    assert len(straight) == len(restored)
    assert popped(straight) == popped(restored)
