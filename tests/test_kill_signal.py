"""SIGUSR1 that comes before the daemon can take it."""

from __future__ import annotations

import asyncio
import signal
import threading

from daemon.kill_signal import hold_signal, release_signal


async def test_a_signal_that_comes_too_early_ends_nothing_and_is_taken_later() -> None:
    loop, taken = asyncio.get_running_loop(), asyncio.Event()
    hold_signal()
    try:
        # To this thread: those of the test runner hold nothing back.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        assert signal.SIGUSR1 in signal.sigpending(), "held, and the process lives"
        loop.add_signal_handler(signal.SIGUSR1, taken.set)
        assert not taken.is_set()
        release_signal()
        async with asyncio.timeout(5):
            await taken.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        release_signal()
