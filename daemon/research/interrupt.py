"""Ctrl-C as a wish to end: long work asks now and then, and keeps what it has."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """Whether somebody wants it to end."""

    def __init__(self) -> None:
        self.is_set = False

    def __call__(self) -> bool:
        return self.is_set


@contextmanager
def interruptible() -> Iterator[Wish]:
    """Within, the first SIGINT only sets the wish and the second one interrupts.

    Signals are the main thread's: elsewhere nothing changes.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = signal.getsignal(signal.SIGINT)

    def wanted(_number: int, _frame: FrameType | None) -> None:
        if wish.is_set:
            raise KeyboardInterrupt
        wish.is_set = True

    signal.signal(signal.SIGINT, wanted)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)
