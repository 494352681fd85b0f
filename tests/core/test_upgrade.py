"""A snapshot of the version before is taken over; one of any other is refused."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from actors.core.actor import CoreActor
from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.messages.control import TimeReached
from actors.model.ids import ClientOrderIds


class CountState(msgspec.Struct, array_like=True):
    count: int


class NamedState(msgspec.Struct, array_like=True):
    name: str
    count: int


class Counter(CoreActor):
    """Counts inputs."""

    name = "counter"
    state_type: ClassVar[Any] = CountState

    def __init__(self) -> None:
        self.count = 0

    def on_time_reached(self, reached: TimeReached) -> None:
        self.count += 1

    def snapshot(self) -> Any:
        return CountState(self.count)

    def restore(self, state: CountState) -> None:
        self.count = state.count


class NamedCounter(Counter):
    """The next version: its state has a name in front."""

    state_type: ClassVar[Any] = NamedState
    former_states: ClassVar[tuple[Any, ...]] = (CountState,)

    def snapshot(self) -> Any:
        return NamedState("named", self.count)

    def upgrade(self, former: CountState) -> NamedState:
        return NamedState("named", former.count)


class Forgetful(NamedCounter):
    """A version too far away."""

    former_states: ClassVar[tuple[Any, ...]] = ()


def a_sequencer(actor: CoreActor) -> Sequencer:
    return Sequencer(actors=[actor], ids=ClientOrderIds(store_id="TEST", epoch=1))


def of_the_version_before() -> CoreSnapshot:
    sequencer = a_sequencer(Counter())
    for now in range(3):
        sequencer.run(TimeReached(ts_event=now), now)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(sequencer.snapshot()), type=CoreSnapshot)


def test_each_actor_takes_over_its_state_of_the_version_before() -> None:
    actor = NamedCounter()
    sequencer = a_sequencer(actor)
    sequencer.restore(of_the_version_before())
    assert (actor.count, sequencer.seq) == (3, 3)
    again = NamedCounter()
    a_sequencer(again).restore(
        msgspec.msgpack.decode(msgspec.msgpack.encode(sequencer.snapshot()), type=CoreSnapshot)
    )
    assert again.count == 3


def test_a_state_of_no_known_version_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        a_sequencer(Forgetful()).restore(of_the_version_before())
