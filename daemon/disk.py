"""The disk below the tape, looked at before a start: what cannot be written is waited for."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.2
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.ENXIO)
"""What may be over when somebody makes room, or mounts the disk again."""


def disk_fault(folder: Path, needed_bytes: int) -> str | None:
    """Why the next segment of the tape could not be written now; None when it could.

    What waiting cannot heal, such as a folder of somebody else's, is left to those who use it.
    """
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, needed_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)
            probe.unlink()
    except OSError as error:
        if error.errno in _PASSING:
            return f"{folder} cannot take {needed_bytes / 1e6:.0f} MB of tape: {error.strerror}"
    return None


async def wait_for_disk(folder: Path, needed_bytes: int, *, on_wait: Callable[[str], None]) -> None:
    """Return once the tape can be written; `on_wait` hears of each try that failed."""
    said = None
    while (fault := disk_fault(folder, needed_bytes)) is not None:
        if fault != said:
            log.error("waiting for the disk", fault=fault)
            said = fault
        on_wait(fault)
        await asyncio.sleep(RETRY_SECONDS)
    if said is not None:
        log.info("the disk can be written again")
