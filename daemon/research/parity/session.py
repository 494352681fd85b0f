"""A session as its tape holds it: where it began, every input, and what each input's step sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from actors.core.frames import Head, StepReader
from actors.errors import TradingError, UsageError
from actors.messages.base import Message
from actors.model.instrument import Instrument
from actors.store.layout import tape_folder
from actors.store.replay import sessions
from actors.store.tape_reader import TapeReader
from daemon.config import Config
from daemon.graph import BarSources, from_tape_configuration, is_paper

NO_MESSAGES: Sequence[Message] = ()


class Taken(NamedTuple):
    """One input of the tape."""

    seq: int
    ts_init: int
    message: Message
    sent: Sequence[Message]
    """By its step, market data left out."""


@dataclass(frozen=True)
class Session:
    """One session of a state folder; its inputs are read from the tape whenever they are asked for."""

    state: Path
    label: str
    head: Head
    """Of its first part."""
    first_part: int
    """Place among the tape's parts."""
    last_seq: int | None
    """None: up to the tape's end."""
    ts_started: int
    config: Config
    instruments: Mapping[str, Instrument]
    sources: BarSources

    def inputs(self) -> Iterator[Taken]:
        """Every input in order.

        Raises:
            BadFrame: The tape is damaged.
        """
        reader, steps = TapeReader(tape_folder(self.state)), StepReader()
        for step in reader.steps(self.head.previous_seq, self.first_part):
            if self.last_seq is not None and step.seq > self.last_seq:
                return
            sent = steps.messages(step.sent) if step.sent is not None else NO_MESSAGES
            yield Taken(step.seq, step.ts_init, step.message, sent)

    @cached_property
    def ts_ended(self) -> int:
        """Of the last input."""
        return max((taken.ts_init for taken in self.inputs()), default=self.ts_started)

    @property
    def real_accounts(self) -> tuple[str, ...]:
        """Accounts that traded at a venue outside this process."""
        return tuple(name for name, account in self.config.accounts.items() if not is_paper(account))


def open_session(state: Path, label: str | None = None) -> Session:
    """A session by its label; the newest without one.

    Raises:
        UsageError: There is no such session.
        TradingError: Its configuration was changed between its parts.
    """
    known = sessions(state)
    if not known:
        raise UsageError(f"{state} holds no recorded session; give the folder of a run with --state")
    found = known[-1] if label is None else next((each for each in known if each.label == label), None)
    if found is None:
        names = ", ".join(each.label for each in known)
        raise UsageError(f"no session {label!r} on this tape; there is {names}")
    parts = TapeReader(tape_folder(state)).parts
    numbers = [part.number for part in parts]
    first, last = numbers.index(found.parts[0]), numbers.index(found.parts[-1])
    head = parts[first].head
    for part in parts[first + 1 : last + 1]:
        if part.head.config != head.config:
            raise TradingError(
                f"the configuration changed within session {found.label} (part {part.number}): "
                "a session can be simulated only where it stays the same"
            )
    config, instruments, sources = from_tape_configuration(head.config)
    return Session(
        state=state,
        label=found.label,
        head=head,
        first_part=first,
        last_seq=parts[last + 1].head.previous_seq if last + 1 < len(parts) else None,
        ts_started=found.ts_started,
        config=config,
        instruments=instruments,
        sources=sources,
    )
