"""From a state folder to a core that may run: recovery, the new part of the tape, the first inputs."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Container, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from actors.core.frames import Head
from actors.core.schema import schema_fingerprint
from actors.core.sequencer import CoreSnapshot
from actors.errors import ConfigError, TapeError, TradingError
from actors.messages.base import Message
from actors.messages.control import BooksRestored, Started
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.ids import ClientOrderIds, next_epoch
from actors.model.instrument import Instrument
from actors.store.database import newest_checkpoint
from actors.store.layout import tape_folder
from actors.store.recovery import CaughtUp, Recovered
from actors.store.replay import run_segments
from actors.store.rerun import Rerun, decode_snapshot
from actors.store.tape_file import TapeWriter
from actors.store.tape_reader import TapeReader
from actors.strategies.host import FailureHook
from actors.strategies.loading import load_strategy
from actors.strategies.recorded import AbsentStrategy
from daemon.code_changes import OtherVersion, changed_strategies, check_version, fingerprints, own_code_hash
from daemon.config import Config
from daemon.graph import BarSources, Core, StrategyClasses, build_core
from daemon.rerunning import Tail, decisions, run_tail
from daemon.start_times import StartTimes
from daemon.tape_configuration import from_tape_configuration, recorded_calendars, tape_configuration

log = structlog.get_logger(__name__)

CLOCK_WAIT_SECONDS = 30.0
"""How far behind the tape's last time the clock may be at a start; so long we wait for it to pass."""


class Opened(NamedTuple):
    """A core in the recovered state, and the tape it goes on with."""

    core: Core
    tape: TapeWriter
    head: Head
    first_inputs: tuple[Message, ...]
    """To be run before anything else, in one write."""


def load_classes(config: Config) -> dict[str, type]:
    """Strategy name → class.

    Raises:
        ConfigError: A module, file or class is missing.
    """
    return {name: load_strategy(section.use) for name, section in config.strategies.items()}


def core_of_head(head: Head, *, classes: StrategyClasses | None = None, changed: Container[str] = ()) -> Core:
    """The core that wrote a part of the tape, in its initial state; `classes` stand in for strategies."""
    config, instruments, sources = from_tape_configuration(head.config)
    return build_core(
        config,
        instruments=instruments,
        classes=classes if classes is not None else load_classes(config),
        sources=sources,
        ids=ClientOrderIds(store_id=head.store_id, epoch=head.epoch),
        changed=changed,
        calendars=recorded_calendars(head.config),
    )


def wait_for_clock(recovered: Recovered, now: Callable[[], int]) -> None:
    """Sleep until our clock has passed the tape's last time.

    Raises:
        TradingError: The clock is too far behind to wait for.
    """
    behind = (recovered.last_ts - now()) / 1e9
    if behind <= 0:
        return
    if behind > CLOCK_WAIT_SECONDS:
        raise TradingError(
            f"the clock is {behind:.0f} s behind the newest record on the tape: set it, then start again"
        )
    log.warning("waiting for the clock to pass the tape", seconds=round(behind, 3))
    time.sleep(behind)


def open_core(
    recovered: Recovered,
    config: Config,
    *,
    instruments: Mapping[str, Instrument],
    classes: StrategyClasses,
    sources: BarSources,
    now: int,
    on_failure: FailureHook | None,
    times: StartTimes,
    calendars: Calendars = BUILT_IN,
) -> Opened:
    """Bring the core to the tape's end and begin a new part in its state.

    Args:
        calendars: Where those of instruments and venues are found by name; the tape keeps them.
    Raises:
        ReplayDiffers: The record was not repeated; names the first difference.
        TapeError: The tape cannot be written.
    """
    tail = _tail(recovered)
    times.done(
        "tail", source=recovered.source, seq=recovered.last_seq, inputs=tail.caught.inputs if tail else 0
    )
    changed = changed_strategies(recovered.head, fingerprints(config, classes))
    epoch = next_epoch(recovered.last_epoch, now)
    core = build_core(
        config,
        instruments=instruments,
        classes=classes,
        sources=sources,
        ids=ClientOrderIds(store_id=recovered.identity.store_id, epoch=epoch),
        on_failure=on_failure,
        changed=changed,
        calendars=calendars,
    )
    if tail is not None:
        state = tail.core.sequencer.snapshot() if tail.core is not None else recovered.snapshot
        assert state is not None, "a tape has at least the state of its head"
        _take(core, state, recovered)
        core.sequencer.ids.take_over(recovered.identity.store_id)
        _begin_anew(core, changed)
    head = _new_head(
        recovered,
        config,
        core,
        tail,
        epoch=epoch,
        now=now,
        tape_config=tape_configuration(config, instruments.values(), sources, calendars),
        classes=classes,
    )
    tape = TapeWriter(tape_folder(recovered.state), segment_bytes=config.tape.segment_mb * 1024 * 1024)
    tape.begin_part(head, max(now, core.sequencer.now), tail.caught.late_step if tail is not None else None)
    decided = decisions(tail, config, now) if tail is not None else ()
    times.done("part", part=head.part, epoch=epoch)
    first = (Started(ts_event=now, epoch=epoch), *_restored(recovered, now), *decided)
    return Opened(core, tape, head, first)


def _restored(recovered: Recovered, now: int) -> tuple[BooksRestored, ...]:
    """What the core must know when the folder was made of a backup since it last ran."""
    former = recovered.head.store_id if recovered.head is not None else recovered.identity.store_id
    if former == recovered.identity.store_id:
        return ()
    log.warning("books restored from a backup; what was done after it is asked from the venues", store=former)
    return (BooksRestored(ts_event=now, store_id=former),)


def _begin_anew(core: Core, changed: Iterable[str]) -> None:
    for name in changed:
        log.warning("strategy has new code or parameters and warms up anew", strategy=name)
        core.strategies.begin_anew(name)


def _take(core: Core, state: CoreSnapshot, recovered: Recovered) -> None:
    try:
        core.sequencer.restore(state)
    except msgspec.ValidationError as error:
        former = (
            recovered.head.versions.get("tickerd", "unknown") if recovered.head is not None else "unknown"
        )
        raise OtherVersion(
            f"{recovered.source} is of tickerd {former} and cannot be taken over ({error}): start that one"
        ) from error


def _new_head(
    recovered: Recovered,
    config: Config,
    core: Core,
    tail: Tail | None,
    *,
    epoch: int,
    now: int,
    tape_config: dict[str, Any],
    classes: StrategyClasses,
) -> Head:
    label = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now / 1e9))
    snapshot = core.sequencer.snapshot()
    return Head(
        store_id=recovered.identity.store_id,
        epoch=epoch,
        session=config.daemon.session or recovered.session or label,
        part=recovered.next_part,
        config=tape_config,
        strategy_hash=own_code_hash(config, classes.values()),
        versions=versions(),
        seed=config.daemon.seed,
        schema=schema_fingerprint((*core.sequencer.venues, *core.sequencer.actors)),
        strategies=fingerprints(config, classes),
        recorded_from=tail.difference.seq if tail is not None and tail.difference is not None else 0,
        previous_seq=snapshot.seq,
        previous_chain=tail.caught.chain if tail is not None else recovered.chain,
        snapshot=msgspec.msgpack.encode(snapshot),
    )


def _tail(recovered: Recovered) -> Tail | None:
    """The state at the tape's end; None without a tape."""
    head = recovered.head
    if head is None:
        return None
    may_run = check_version(recovered, version=version("tickerd"), schema=_schema_of(head))
    if not may_run or recovered.seq == recovered.last_seq:
        return Tail(CaughtUp(recovered.seq, recovered.chain, 0, None, ()), None, None)

    def build(classes: StrategyClasses, changed: Container[str]) -> Core:
        return core_of_head(head, classes=classes, changed=changed)

    return run_tail(recovered, head, build)


def _schema_of(head: Head) -> str:
    """Fingerprint of the core that this tickerd makes of a head; empty when it cannot."""
    try:
        config = from_tape_configuration(head.config)[0]
        core = core_of_head(head, classes=dict.fromkeys(config.strategies, AbsentStrategy))
    except (msgspec.ValidationError, ConfigError, TapeError):
        return ""
    return schema_fingerprint((*core.sequencer.venues, *core.sequencer.actors))


def versions() -> dict[str, str]:
    """What a replay must agree with."""
    return {"tickerd": version("tickerd"), "python": platform.python_version(), "tzdata": version("tzdata")}


def state_path(config: Config) -> Path:
    """The state folder."""
    return Path(config.daemon.state)


def read_core(state: Path) -> Core | None:
    """The core in the state that the tape's end leaves it in, beside a running daemon or without one.

    Returns:
        None while there is no tape.
    Raises:
        ReplayDiffers: The newest state cannot be reached from the record.
        TapeError: The tape cannot be read.
    """
    reader = TapeReader(tape_folder(state))
    if not reader.parts:
        return None
    head = reader.parts[-1].head
    core = core_of_head(head)
    checkpoint = newest_checkpoint(state, after_seq=head.previous_seq)
    chain, snapshot = (
        (checkpoint.chain, checkpoint.snapshot) if checkpoint else (head.previous_chain, head.snapshot)
    )
    core.sequencer.restore(decode_snapshot(snapshot))
    rerun = Rerun(core.sequencer, chain)
    run_segments(reader, rerun)
    rerun.finish()
    return core
