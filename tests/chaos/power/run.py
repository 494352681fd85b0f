"""Power cuts at every order of a recorded run: whatever the disk holds then, a start knows what was sent."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from actors.errors import TradingError
from actors.store.recovery import catch_up, load
from daemon.startup import core_of_head
from tests.chaos.kills.phases import orders_on_tape
from tests.chaos.kills.stage import ACCOUNT, DAEMON, a_stage
from tests.chaos.power.disk import Disk, Kind, read_record

SOURCE = Path(__file__).with_name("recorder.c")
_ORDER_ID = re.compile(rb'"?newClientOrderId"?[=:]"?(T[0-9A-Z]{15})')
TEXT_FRAME, MASKED, LENGTH = 0x81, 0x80, 0x7F


@dataclass
class Found:
    """What the power cuts have shown."""

    orders: int = 0
    states: int = 0
    """State folders that recovery was started on."""
    torn: int = 0
    """Of these, how many had to be repaired."""
    broken: list[str] = field(default_factory=list)


def compiler() -> str | None:
    """The C compiler, if this machine has one."""
    return shutil.which("cc") or shutil.which("gcc")


def build_recorder(folder: Path) -> Path:
    """The library to load before all others."""
    cc = compiler()
    assert cc is not None, "no C compiler"
    library = folder / "recorder.so"
    command = [
        cc,
        "-std=c11",
        "-O2",
        "-shared",
        "-fPIC",
        "-o",
        str(library),
        str(SOURCE),
        "-ldl",
        "-lpthread",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return library


def recorded(folder: Path) -> tuple[Path, Path]:
    """Record and state of a run that was recorded in this folder."""
    return folder / "record.bin", (folder / "stage" / "state").resolve()


def record_lives(
    folder: Path, seed: int, seconds: tuple[float, ...], *, durability: str = "power-loss"
) -> tuple[Path, Path]:
    """Let a daemon that waits for the disk trade hard, killed and started again; its record and its state."""
    library, (record, state) = build_recorder(folder), recorded(folder)
    with a_stage(folder / "stage", seed) as stage:
        more = {"LD_PRELOAD": str(library), "CHAOS_RECORD": str(record), "CHAOS_ROOT": str(state)}
        settings = (f"accounts.{ACCOUNT}.durability={durability}", "store.checkpoint_seconds=0.3")
        for number, lasting in enumerate(seconds):
            life = stage.life(number, *settings, program=DAEMON, **more)
            try:
                life.wait_active()
                time.sleep(lasting)
            finally:
                life.kill()
    return record, state


def orders_in(data: bytes) -> Iterator[str]:
    """Client order ids of the submits in what a socket was given, masked as a client must."""
    while len(data) > 6 and data[0] == TEXT_FRAME and data[1] & MASKED:
        size, at = data[1] & LENGTH, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        mask, masked = data[at : at + 4], data[at + 4 : at + 4 + size]
        text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
        yield from (found[1].decode() for found in _ORDER_ID.finditer(text))
        data = data[at + 4 + size :]
    yield from (found[1].decode() for found in _ORDER_ID.finditer(data))


def cut_everywhere(
    record: Path, state: Path, *, seed: int, states: int, every: int = 1, say: Callable[[str], None]
) -> Found:
    """Cut the power at each order that is sent and at each sync, and start on what is left.

    Args:
        states: State folders built each time; the first one holds only what was synced.
        every: Look at every n-th order and sync only.
    """
    found, disk, sent, syncs = Found(), Disk(str(state)), list[str](), 0
    for event in read_record(record):
        if event.kind is Kind.SYNC_END and sent:
            # Right before a sync ends most is at stake: all that was written since it began, and before.
            syncs += 1
            if syncs % every == 0:
                _cut(disk, sent, f"{seed} sync {syncs}", range(1, states), found, say)
        disk.take(event)
        for order in orders_in(event.data) if event.kind is Kind.SEND else ():
            sent.append(order)
            if len(sent) % every == 0:
                _cut(disk, sent, f"{seed} order {len(sent)}", range(states), found, say)
    found.orders = len(sent)
    return found


def _cut(
    disk: Disk, sent: list[str], moment: str, states: range, found: Found, say: Callable[[str], None]
) -> None:
    for number in states:
        chance = Random(f"power {moment} {number}") if number else None
        with TemporaryDirectory(prefix="tickerd-power-") as name:
            folder = Path(name) / "state"
            disk.build(folder, chance)
            found.states += 1
            try:
                problem, is_torn = start_on(folder, sent)
                found.torn += is_torn
            except (TradingError, OSError) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                text = f"seed {moment}, state {number}, after {len(sent)} orders: {problem}"
                found.broken.append(text)
                say(text)


def start_on(folder: Path, sent: list[str]) -> tuple[str, bool]:
    """Recover a state folder; what is wrong with it, and whether its end was torn.

    Raises:
        TradingError: Recovery refuses the folder.
    """
    recovered = load(folder)
    with recovered.lock:
        if recovered.head is None:
            return ("no tape is left" if sent else ""), False
        core = core_of_head(recovered.head)
        catch_up(recovered, core.sequencer)
        known = orders_on_tape(folder)
    missing = [order for order in sent if order not in known]
    is_torn = bool(recovered.end.torn)
    return (
        f"recovery does not know {len(missing)} orders, {missing[0]} the first" if missing else ""
    ), is_torn
