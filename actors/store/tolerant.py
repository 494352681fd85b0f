"""Running a tape's tail again where not every step can be repeated: the record wins.

Each step that comes out otherwise is noted, with the orders that stand only on the record and those that only
this run has made; then the run goes on. What follows from that is decided by whoever starts the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from actors.core.sequencer import ActorFailed, Sequencer
from actors.errors import ReplayDiffers
from actors.messages import any_message
from actors.messages.base import Message
from actors.messages.orders import SubmitOrder
from actors.store.rerun import Difference, Rerun, decode_messages

_MESSAGE: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(any_message())
DIFFERENCES_KEPT = 100


class Recording(Protocol):
    """What takes the place of strategies that cannot be run again."""

    def follow(self, sequencer: Sequencer) -> None:
        """Run beside this sequencer."""

    def begin(self, messages: Sequence[Message]) -> None:
        """The next step is recorded to have sent these."""

    def left_over(self) -> list[Message]:
        """What of it comes next and would not be sent by itself."""


class InputFailed(ReplayDiffers):
    """An actor fails on an input that it once took: run anew, skipping that one."""

    def __init__(self, seq: int, difference: Difference) -> None:
        super().__init__(str(difference))
        self.seq, self.difference = seq, difference


@dataclass
class Unrepeated:
    """What of a tail did not come out as recorded."""

    differences: list[Difference] = field(default_factory=list)
    """The first ones."""
    count: int = 0
    only_recorded: dict[str, SubmitOrder] = field(default_factory=dict)
    """By client order id: sent once, not made again, or made with other terms."""
    only_made: dict[str, SubmitOrder] = field(default_factory=dict)
    """Made now and never sent."""

    def note(self, difference: Difference) -> None:
        """One step differed."""
        self.count += 1
        if len(self.differences) < DIFFERENCES_KEPT:
            self.differences.append(difference)


class TolerantRerun(Rerun):
    """Notes what differs and goes on; `skip` names inputs that an actor failed on before."""

    _compares_all = True

    def __init__(
        self,
        sequencer: Sequencer,
        chain: bytes,
        *,
        recording: Recording,
        skip: Mapping[int, Difference],
        is_strict: bool = False,
    ) -> None:
        """`is_strict` still wants every step repeated, with what `recording` contributes."""
        super().__init__(sequencer, chain, compare_heads=False)
        self._recording, self._skip, self._is_strict = recording, skip, is_strict
        self.unrepeated = Unrepeated()

    def _repeat(self, held: Any, recorded: bytes) -> None:
        sequencer, messages = self.sequencer, decode_messages(recorded)
        if held.seq in self._skip:
            sequencer.seq = held.seq
            self._differ(self._skip[held.seq], messages)
            return
        self._recording.begin(messages)
        try:
            sequencer.run(_MESSAGE.decode(held.body[17:]), held.ts_init)
            while left_over := self._recording.left_over():
                sequencer.run_on(left_over, left_over[0].ts_event)
        except ActorFailed as error:
            raise InputFailed(held.seq, self._failed(held, error).difference) from error
        if msgspec.msgpack.encode(sequencer.sent) != recorded:
            differs = self._differs(held, recorded)
            if self._is_strict:
                raise differs
            self._differ(differs.difference, messages)

    def _differ(self, difference: Difference, recorded: Sequence[Message]) -> None:
        before = {each.client_order_id: each for each in recorded if isinstance(each, SubmitOrder)}
        now = {each.client_order_id: each for each in self.sequencer.sent if isinstance(each, SubmitOrder)}
        found = self.unrepeated
        found.note(difference)
        found.only_recorded |= {
            name: each for name, each in before.items() if name not in now or now[name].terms != each.terms
        }
        found.only_made |= {name: each for name, each in now.items() if name not in before}
