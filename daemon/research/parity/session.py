"""A session as its tape holds it: where it began, every input, and what each input's step sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from actors.core.frames import Head, StepReader
from actors.errors import UsageError
from actors.messages import any_message
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.control import StepFailed
from actors.messages.market import CorporateAction, MarketData
from actors.model.calendar import Calendars
from actors.model.instrument import Instrument
from actors.store.layout import Part, tape_folder
from actors.store.replay import Session as Labelled
from actors.store.replay import sessions
from actors.store.rerun import decode_snapshot
from actors.store.tape_reader import TapeReader
from daemon.config import Config
from daemon.graph import BarSources, is_paper
from daemon.tape_configuration import from_tape_configuration, recorded_calendars

NO_MESSAGES: Sequence[Message] = ()


_BESIDE_TRADING = ("daemon", "tape", "store", "http", "alerts", "deadman", "backtest")
"""Sections of a configuration that an order may come out alike under, whatever they say."""


class Taken(NamedTuple):
    """One input of the tape."""

    seq: int
    ts_init: int
    message: Message
    sent: Sequence[Message]
    """By its step, market data left out."""


class Split(NamedTuple):
    """One instrument's shares become more or fewer."""

    ts: int
    """When it was known; the first price of afterwards came behind it."""
    before: Decimal
    after: Decimal


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
    calendars: Calendars

    def inputs(self) -> Iterator[Taken]:
        """Every input that counts, in order: not those that an actor failed on, which recovery skips.

        Raises:
            BadFrame: The tape is damaged.
        """
        reader, steps = TapeReader(tape_folder(self.state)), StepReader()
        for step in reader.steps(self.head.previous_seq, self.first_part):
            if self.last_seq is not None and step.seq > self.last_seq:
                return
            sent = steps.messages(step.sent) if step.sent is not None else NO_MESSAGES
            if sent and sent[0].__class__ is StepFailed:
                continue
            yield Taken(step.seq, step.ts_init, step.message, sent)

    @cached_property
    def ts_ended(self) -> int:
        """Of the last input."""
        return max((taken.ts_init for taken in self.inputs()), default=self.ts_started)

    def first_balances(self, account: str) -> Mapping[str, Decimal] | None:
        """What a venue outside said first that the account holds; None where it never did."""
        for taken in self.inputs():
            match taken.message:
                case AccountEvidence(account=name, balances=balances) if (
                    name == account and balances is not None
                ):
                    return balances.total
        return None

    @cached_property
    def splits(self) -> Mapping[str, Sequence[Split]]:
        """Instrument → its splits during the session, oldest first."""
        found: dict[tuple[str, str], Split] = {}
        for taken in self.inputs():
            action = taken.message
            if isinstance(action, CorporateAction) and action.is_split:
                split = Split(taken.ts_init, action.shares_before, action.shares_after)
                found.setdefault((action.instrument, action.action_id), split)
        by_instrument: dict[str, list[Split]] = {}
        for (instrument, _), split in found.items():
            by_instrument.setdefault(instrument, []).append(split)
        return by_instrument

    @property
    def real_accounts(self) -> tuple[str, ...]:
        """Accounts that traded at a venue outside this process."""
        return tuple(name for name, account in self.config.accounts.items() if not is_paper(account))


def last_seen(session: Session) -> list[MarketData]:
    """The newest market data of before the session, as its first state holds them."""
    decoder: msgspec.msgpack.Decoder[MarketData] = msgspec.msgpack.Decoder(any_message())
    return [decoder.decode(raw) for raw in decode_snapshot(session.head.snapshot).market]


def open_session(state: Path, label: str | None = None) -> Session:
    """A session by its label; the newest without one.

    Of a session whose configuration or code was changed on the way, each stretch of one and the same counts
    as a session: `LABEL:1` is the first of them.

    Raises:
        UsageError: There is no such session, or it has several stretches and none is chosen.
    """
    known = sessions(state)
    if not known:
        raise UsageError(f"{state} holds no recorded session; give the folder of a run with --state")
    found, chosen = _found(known, label)
    parts = TapeReader(tape_folder(state)).parts
    numbers = [part.number for part in parts]
    first, last = numbers.index(found.parts[0]), numbers.index(found.parts[-1])
    begins = [first]
    of_parts = [_what_traded(part.head) for part in parts[first : last + 1]]
    begins += [first + at for at in range(1, len(of_parts)) if of_parts[at] != of_parts[at - 1]]
    if chosen > len(begins) or (not chosen and len(begins) > 1):
        raise UsageError(_which(found, [parts[at] for at in begins]))
    first = begins[max(chosen, 1) - 1]
    following = [*begins, last + 1][max(chosen, 1)]
    head = parts[first].head
    config, instruments, sources = from_tape_configuration(head.config)
    return Session(
        state=state,
        label=found.label if len(begins) == 1 else f"{found.label}:{chosen}",
        head=head,
        first_part=first,
        last_seq=parts[following].head.previous_seq if following < len(parts) else None,
        ts_started=parts[first].head_frame.ts_init,
        config=config,
        instruments=instruments,
        sources=sources,
        calendars=recorded_calendars(head.config),
    )


def _what_traded(head: Head) -> dict[str, Any]:
    """All of a part's configuration that decides what is traded, and the strategies' code."""
    config: dict[str, Any] = head.config["config"]
    return {
        **{name: part for name, part in head.config.items() if name != "config"},
        **{name: section for name, section in config.items() if name not in _BESIDE_TRADING},
        "bar_grace_ms": config["daemon"]["bar_grace_ms"],
        "strategies' code": head.strategies,
    }


def _found(known: Sequence[Labelled], label: str | None) -> tuple[Labelled, int]:
    """The session, and the number of the stretch that is wanted; 0 without one."""
    if label is None:
        return known[-1], 0
    by_label = {each.label: each for each in known}
    name, _, number = label.rpartition(":")
    if label in by_label:
        return by_label[label], 0
    if name in by_label and number.isdecimal() and int(number):
        return by_label[name], int(number)
    raise UsageError(f"no session {label!r} on this tape; there is {', '.join(by_label)}")


def _which(session: Labelled, begins: Sequence[Part]) -> str:
    """What to ask for instead."""
    if len(begins) == 1:
        return f"session {session.label} has one configuration throughout: leave the number out"
    times = (datetime.fromtimestamp(part.head_frame.ts_init / 1e9, tz=UTC) for part in begins)
    stretches = (
        f"{session.label}:{number} from {at:%Y-%m-%d %H:%M:%S}" for number, at in enumerate(times, 1)
    )
    choice = ", ".join(stretches)
    return f"configuration or strategies changed within session {session.label}: choose {choice} (UTC)"
