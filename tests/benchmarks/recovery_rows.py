"""Starting again after SIGKILL: a real daemon on a small venue, until `active`, and what that is made of.

Quiet: little on the tape behind the newest state. Behind: so many quotes after it that only the tape has.
The interpreter's own start and the imports are in it; the venue answers at once.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from actors.store.recovery import load
from daemon.start_times import StartTimes
from daemon.startup import load_classes, open_core
from daemon.tape_configuration import from_tape_configuration
from tests.benchmarks.harness import Effort, Row, quotes
from tests.e2e.rig import ACCOUNT, DEEP, a_daemon, an_exchange, write_config

QUIET_BUDGET_MS = 500.0
BEHIND_BUDGET_S = 2.0
INPUTS_BEHIND = 200_000
RUNS = 3
WRITE_BYTES = 1_000_000


def rows(effort: Effort) -> Iterator[Row]:
    """Both starts, and the steps of the longer one."""
    with TemporaryDirectory() as folder, an_exchange(Path(folder)) as exchange:
        config = write_config(Path(folder), exchange, ACCOUNT, DEEP)
        state = Path(folder) / "state"
        _live_and_die(config, state)
        quiet = [_killed_to_active(config, state) for _ in range(RUNS)]
        yield Row(
            what="SIGKILL → active, quiet",
            value=statistics.median(total for total, _ in quiet),
            unit="ms",
            budget=QUIET_BUDGET_MS,
            detail=_made_of(quiet[-1][1]),
        )
        count = effort.of(INPUTS_BEHIND)
        behind(state, count)
        total, steps = _killed_to_active(config, state)
        yield Row(
            what=f"SIGKILL → active, {count:,} inputs behind",
            value=total / 1e3,
            unit="s",
            budget=BEHIND_BUDGET_S,
            detail=_made_of(steps),
        )


def _live_and_die(config: Path, state: Path) -> None:
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        daemon.kill()


def _killed_to_active(config: Path, state: Path) -> tuple[float, dict[str, float]]:
    """Milliseconds from the process's first instruction to `active`, and of each step; killed at the end."""
    with a_daemon(config, state) as daemon:
        daemon.wait_reconciled()
        daemon.kill()
        lines = [json.loads(line) for line in daemon.log().splitlines() if '"event": "start"' in line]
    return lines[-1]["total_ms"], {line["step"]: line["ms"] for line in lines}


def _made_of(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {ms:.0f}" for name, ms in steps.items() if ms >= 1) + " ms"


def behind(state: Path, count: int) -> None:
    """Put a life of so many quotes on the tape, ended like by a kill."""
    found = load(state)
    with found.lock:
        assert found.head is not None, "a daemon has run here"
        config, instruments, sources = from_tape_configuration(found.head.config)
        opened = open_core(
            found,
            config,
            instruments=instruments,
            classes=load_classes(config),
            sources=sources,
            now=found.last_ts,
            on_failure=None,
            times=StartTimes(),
        )
        sequencer, tape = opened.core.sequencer, opened.tape
        for message in (*opened.first_inputs, *quotes(count, gap_ns=0)):
            sequencer.run(message, found.last_ts)
            tape.append(sequencer.seq, sequencer.now, message, sequencer.sent)
            sequencer.sent.clear()
            if tape.waiting_bytes > WRITE_BYTES:
                tape.flush()
        tape.flush()
        tape.abandon()
