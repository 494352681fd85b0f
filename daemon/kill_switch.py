"""The kill switch as a file, and the end of whoever holds the state folder; neither asks the daemon."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from pathlib import Path
from typing import Literal, NamedTuple

from actors.store.folder import LOCK

KILL_FILE = "KILL"
"""While it lies in the state folder the daemon halts, at its start too."""

How = Literal["none", "SIGTERM", "SIGKILL", "still_running"]


class Ended(NamedTuple):
    """What became of the process that held the state folder."""

    pid: int | None
    how: How
    text: str


def set_kill_switch(state: Path, reason: str) -> str | None:
    """Write the file durably; why not, when that fails."""
    path = state / KILL_FILE
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{reason}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        return f"{path} could not be written ({error.strerror})"
    return None


def end_holder(state: Path, *, term_seconds: float = 5.0, kill_seconds: float = 5.0) -> Ended:
    """End the process that holds the state folder: SIGTERM, and SIGKILL after a deadline."""
    pid = holder_of(state)
    if pid is None:
        return Ended(None, "none", "no process held the state folder")
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return Ended(pid, "none", f"process {pid} had ended by itself")
    except OSError as error:
        return Ended(pid, "still_running", f"process {pid} cannot be reached ({error.strerror})")
    try:
        # The number was read before: only if it still holds the lock is this process surely the one meant.
        if holder_of(state) != pid:
            return end_holder(state, term_seconds=term_seconds, kill_seconds=kill_seconds)
        return _ended(descriptor, pid, term_seconds, kill_seconds)
    finally:
        os.close(descriptor)


def holder_of(state: Path) -> int | None:
    """The process that holds the state folder; None when none does, or the folder is none."""
    try:
        descriptor = os.open(state / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    else:
        return None
    finally:
        os.close(descriptor)


def _ended(descriptor: int, pid: int, term_seconds: float, kill_seconds: float) -> Ended:
    steps: tuple[tuple[signal.Signals, How, float], ...] = (
        (signal.SIGTERM, "SIGTERM", term_seconds),
        (signal.SIGKILL, "SIGKILL", kill_seconds),
    )
    for number, how, seconds in steps:
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return Ended(pid, how, f"process {pid} has ended")
        except PermissionError:
            return Ended(
                pid, "still_running", f"process {pid} belongs to another user: become that user, or root"
            )
        if _has_ended(descriptor, seconds):
            return Ended(pid, how, f"process {pid} was ended by {how}")
    return Ended(pid, "still_running", f"process {pid} outlived SIGKILL for {kill_seconds:g} s")


def _has_ended(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if poll.poll(left * 1000):
            return True
    return False
