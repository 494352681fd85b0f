"""A process of its own for slow work, which does not outlive the daemon."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def a_worker() -> ProcessPoolExecutor:
    """One process, started with the first work it is given."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=end_with_parent)


def end_with_parent() -> None:
    """End this process when its parent has ended, however that was: a killed daemon cannot tell it to."""
    Thread(target=_outlive, name="parent", daemon=True).start()


def _outlive() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
