"""The tape: how fast inputs get onto it, how fast a session is verified, what a checkpoint holds up."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from actors.messages.base import Message
from actors.store.recovery import load
from actors.store.replay import replay
from actors.store.rerun import encode_snapshot
from actors.strategies.base import Strategy
from daemon.graph import BarSources
from daemon.research.definitions import configured_instruments
from daemon.runtime import INPUTS_PER_SLICE
from daemon.start_times import StartTimes
from daemon.startup import Opened, core_of_head, load_classes, open_core, read_core
from tests.benchmarks.engine import a_config
from tests.benchmarks.harness import START_NS, Effort, Row, quotes
from tests.benchmarks.sealed import sealed_bytes
from tests.benchmarks.strategies import EveryThousand, Idle


def _open(state: Path, strategy: type[Strategy]) -> Opened:
    config = a_config(strategy, bars=False)
    recovered = load(state)
    with recovered.lock:
        return open_core(
            recovered,
            config,
            instruments=configured_instruments(config),
            classes=load_classes(config),
            sources=BarSources(),
            now=START_NS,
            on_failure=None,
            times=StartTimes(),
        )


def _session(state: Path, count: int, strategy: type[Strategy], *, inputs_per_flush: int) -> float:
    """Run a session of quotes onto a tape; returns seconds, the last sync included."""
    data = quotes(count)
    opened = _open(state, strategy)
    sequencer, tape = opened.core.sequencer, opened.tape
    for message in opened.first_inputs:
        _step(opened, message)
    tape.flush()
    run, append, flush = sequencer.run, tape.append, tape.flush
    began = perf_counter()
    for quote in data:
        run(quote, quote.ts_event)
        append(sequencer.seq, sequencer.now, quote, sequencer.sent)
        if sequencer.sent:
            sequencer.sent = []
        if not sequencer.seq % inputs_per_flush:
            flush()
    tape.flush()
    tape.sync()
    seconds = perf_counter() - began
    tape.close()
    return seconds


def _step(opened: Opened, message: Message) -> None:
    sequencer = opened.core.sequencer
    sequencer.run(message, START_NS)
    opened.tape.append(sequencer.seq, sequencer.now, message, sequencer.sent)
    sequencer.sent = []


def rows(effort: Effort) -> Iterator[Row]:
    """Writing, verifying, sealing, checkpoints; on the disk that holds the temporary folder."""
    count = effort.of(500_000)
    for what, per_flush, budget in (
        (f"inputs run and written, flushed every {INPUTS_PER_SLICE}", INPUTS_PER_SLICE, 400e3),
        ("inputs run and written, each flushed", 1, None),
    ):
        seconds = []
        for _ in range(3):
            with TemporaryDirectory() as folder:
                seconds.append(_session(Path(folder), count, Idle, inputs_per_flush=per_flush))
        yield Row(
            what=what,
            value=count / statistics.median(seconds),
            unit="/s",
            budget=budget,
            detail="whole graph, frames, checksum, chain, file; quotes, strategy does nothing",
        )
    with TemporaryDirectory() as folder:
        yield from _replayed(Path(folder), effort.of(1_000_000))


def _replayed(state: Path, count: int) -> Iterator[Row]:
    _session(state, count, EveryThousand, inputs_per_flush=INPUTS_PER_SLICE)
    seconds = []
    for _ in range(3):
        began = perf_counter()
        result = replay(state, build=lambda head: core_of_head(head).sequencer)
        seconds.append(perf_counter() - began)
        assert result.identical, result.difference
    yield Row(
        what="replay --verify",
        value=count / statistics.median(seconds),
        unit="inputs/s",
        budget=300e3,
        detail=f"{result.inputs:,} inputs, {result.orders:,} orders, identical",
    )
    yield _sealed(state, count)
    yield _checkpoint(state)


def _sealed(state: Path, count: int) -> Row:
    size = sealed_bytes(state)
    return Row(
        what="bytes a quote on sealed tape",
        value=size / count,
        unit="bytes",
        budget=20.0,
        detail="random walk, one instrument, its orders' steps included; real quotes: group daemon",
    )


def _checkpoint(state: Path) -> Row:
    core = read_core(state)
    assert core is not None
    seconds = []
    for _ in range(50):
        began = perf_counter()
        encoded = encode_snapshot(core.sequencer)
        seconds.append(perf_counter() - began)
    return Row(
        what="checkpoint holds up the loop",
        value=statistics.median(seconds) * 1e3,
        unit="ms",
        budget=5.0,
        detail=f"{len(encoded):,} bytes, max {max(seconds) * 1e3:.2f} ms",
    )
