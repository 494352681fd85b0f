"""`tickerd` that dies right before an effect: `CHAOS_DIE_AT=tape.write:3 python -m …kills.victim run …`.

The same program as `python -m daemon`; only here is `effect` more than a name. Its helper processes import
this module too, and take the daemon with them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.core import effects

DIE_AT, MAIN_PID, QUIRKS = "CHAOS_DIE_AT", "CHAOS_MAIN_PID", "CHAOS_QUIRKS"
SMALL_SEGMENT = 64 * 1024
SEAL_SECONDS = 0.2
ANSWERED = "unsafe.answer before the write"
"""Only an unsafe daemon gets there: the venue has taken an order that is not on the tape."""


def dying_effect(text: str) -> Callable[[str], None]:
    """An `effect` that ends the daemon at the K-th time it hears a label."""
    wanted, _, number = text.rpartition(":")
    left = int(number)

    def effect(label: str) -> None:
        nonlocal left
        if label != wanted:
            return
        left -= 1
        if left == 0:
            os.kill(int(os.environ[MAIN_PID]), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    return effect


def _write_in_two() -> None:
    """The system takes half of what it is given, as it may."""
    from actors.store import tape_file

    class HalfWrites:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        @staticmethod
        def write(fd: int, data: Any) -> int:
            return os.write(fd, memoryview(data)[: max(1, len(data) // 2)])

    vars(tape_file)["os"] = HalfWrites()


def _lose_what_is_sealed() -> None:
    """The disk gives other bytes back than were sealed."""
    from actors.store import layout

    vars(layout)["unseal"] = lambda data: b""


def _look_closed() -> None:
    """The socket for orders looks closed to whoever wants to send: it goes by REST."""
    from actors.venues.binance.trading import TradingSocket

    type.__setattr__(TradingSocket, "is_open", property(lambda socket: False))


def _send_before_writing() -> None:
    """Unsafe: an order leaves before its step is written; named is where the venue's answer proves it."""
    from actors.messages.base import Message
    from actors.messages.orders import AcceptReport, FillReport, SubmitOrder
    from daemon.runtime import Runtime

    write, step, record = Runtime._write, Runtime._step, Runtime._record
    unwritten: set[str | None] = set()

    def record_and_note(runtime: Runtime, message: Message) -> Any:
        done = record(runtime, message)
        unwritten.update(each.client_order_id for each in done.sent if isinstance(each, SubmitOrder))
        return done

    def write_unless_an_order_left(runtime: Runtime) -> None:
        if not unwritten:
            write(runtime)

    def look_and_step(runtime: Runtime, message: Message) -> None:
        if isinstance(message, AcceptReport | FillReport) and message.client_order_id in unwritten:
            effects.effect(ANSWERED)
        step(runtime, message)

    type.__setattr__(Runtime, "_record", record_and_note)
    type.__setattr__(Runtime, "_write", write_unless_an_order_left)
    type.__setattr__(Runtime, "_step", look_and_step)


def _hurry() -> None:
    """Segments fill up, and are sealed, within a short life."""
    from actors.store.tape_file import TapeWriter
    from daemon import housekeeping, startup

    def small(tape: Path, *, segment_bytes: int) -> TapeWriter:
        return TapeWriter(tape, segment_bytes=min(segment_bytes, SMALL_SEGMENT))

    vars(startup)["TapeWriter"] = small
    vars(housekeeping)["SEAL_SECONDS"] = SEAL_SECONDS


QUIRK = {
    "write in two": _write_in_two,
    "lose what is sealed": _lose_what_is_sealed,
    "look closed": _look_closed,
    "send before writing": _send_before_writing,
}

if DIE_AT in os.environ:
    # Before anything else is imported, so that everyone who names an effect gets this one.
    vars(effects)["effect"] = dying_effect(os.environ[DIE_AT])
    for quirk in filter(None, os.environ.get(QUIRKS, "").split(",")):
        QUIRK[quirk]()

if __name__ == "__main__":
    from daemon.__main__ import main

    os.environ[MAIN_PID] = str(os.getpid())
    _hurry()
    sys.exit(main())
