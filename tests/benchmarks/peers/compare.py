"""`scripts/bench --peers`: tickerd and other engines on the same data, in one run, medians of three."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from tests.benchmarks.harness import Effort, circumstances
from tests.benchmarks.peers.environments import environment, interpreters
from tests.benchmarks.peers.known import NOT_RUN, PEERS
from tests.benchmarks.peers.messages import write_workload
from tests.benchmarks.peers.tables import Comparison, Measured, print_comparison

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
RUNS = 3
SECONDS_MAX = 1800


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One run, or why there is none."""

    version: str = ""
    inputs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    orders: int = 0
    unfit: str = ""


class Engine(NamedTuple):
    """How one engine is started."""

    name: str
    python: str
    """Which interpreter that is."""
    command: tuple[str, ...]


def compare(effort: Effort, *, workloads: list[str], only: Sequence[str], as_json: bool) -> None:
    """Install what can be installed, generate the data, run everything, print it.

    Args:
        only: Names of the peers that are wanted; all of them if empty.
    """
    engines, not_run = _engines(only)
    rows: list[Measured] = []
    with TemporaryDirectory() as folder:
        for workload in workloads:
            write_workload(workload, Path(folder), effort)
            rows += measure(workload, Path(folder), engines)
    found = Comparison(
        circumstances=circumstances(),
        scale=effort.scale,
        runs=RUNS,
        rows=rows,
        rules={peer.name: peer.differs for peer in PEERS if peer.name in {each.name for each in engines}},
        not_run=not_run,
    )
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        print_comparison(found)


def _engines(only: Sequence[str]) -> tuple[list[Engine], Mapping[str, str]]:
    """tickerd and every peer that could be installed; and why others could not."""
    own = f"{platform.python_implementation()} {platform.python_version()}"
    engines = [Engine("tickerd", own, (sys.executable, "-m", "tests.benchmarks.peers.run_tickerd"))]
    not_run, known = dict(NOT_RUN), interpreters()
    for peer in PEERS:
        if only and peer.name not in only:
            continue
        place = environment(peer, known)
        if place.python is None:
            print(f"not run: {peer.name} {place.why_not}", file=sys.stderr, flush=True)
            not_run[peer.name] = place.why_not
        else:
            runner = HERE / f"run_{peer.name}.py"
            engines.append(Engine(peer.name, str(place.interpreter), (str(place.python), str(runner))))
    return engines, not_run


def measure(workload: str, data: Path, engines: Sequence[Engine]) -> Iterator[Measured]:
    """Every engine in turn, three times over, so that a busy minute of the machine is shared by all."""
    outcomes: dict[str, list[Outcome]] = {engine.name: [] for engine in engines}
    for turn in range(RUNS):
        for engine in engines:
            known = outcomes[engine.name]
            if not (known and known[-1].unfit):
                print(f"  {workload}, {turn + 1} of {RUNS}: {engine.name} …", file=sys.stderr, flush=True)
                known.append(_run(engine, workload, data))
    own = _median(outcomes["tickerd"])
    if own.unfit:
        raise SystemExit(f"tickerd itself could not run workload {workload}: {own.unfit}")
    for engine in engines:
        yield _measured(workload, engine, _median(outcomes[engine.name]), own)


def _run(engine: Engine, workload: str, data: Path) -> Outcome:
    try:
        done = subprocess.run(
            [*engine.command, workload, str(data)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(unfit=f"not done after {SECONDS_MAX} s")
    lines = [line.partition("RESULT ")[2] for line in done.stdout.splitlines() if "RESULT " in line]
    if not lines:
        said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("note:")]
        return Outcome(unfit=f"failed: {said[-1] if said else f'ended with {done.returncode}'}")
    return msgspec.json.decode(lines[-1], type=Outcome)


def _median(outcomes: Sequence[Outcome]) -> Outcome:
    """By CPU time; the reason of one that could not run."""
    if outcomes[-1].unfit:
        return outcomes[-1]
    return sorted(outcomes, key=lambda each: each.cpu_seconds)[len(outcomes) // 2]


def _measured(workload: str, engine: Engine, found: Outcome, own: Outcome) -> Measured:
    if found.unfit:
        return Measured(workload=workload, engine=engine.name, why_not=found.unfit)
    return Measured(
        workload=workload,
        engine=engine.name,
        version=found.version,
        python=engine.python,
        rate=found.inputs / found.seconds,
        cpu_rate=found.inputs / found.cpu_seconds,
        orders=found.orders,
        ratio=found.cpu_seconds / own.cpu_seconds,
    )
