"""A process of its own for slow work, which does not outlive the daemon."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread


class Worker(ProcessPoolExecutor):
    """One process, started with the first work it is given."""

    def __init__(self) -> None:
        context = get_context("spawn")
        told, self._tells = context.Pipe(duplex=False)
        super().__init__(max_workers=1, mp_context=context, initializer=_begin, initargs=(told,))

    def end(self) -> None:
        """Give up what it works on: an executor that is only shut down keeps us until that is done."""
        self.shutdown(wait=False, cancel_futures=True)
        self._tells.close()


def leave_interrupts() -> None:
    """Ctrl-C is the parent's affair: it goes to all of us alike."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin(told: Connection) -> None:
    leave_interrupts()
    Thread(target=_outlive, args=(told,), name="parent", daemon=True).start()


def _outlive(told: Connection) -> None:
    """End this process when its parent says so or has ended: a killed daemon cannot tell it to."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel, told])
    os._exit(0)
