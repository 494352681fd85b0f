"""Replay: a session through all its parts; each step compared, each head's snapshot reached byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actors.core.frames import HEADER_BYTES as FRAME_HEADER_BYTES
from actors.core.frames import INPUT, Head, TornFrame, next_chain, read_frames
from actors.core.sequencer import Sequencer
from actors.errors import TapeError, UsageError
from actors.messages.base import Message
from actors.messages.control import Started, Stop
from actors.store.layout import HEADER_BYTES, Part, list_parts, tape_folder
from actors.store.rerun import Difference, Differs, Rerun, decode_snapshot
from actors.store.tape_reader import TapeReader

Build = Callable[[Head], Sequencer]
Progress = Callable[[int, int], None]
"""Inputs run so far, and the newest seq."""


@dataclass(frozen=True)
class ReplayResult:
    """What a replay has shown."""

    identical: bool
    inputs: int
    orders: int
    """Submits."""
    chain: str
    """After the last input, hexadecimal."""
    parts: tuple[int, ...]
    difference: Difference | None
    note: str | None
    """What is remarkable without being different."""


@dataclass(frozen=True)
class Session:
    """Consecutive parts under one label: what ran between two clean stops."""

    label: str
    parts: tuple[int, ...]
    first_seq: int
    ts_started: int
    is_stopped_cleanly: bool


def sessions(state: Path) -> list[Session]:
    """Sessions on the tape of a state folder, oldest first."""
    grouped: list[list[Part]] = []
    for part in list_parts(tape_folder(state)):
        if grouped and grouped[-1][-1].head.session == part.head.session:
            grouped[-1].append(part)
        else:
            grouped.append([part])
    return [
        Session(
            label=parts[0].head.session,
            parts=tuple(part.number for part in parts),
            first_seq=parts[0].head.previous_seq + 1,
            ts_started=parts[0].head_frame.ts_init,
            is_stopped_cleanly=ends_with_stop(parts[-1]),
        )
        for parts in grouped
    ]


def ends_with_stop(part: Part) -> bool:
    """Whether the newest of the part's `Started` and `Stop` inputs is a `Stop`."""
    for segment in reversed(part.segments):
        data = segment.read()
        stop, start = _newest_input(data, Stop), _newest_input(data, Started)
        if stop != start:  # else it holds neither
            return stop > start
    return False


def _newest_input(data: bytes, kind: type[Message]) -> int:
    """Where the newest input of this type lies in a segment, -1 without one; found by its name."""
    tag = msgspec.msgpack.encode(kind.__name__)
    place = data.rfind(tag)
    while place >= 0:
        offset = place - 1 - FRAME_HEADER_BYTES  # its array's head is one byte
        if offset >= HEADER_BYTES:
            try:
                if next(read_frames(data, offset)).kind == INPUT:
                    return place
            except TornFrame:
                pass  # the name stands elsewhere
        place = data.rfind(tag, 0, place)
    return -1


def _chosen(parts: list[Part], session: str | None, numbers: Sequence[int] | None) -> tuple[int, int]:
    """First and last place in `parts`."""
    if not parts:
        raise UsageError("this state folder has no tape; give the folder of a run with --state")
    if numbers:
        places = [place for place, part in enumerate(parts) if part.number in numbers]
        if len(places) != len(set(numbers)) or places[-1] - places[0] + 1 != len(places):
            there = f"{parts[0].number} to {parts[-1].number}"
            raise UsageError(f"parts {sorted(numbers)} are not consecutive parts of this tape ({there})")
        return places[0], places[-1]
    label = session or parts[-1].head.session
    places = [place for place, part in enumerate(parts) if part.head.session == label]
    if not places:
        known = ", ".join(dict.fromkeys(part.head.session for part in parts))
        raise UsageError(f"no session {label!r} on this tape; there is {known}")
    return places[0], places[-1]


def _is_same_core(a: Head, b: Head) -> bool:
    """Whether one part can be run on by the actors of the other."""
    return (a.config, a.strategy_hash, a.seed, a.schema) == (b.config, b.strategy_hash, b.seed, b.schema)


def restored(build: Build, head: Head) -> Sequencer:
    """The core of a part, in the state its head gives."""
    sequencer = build(head)
    try:
        sequencer.restore(decode_snapshot(head.snapshot))
    except (ValueError, msgspec.DecodeError) as error:
        where = f"the state in the head of part {head.part}"
        raise TapeError(f"{where} is another tickerd's ({error}); replay it with that one") from error
    return sequencer


def replay(
    state: Path,
    *,
    build: Build,
    session: str | None = None,
    parts: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Run a session (the newest, unless named), or consecutive parts, and compare every step with its record.

    Raises:
        UsageError: No such session or parts.
        BadFrame: The tape is damaged.
        TapeError: The tape cannot be read, or was written by another version.
    """
    reader = TapeReader(tape_folder(state))
    first, last = _chosen(reader.parts, session, parts)
    numbers = tuple(part.number for part in reader.parts[first : last + 1])
    previous = reader.parts[first].head

    def rebuild(head: Head) -> Sequencer | None:
        nonlocal previous
        before, previous = previous, head
        return None if _is_same_core(before, head) else restored(build, head)

    place: int | None = first
    inputs = orders = 0
    notes: list[str] = []
    while place is not None:
        rerun = Rerun(restored(build, previous), previous.previous_chain, rebuild=rebuild)
        difference, begin, place = None, place, None
        try:
            run_segments(reader, rerun, first=begin, last_part=numbers[-1], progress=progress)
            if rerun.finish() is not None:
                notes.append("what the step of the last input sent never reached the tape")
        except Differs as differs:
            difference = differs.difference
            place = _where_it_goes_on(reader, begin, last, difference)
        if place is not None:
            previous = reader.parts[place].head
            notes.append(
                f"seq {previous.recorded_from} to {previous.previous_seq} stand as recorded: recovery could "
                "not repeat them either, and halted the accounts concerned"
            )
        inputs, orders = inputs + rerun.inputs, orders + rerun.orders
    return ReplayResult(
        identical=difference is None,
        inputs=inputs,
        orders=orders,
        chain=rerun.chain.hex(),
        parts=numbers,
        difference=difference,
        note="; ".join(notes) or None,
    )


def _where_it_goes_on(reader: TapeReader, begin: int, last: int, difference: Difference) -> int | None:
    """Place of the part that began with what recovery made of this difference; None when nobody has seen it.

    What lies between is not run, but its chain must be the recorded one.
    """
    for place in range(begin + 1, last + 1):
        head = reader.parts[place].head
        if head.recorded_from and head.recorded_from <= difference.seq <= head.previous_seq:
            start = reader.parts[begin].head
            chain = start.previous_chain
            for step in reader.steps(start.previous_seq, begin):
                if step.seq > head.previous_seq:
                    break
                chain = next_chain(chain, step.input_body, step.sent or b"")
            return place if chain == head.previous_chain else None
    return None


def run_segments(
    reader: TapeReader,
    rerun: Rerun,
    *,
    first: int | None = None,
    last_part: int | None = None,
    progress: Progress | None = None,
) -> str | None:
    """Feed all segments behind the rerun's seq, up to the end of part number `last_part`.

    Returns:
        What is torn off at the tape's end, if anything is.
    Raises:
        BadFrame: The tape is damaged before its end.
        Differs: A step was not repeated.
    """
    after_seq = rerun.sequencer.seq
    for part, segment in reader.segments(after_seq, first):
        if last_part is not None and part.number > last_part:
            return None
        data, torn_end = reader.data(segment), None
        try:
            if data:
                rerun.feed(data, HEADER_BYTES, is_checked=segment.is_sealed)
        except TornFrame as torn:
            torn_end = reader.torn_end(segment, data, torn, rerun.sequencer.seq)
        if progress is not None:
            progress(rerun.inputs, rerun.sequencer.seq)
        if torn_end is not None:
            return torn_end
    return None
