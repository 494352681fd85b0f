"""From a state folder to a core that may run: recovery, the new part of the tape, the first inputs."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from actors.core.frames import Head
from actors.core.schema import schema_fingerprint
from actors.errors import TradingError
from actors.messages.base import Message
from actors.messages.control import Started
from actors.messages.orders import CancelOrder, NotSent, ReplaceOrder, SubmitOrder
from actors.model.ids import ClientOrderIds, next_epoch
from actors.model.instrument import Instrument
from actors.store.database import newest_checkpoint
from actors.store.layout import tape_folder
from actors.store.recovery import CaughtUp, Recovered, catch_up
from actors.store.replay import run_segments
from actors.store.rerun import LastInputFailed, Rerun, decode_snapshot
from actors.store.tape_file import TapeWriter
from actors.store.tape_reader import TapeReader
from actors.strategies.host import FailureHook
from actors.strategies.loading import load_strategy, strategy_source_hash
from daemon.config import Config
from daemon.graph import (
    BarSources,
    Core,
    StrategyClasses,
    build_core,
    from_tape_configuration,
    tape_configuration,
)

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


def core_of_head(head: Head, *, on_failure: FailureHook | None = None) -> Core:
    """The core that wrote a part of the tape, in its initial state."""
    config, instruments, sources = from_tape_configuration(head.config)
    return build_core(
        config,
        instruments=instruments,
        classes=load_classes(config),
        sources=sources,
        ids=ClientOrderIds(store_id=head.store_id, epoch=head.epoch),
        on_failure=on_failure,
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
) -> Opened:
    """Bring the core to the tape's end and begin a new part in its state.

    Raises:
        ReplayDiffers: The record was not repeated; names the first difference.
        TapeError: The tape cannot be written.
    """
    caught, old = _caught_up(recovered)
    epoch = next_epoch(recovered.last_epoch, now)
    core = build_core(
        config,
        instruments=instruments,
        classes=classes,
        sources=sources,
        ids=ClientOrderIds(store_id=recovered.identity.store_id, epoch=epoch),
        on_failure=on_failure,
    )
    if old is not None:
        core.sequencer.restore(old.sequencer.snapshot())
    session = (
        config.daemon.session or recovered.session or time.strftime("%Y%m%d-%H%M%S", time.gmtime(now / 1e9))
    )
    tape = TapeWriter(tape_folder(recovered.state), segment_bytes=config.tape.segment_mb * 1024 * 1024)
    snapshot = core.sequencer.snapshot()
    head = Head(
        store_id=recovered.identity.store_id,
        epoch=epoch,
        session=session,
        part=recovered.next_part,
        config=tape_configuration(config, instruments.values(), sources),
        strategy_hash=strategy_source_hash(classes.values()),
        versions=versions(),
        seed=config.daemon.seed,
        schema=schema_fingerprint((*core.sequencer.venues, *core.sequencer.actors)),
        previous_seq=snapshot.seq,
        previous_chain=caught.chain if caught is not None else recovered.chain,
        snapshot=msgspec.msgpack.encode(snapshot),
    )
    tape.begin_part(head, max(now, snapshot.now), caught.late_step if caught is not None else None)
    late = caught.late_messages if caught is not None else ()
    return Opened(core, tape, head, (Started(ts_event=now, epoch=epoch), *_never_sent(late, now)))


def _caught_up(recovered: Recovered) -> tuple[CaughtUp | None, Core | None]:
    if recovered.head is None:
        return None, None
    began = time.monotonic()
    core = core_of_head(recovered.head)
    try:
        caught = catch_up(recovered, core.sequencer)
    except LastInputFailed as failed:
        core = core_of_head(recovered.head)
        caught = catch_up(recovered, core.sequencer, late=failed.late)
    log.info(
        "recovered",
        source=recovered.source,
        inputs=caught.inputs,
        seq=caught.seq,
        seconds=round(time.monotonic() - began, 3),
    )
    return caught, core


def _never_sent(messages: Iterable[Message], now: int) -> list[NotSent]:
    """A step that was not on the tape has let nothing leave: say so of each of its commands."""
    commands = {SubmitOrder: "submit", CancelOrder: "cancel", ReplaceOrder: "replace"}
    return [
        NotSent(
            ts_event=now,
            account=message.account,
            instrument=message.instrument,
            client_order_id=message.client_order_id,
            venue_order_id=None,
            command=commands[type(message)],  # type: ignore[arg-type]
            reason="the process ended before the command was recorded",
        )
        for message in messages
        if isinstance(message, SubmitOrder | CancelOrder | ReplaceOrder)
    ]


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
