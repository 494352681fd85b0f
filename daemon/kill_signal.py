"""SIGUSR1 from the first line of a start until somebody takes it."""

from __future__ import annotations

import signal


def hold_signal() -> None:
    """Keep a SIGUSR1 that comes before anybody can take it: unheld, it would end the process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


def release_signal() -> None:
    """Somebody takes it now, and what was held comes first."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
