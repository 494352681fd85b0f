"""Keeps edge actors running: restarts them with capped, jittered back-off, and drains them in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from actors.errors import ConfigError, TradingError
from daemon.telemetry import Telemetry

log = structlog.get_logger(__name__)

BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_MAX_SECONDS = 60.0
HEALTHY_SECONDS = 120.0
"""After running so long a failure counts as the first one again."""


class Runs(Protocol):
    """What an edge actor is made of."""

    async def run(self) -> None:
        """Work until cancelled; whoever drains returns by itself after `close`."""

    async def close(self) -> None:
        """Give up what is open, or finish what was taken."""


class EdgeActor(NamedTuple):
    """A supervised task at the edge."""

    name: str
    """For logs and metrics: `feed:binance`."""
    work: Runs
    drains: bool = False
    """Whether its `run` has work to finish after `close`, and then returns."""


async def run_with_restarts(edge: EdgeActor, telemetry: Telemetry) -> None:
    """Run an edge actor for ever; what it raises is logged and it is started anew.

    Raises:
        ConfigError: Nothing a restart could mend.
    """
    loop = asyncio.get_running_loop()
    backoff = BACKOFF_FIRST_SECONDS
    while True:
        began = loop.time()
        try:
            await edge.work.run()
        except ConfigError:
            raise
        except (TradingError, OSError) as error:
            log.warning(
                "edge actor failed", actor=edge.name, error=str(error), retry_seconds=round(backoff, 1)
            )
        else:
            return
        telemetry.restarts[edge.name] = telemetry.restarts.get(edge.name, 0) + 1
        if loop.time() - began > HEALTHY_SECONDS:
            backoff = BACKOFF_FIRST_SECONDS
        await asyncio.sleep(backoff * random.uniform(0.8, 1.2))
        backoff = min(backoff * 2, BACKOFF_MAX_SECONDS)


async def supervise(
    edges: Sequence[EdgeActor], *, stop: asyncio.Event, drain_seconds: float, telemetry: Telemetry
) -> None:
    """Run every edge actor until `stop`, then drain them in the given order; a late one holds up no other.

    Raises:
        ConfigError: An edge actor found its configuration wrong.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_with_restarts(edge, telemetry), name=edge.name) for edge in edges]
        await stop.wait()
        for edge, task in zip(edges, tasks, strict=True):
            try:
                async with asyncio.timeout(drain_seconds):
                    await edge.work.close()
                    if not edge.drains:
                        task.cancel()
                    await asyncio.wait([task])
            except TimeoutError:
                log.error("drain timed out", actor=edge.name, seconds=drain_seconds)
                task.cancel()
