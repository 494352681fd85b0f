"""Running a tape's inputs again: each step compared with its record, the chain carried on.

Recovery and replay both pass through `Rerun`, so what a restart believes is what a replay proves. An input
followed by no STEP frame must send nothing; only the tape's very last input may lack its STEP, and is then
held back until `finish`, or until the next part's head is followed by the step that was written late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest
from struct import Struct
from types import GenericAlias
from typing import Any, Literal, NamedTuple
from zlib import crc32

import msgspec

from actors.core.frames import (
    CHAIN_BYTES,
    HEAD,
    HEADER_BYTES,
    INPUT,
    MARK,
    STEP,
    Head,
    TornFrame,
    next_chain,
)
from actors.core.sequencer import ActorFailed, CoreSnapshot, Sequencer
from actors.errors import ReplayDiffers
from actors.messages import any_message
from actors.messages.base import Message
from actors.messages.control import StepFailed
from actors.messages.orders import SubmitOrder
from actors.store.layout import decode_head
from actors.store.tape_file import LateStep

_HEADER = Struct("<IIBQq")
_CRC_END = 8
_ENCODE = msgspec.msgpack.Encoder().encode
_MESSAGE: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(any_message())
_LIST: Any = GenericAlias(list, (any_message(),))
_MESSAGES: msgspec.msgpack.Decoder[list[Any]] = msgspec.msgpack.Decoder(_LIST)
_ALONE = frozenset({HEAD, INPUT, MARK})
_FAILED = _ENCODE("StepFailed")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)

Kind = Literal["messages", "chain", "snapshot", "sequence", "failed"]


@dataclass(frozen=True)
class Difference:
    """The first place where a run did not repeat its record."""

    kind: Kind
    after_seq: int
    """Newest input up to which everything is proven equal."""
    seq: int
    ts_init: int
    input: str
    expected: str
    got: str
    messages: tuple[Message, ...] = ()
    """The recorded and the present one, as far as there are."""

    def __str__(self) -> str:
        if self.kind == "chain":
            first = self.after_seq + 1
            where = f"seq {self.seq}" if self.seq == first else f"seq {first} to {self.seq}"
            return (
                f"the chain of {where} is not the recorded one: an input or its step was changed on the tape"
            )
        return f"seq {self.seq}, ts {self.ts_init}, {self.input}: recorded {self.expected}, now {self.got}"


class Differs(ReplayDiffers):
    """Carries the difference."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference


class LastInputFailed(ReplayDiffers):
    """The last input has no step on the tape and an actor fails on it: run anew, with `late`."""

    def __init__(self, late: LateStep, error: ActorFailed) -> None:
        super().__init__(f"the last input (seq {late.seq}) cannot be run: {error}")
        self.late = late


class Failure(NamedTuple):
    """An input that an actor failed on."""

    seq: int
    failed: StepFailed
    message: Message | None


class _Input(NamedTuple):
    seq: int
    ts_init: int
    body: bytes


def encode_snapshot(sequencer: Sequencer) -> bytes:
    """The core's whole state as heads and checkpoints keep it."""
    return _ENCODE(sequencer.snapshot())


def decode_snapshot(snapshot: bytes) -> CoreSnapshot:
    """Undo `encode_snapshot`.

    Raises:
        ValueError: Not a snapshot of this version.
    """
    try:
        return msgspec.msgpack.decode(snapshot, type=CoreSnapshot)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot of this version: {error}") from error


def decode_messages(recorded: bytes) -> list[Message]:
    """The messages of a recorded step."""
    return _MESSAGES.decode(recorded)


def _shown(message: Message | None) -> str:
    return "nothing" if message is None else repr(message)


def first_difference(recorded: bytes, now: Sequence[Message]) -> tuple[str, str, tuple[Message, ...]]:
    """The first message that differs, as recorded and as made now, in words and themselves."""
    try:
        before: Sequence[Message] = _MESSAGES.decode(recorded)
    except _UNREADABLE as error:
        return f"a step that cannot be read ({error})", f"{len(now)} messages", ()
    for ours, theirs in zip_longest(before, now):
        if ours is None or theirs is None or _ENCODE(ours) != _ENCODE(theirs):
            both = tuple(message for message in (ours, theirs) if message is not None)
            return _shown(ours), _shown(theirs), both
    return "the same messages in other bytes", f"{len(now)} messages", ()


def _snapshot_difference(recorded: bytes, now: bytes) -> tuple[str, str]:
    """Which parts of two snapshots differ."""
    try:
        a, b = decode_snapshot(recorded), decode_snapshot(now)
    except ValueError as error:
        return f"a snapshot that cannot be read ({error})", "ours"
    fields = [name for name in a.__struct_fields__ if name != "actors"]
    names = [name for name in fields if getattr(a, name) != getattr(b, name)]
    names += [name for name in a.actors if bytes(a.actors[name]) != bytes(b.actors.get(name, b""))]
    names += [name for name in b.actors if name not in a.actors]
    where = ", ".join(names) or "order of fields"
    return f"a snapshot of {len(recorded)} bytes", f"one of {len(now)} bytes that differs in: {where}"


def _failed_step(recorded: bytes) -> StepFailed | None:
    """What the record says of an actor that had failed."""
    if _FAILED not in recorded[:32]:
        return None
    try:
        first = _MESSAGES.decode(recorded)[0]
    except _UNREADABLE:
        return None  # the comparison will name it
    return first if isinstance(first, StepFailed) else None


class Rerun:
    """Runs frames through a sequencer whose state is that after input `sequencer.seq`."""

    _compares_all = False
    """Whether `_repeat` wants to see the inputs that sent nothing, too."""

    def __init__(
        self,
        sequencer: Sequencer,
        chain: bytes,
        *,
        rebuild: Callable[[Head], Sequencer | None] = lambda head: None,
        compare_heads: bool = True,
    ) -> None:
        self.sequencer = sequencer
        self.chain = chain
        self.inputs = 0
        self.orders = 0
        self.failure: Failure | None = None
        """The newest input whose step is recorded as failed."""
        self.proven_seq = sequencer.seq
        """Newest input whose chain was found on the tape."""
        self._rebuild = rebuild
        self._compare_heads = compare_heads
        self._skip_to = sequencer.seq
        self._held: _Input | None = None

    def feed(self, data: bytes, start: int, *, is_checked: bool) -> int:
        """Run the frames of one segment; returns the offset behind the last whole one.

        Args:
            is_checked: The bytes are known to be undamaged, so checksums need no second look.

        Raises:
            TornFrame: A frame is cut off or damaged.
            Differs: A step was not repeated.
        """
        size, offset, header = len(data), start, _HEADER.unpack_from
        sequencer, chain, skip_to = self.sequencer, self.chain, self._skip_to
        run, sent, decode = sequencer.run, sequencer.sent, _MESSAGE.decode
        while offset + HEADER_BYTES <= size:
            length, crc, kind, seq, ts_init = header(data, offset)
            end = offset + HEADER_BYTES + length
            body = data[offset + _CRC_END : end]
            if end > size or (not is_checked and crc32(body) != crc):
                raise TornFrame(offset, "checksum differs" if end <= size else "the payload is cut off")
            is_alone = end + HEADER_BYTES <= size and data[end + _CRC_END] in _ALONE
            if kind == INPUT and is_alone and self._held is None and not self._compares_all:
                if seq > skip_to:
                    if seq != sequencer.seq + 1:
                        raise self._out_of_sequence(seq, ts_init)
                    try:
                        run(decode(body[17:]), ts_init)
                    except (ActorFailed, *_UNREADABLE) as error:
                        raise self._failed(_Input(seq, ts_init, body), error) from error
                    if sent:
                        raise self._differs(_Input(seq, ts_init, body), b"\x90")
                    chain = blake2b(chain + body, digest_size=CHAIN_BYTES).digest()
                    self.inputs += 1
            else:
                self.chain = chain
                end = self._other(data, offset, end, _Input(seq, ts_init, body), kind)
                sequencer, chain = self.sequencer, self.chain
                run, sent = sequencer.run, sequencer.sent
            offset = end
        self.chain = chain
        if offset != size:
            raise TornFrame(offset, f"{size - offset} bytes are no frame header")
        return offset

    def _other(self, data: bytes, offset: int, end: int, frame: _Input, kind: int) -> int:
        """Any frame but an input whose step sent nothing; returns where the next frame begins."""
        if kind == HEAD:
            self._head(decode_head(frame.body[17:]), frame, self._step_at(data, end))
        elif kind == MARK:
            self._settle(None)
            if frame.seq > self.sequencer.seq:
                raise self._out_of_sequence(frame.seq, frame.ts_init)
            if frame.seq == self.sequencer.seq:
                if frame.body[25:] != self.chain:
                    raise self._chain_differs(frame)
                self.proven_seq = frame.seq
        elif kind == STEP:
            if self._held is not None and frame[:2] == self._held[:2]:
                self._settle(frame.body[17:])
            elif frame.seq > self._skip_to and frame.seq != self.sequencer.seq:
                self._settle(None)
                raise self._out_of_sequence(frame.seq, frame.ts_init)
        elif kind == INPUT and frame.seq > self._skip_to:
            self._settle(None)
            if frame.seq != self.sequencer.seq + 1:
                raise self._out_of_sequence(frame.seq, frame.ts_init)
            self._held = frame
        return end

    def _step_at(self, data: bytes, offset: int) -> bytes | None:
        """Payload of the STEP frame at `offset` if it belongs to the input held back."""
        if self._held is None or offset + HEADER_BYTES > len(data):
            return None
        length, _, kind, seq, _ = _HEADER.unpack_from(data, offset)
        if kind != STEP or seq != self._held.seq:
            return None
        return data[offset + HEADER_BYTES : offset + HEADER_BYTES + length]

    def _settle(self, step: bytes | None) -> None:
        """Run the input held back: `step` is its STEP payload, or None when it sent nothing."""
        held, self._held = self._held, None
        if held is None:
            return
        recorded = step[CHAIN_BYTES:] if step is not None else b"\x90"
        sequencer = self.sequencer
        failed = _failed_step(recorded)
        if failed is not None:
            sequencer.seq = held.seq  # nothing of this input counts, then as now
            self.failure = Failure(held.seq, failed, next(iter(self._message(held)), None))
        else:
            self._repeat(held, recorded)
            self.orders += sum(message.__class__ is SubmitOrder for message in sequencer.sent)
            sequencer.sent.clear()
        self.inputs += 1
        self.chain = next_chain(self.chain, held.body, recorded if step is not None else b"")
        if step is not None:
            if step[:CHAIN_BYTES] != self.chain:
                raise self._chain_differs(held)
            self.proven_seq = held.seq

    def _repeat(self, held: _Input, recorded: bytes) -> None:
        """Run an input again; what it sends must be what was recorded."""
        try:
            self.sequencer.run(_MESSAGE.decode(held.body[17:]), held.ts_init)
        except (ActorFailed, *_UNREADABLE) as error:
            raise self._failed(held, error) from error
        if _ENCODE(self.sequencer.sent) != recorded:
            raise self._differs(held, recorded)

    def _head(self, head: Head, frame: _Input, late_step: bytes | None) -> None:
        self._settle(late_step)
        if head.previous_seq < self._skip_to:
            return
        if head.previous_seq != self.sequencer.seq:
            raise self._out_of_sequence(head.previous_seq + 1, frame.ts_init)
        if head.previous_chain != self.chain:
            raise self._chain_differs(frame)
        self.proven_seq = head.previous_seq
        rebuilt = self._rebuild(head)
        if rebuilt is not None:
            self.sequencer = rebuilt
        self.sequencer.ids.take_over(head.store_id)  # another one behind a restore from a backup
        if not self._compare_heads:
            return
        now = encode_snapshot(self.sequencer)
        if now != head.snapshot:
            expected, got = _snapshot_difference(head.snapshot, now)
            what = f"head of part {head.part}"
            raise Differs(
                Difference("snapshot", self.proven_seq, frame.seq, frame.ts_init, what, expected, got)
            )

    def finish(self, late: LateStep | None = None) -> tuple[LateStep, list[Message]] | None:
        """Run the tape's last input if its step is missing; returns that step when it sends anything.

        Args:
            late: What to take for the step instead of running the input.

        Raises:
            LastInputFailed: An actor fails on it.
        """
        held = self._held
        if held is None:
            return None
        if late is not None:
            self._settle(late.chain + late.sent)
            return late, _MESSAGES.decode(late.sent)
        self._held = None
        try:
            self.sequencer.run(_MESSAGE.decode(held.body[17:]), held.ts_init)
        except ActorFailed as error:
            failed = StepFailed(
                ts_event=held.ts_init, actor=error.actor, error=error.error_type, account=error.account
            )
            sent = _ENCODE([failed])
            chain = next_chain(self.chain, held.body, sent)
            raise LastInputFailed(LateStep(held.seq, held.ts_init, chain, sent), error) from error
        self.inputs += 1
        messages = list(self.sequencer.sent)
        self.sequencer.sent.clear()
        sent = _ENCODE(messages) if messages else b""
        self.chain = next_chain(self.chain, held.body, sent)
        self.orders += sum(message.__class__ is SubmitOrder for message in messages)
        return (LateStep(held.seq, held.ts_init, self.chain, sent), messages) if messages else None

    # differences

    def _describe(self, given: _Input) -> str:
        return next(map(repr, self._message(given)), "an input that cannot be read")

    def _differs(self, given: _Input, recorded: bytes) -> Differs:
        expected, got, messages = first_difference(recorded, self.sequencer.sent)
        return self._difference("messages", given, expected, got, messages)

    def _failed(self, given: _Input, error: Exception) -> Differs:
        return self._difference("failed", given, "a step", str(error), self._message(given))

    def _chain_differs(self, given: _Input) -> Differs:
        return self._difference("chain", given, "another chain", self.chain.hex())

    def _out_of_sequence(self, seq: int, ts_init: int) -> Differs:
        due = self.sequencer.seq + 1
        got = f"seq {due} is due"
        return Differs(Difference("sequence", self.proven_seq, due, ts_init, "a frame", f"seq {seq}", got))

    def _message(self, given: _Input) -> tuple[Message, ...]:
        try:
            return (_MESSAGE.decode(given.body[17:]),)
        except _UNREADABLE:
            return ()

    def _difference(
        self, kind: Kind, given: _Input, expected: str, got: str, messages: tuple[Message, ...] = ()
    ) -> Differs:
        is_input = len(given.body) > 17 and given.body[0] == INPUT
        what = self._describe(given) if is_input else "a frame"
        return Differs(
            Difference(kind, self.proven_seq, given.seq, given.ts_init, what, expected, got, messages)
        )
