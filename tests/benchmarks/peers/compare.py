"""`scripts/bench --peers`: tickerd and other engines on the same data, in one run, medians of three."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.harness import Effort, circumstances
from tests.benchmarks.peers.messages import WORKLOADS, write_workload

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENVIRONMENT = ROOT / ".bench-venv"
RUNS = 3
SECONDS_MAX = 900


class Peer(msgspec.Struct, frozen=True):
    """Another engine: what is installed, and where its rules are not tickerd's."""

    name: str
    package: str
    differs: str


PEERS = (
    Peer(
        "nautilus",
        "nautilus_trader",
        "compiled engine; market orders fill at the bar's close, no ledger of lots",
    ),
    Peer("basana", "basana", "no risk checks, no lots, no trade records"),
    Peer("backtesting", "backtesting", "averages over arrays beforehand, float money, whole units"),
    Peer("backtrader", "backtrader", "float money, no risk checks"),
    Peer("vectorbt", "vectorbt", "whole arrays in compiled loops, fills at the close, no strategy per bar"),
    Peer("hftbacktest", "hftbacktest", "compiled engine and compiled strategy, no accounts"),
    Peer("zipline", "zipline-reloaded", "needs a bundle of its own"),
    Peer("freqtrade", "freqtrade", "needs an exchange's market list from the network"),
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One run, or why there is none."""

    version: str = ""
    inputs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    orders: int = 0
    unfit: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One engine at one workload."""

    workload: str
    engine: str
    version: str = ""
    rate: float = 0.0
    """Inputs a second, of the median run."""
    cpu_rate: float = 0.0
    """The same by CPU time, which other processes on the machine disturb less."""
    orders: int = 0
    ratio: float = 0.0
    """tickerd's rate over this one's, both by CPU time."""
    note: str = ""


def install(peer: Peer) -> str:
    """Put a peer into the environment of its own; returns why that is impossible, or nothing."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    if _pip("show", peer.package).returncode == 0:
        return ""
    print(f"installing {peer.package} …", file=sys.stderr, flush=True)
    done = _pip("install", peer.package)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else "pip could not install it"


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(ENVIRONMENT / "bin" / "python"),
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _run(engine: str, workload: str, data: Path) -> Outcome:
    if engine == "tickerd":
        command = [sys.executable, "-m", "tests.benchmarks.peers.run_tickerd"]
    else:
        command = [str(ENVIRONMENT / "bin" / "python"), str(HERE / f"run_{engine}.py")]
    try:
        done = subprocess.run(
            [*command, workload, str(data)],
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
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return Outcome(unfit=f"failed: {last[0]}")
    return msgspec.json.decode(lines[-1], type=Outcome)


def _median(engine: str, workload: str, data: Path) -> Outcome:
    outcomes = []
    for _ in range(RUNS):
        print(f"  {workload}: {engine} …", file=sys.stderr, flush=True)
        outcomes.append(_run(engine, workload, data))
        if outcomes[-1].unfit:
            return outcomes[-1]
    return sorted(outcomes, key=lambda each: each.cpu_seconds)[RUNS // 2]


def measure(workload: str, data: Path, peers: Sequence[Peer]) -> Iterator[Measured]:
    """tickerd first, then every peer."""
    own = _median("tickerd", workload, data)
    if own.unfit:
        raise SystemExit(f"tickerd itself could not run workload {workload}: {own.unfit}")
    yield _measured(workload, "tickerd", own, own, "everything on")
    for peer in peers:
        found = _median(peer.name, workload, data)
        if found.unfit:
            yield Measured(workload=workload, engine=peer.name, note=found.unfit)
        else:
            yield _measured(workload, peer.name, found, own, peer.differs)


def _measured(workload: str, engine: str, found: Outcome, own: Outcome, note: str) -> Measured:
    return Measured(
        workload=workload,
        engine=engine,
        version=found.version,
        rate=found.inputs / found.seconds,
        cpu_rate=found.inputs / found.cpu_seconds,
        orders=found.orders,
        ratio=found.cpu_seconds / own.cpu_seconds,
        note=note,
    )


def compare(effort: Effort, *, workloads: list[str], as_json: bool) -> None:
    """Install what can be installed, generate the data, run everything, print it."""
    missing: dict[str, str] = {}
    for peer in PEERS:
        has_runner = (HERE / f"run_{peer.name}.py").exists()
        why = install(peer) if has_runner else peer.differs
        if why:
            missing[peer.name] = why
    peers = [peer for peer in PEERS if peer.name not in missing]
    rows: list[Measured] = []
    with TemporaryDirectory() as folder:
        for workload in workloads:
            write_workload(workload, Path(folder), effort)
            rows += measure(workload, Path(folder), peers)
    if as_json:
        found = {"circumstances": circumstances(), "scale": effort.scale, "peers": rows, "missing": missing}
        print(msgspec.json.encode(found).decode())
        return
    _print(rows)
    print(f"{circumstances()}; {effort.scale:g} of all inputs, medians of {RUNS}, ratios by CPU time")
    print("one process each; making and reading data is not counted")
    for name, why in missing.items():
        print(f"not run: {name}, {why}")


def _print(rows: Sequence[Measured]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 150)
    for workload in dict.fromkeys(row.workload for row in rows):
        table = Table(title=f"{workload}: {WORKLOADS[workload]}", title_justify="left")
        for heading in ("engine", "version", "inputs/s", "per CPU second", "orders", "tickerd is", "rules"):
            table.add_column(
                heading, justify="left" if heading in ("engine", "version", "rules") else "right"
            )
        for row in rows:
            if row.workload == workload and not row.rate:
                table.add_row(row.engine, "", "–", "–", "", "", row.note)
            elif row.workload == workload:
                rates = f"{row.rate:,.0f}", f"{row.cpu_rate:,.0f}"
                table.add_row(
                    row.engine, row.version, *rates, f"{row.orders:,}", f"{row.ratio:.2f} ×", row.note
                )
        console.print(table)
