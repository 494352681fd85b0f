"""Continuous backup: what is new is shipped again and again until somebody ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event
from types import FrameType

import structlog

from actors.errors import StoreError, TapeError
from actors.store.backup import Backup
from actors.store.manifest import Manifest

log = structlog.get_logger(__name__)


def keep_shipping(backup: Backup, seconds: float, *, on_shipped: Callable[[Manifest], None]) -> int:
    """Ship every so many seconds until SIGTERM or SIGINT; returns how many generations.

    What fails, a place out of reach above all, is said and tried again.

    Raises:
        UsageError: The place belongs to another store.
    """
    stop, shipped = Event(), 0

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    former = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while True:
            try:
                manifest = backup.ship_changes()
                if manifest is not None:
                    shipped += 1
                    on_shipped(manifest)
            except (StoreError, TapeError, OSError) as error:
                log.error("backup failed, trying again", error=str(error))
            if stop.wait(seconds):
                return shipped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
