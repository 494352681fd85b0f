"""Slow work of strategies, outside the loop: one process of its own, results come back as inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec
import structlog

from actors.messages.base import Message
from actors.messages.control import OffLoopRequest, OffLoopResult
from actors.own_code.serving import Tree, serve, tree_of
from daemon.worker import Worker

log = structlog.get_logger(__name__)


def call(function: str, arguments: bytes, tree: Tree | None = None) -> bytes:
    """Run `module:name` on decoded arguments; the value comes back encoded, as it goes onto the tape.

    Args:
        tree: Where the module is found in a process that has not loaded it from its file.
    """
    module, _, name = function.partition(":")
    if tree is not None:
        serve(tree)
    value: Any = getattr(import_module(module), name)(*msgspec.msgpack.decode(arguments))
    return msgspec.msgpack.encode(value)


class OffLoop:
    """Runs requests one after another and offers each answer."""

    def __init__(self, *, offer: Callable[[Message], None], now: Callable[[], int]) -> None:
        self._offer, self._now = offer, now
        self._executor: Worker | None = None
        self._running: set[asyncio.Task[None]] = set()

    def request(self, request: OffLoopRequest) -> None:
        """Take a request whose step is on the tape."""
        task = asyncio.get_running_loop().create_task(
            self._run(request), name=f"off-loop:{request.request_id}"
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, request: OffLoopRequest) -> None:
        if self._executor is None:
            self._executor = Worker()
        value: bytes | None = None
        error: str | None = None
        try:
            value = await asyncio.get_running_loop().run_in_executor(
                self._executor,
                call,
                request.function,
                request.arguments,
                tree_of(request.function.partition(":")[0]),
            )
        except Exception as failure:  # whatever the user's function raises is its answer
            log.warning(
                "off-loop work failed", strategy=request.strategy, function=request.function, exc_info=True
            )
            error = type(failure).__name__
        self._offer(
            OffLoopResult(
                ts_event=self._now(),
                request_id=request.request_id,
                strategy=request.strategy,
                value=value,
                error=error,
            )
        )

    def close(self) -> None:
        """Give up what still runs; after a restart its answer is `LOST`."""
        for task in self._running:
            task.cancel()
        if self._executor is not None:
            self._executor.end()
