"""The feeds of a configuration, recorded: the same feed edges as trading has, and nothing behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from actors.errors import ConfigError
from daemon.clock import Clock
from daemon.config import Config
from daemon.edges import Lines, Subscription, make_feed
from daemon.graph import traded_instruments
from daemon.research.data.catalogue import Catalogue, instrument_named
from daemon.research.data.recording import Recorder
from daemon.supervisor import EdgeActor, supervise
from daemon.telemetry import Telemetry


async def record_feeds(
    config: Config,
    catalogue: Catalogue,
    instruments: Sequence[str],
    *,
    book: bool,
    stop: asyncio.Event,
    clock: Callable[[], int] | None = None,
) -> Recorder:
    """Record until `stop`.

    Args:
        instruments: Instead of those that the configuration's strategies trade.
    Raises:
        ConfigError: Nothing to record, or a venue without a feed.
        StateLocked: Another process writes to one of the series.
    """
    now = clock or Clock().now
    recorder = Recorder(catalogue, clock=now)
    by_venue, lines = _by_venue(config, instruments), Lines(now)
    feeds = []
    for venue, names in by_venue.items():
        wanted = [Subscription(instrument=name, trades=True, book=book) for name in names]
        feed = make_feed(
            venue, config.venues[venue], wanted, intake=recorder, lines=lines, clock=now, bars_after={}
        )
        feeds.append(EdgeActor(f"feed:{venue}", feed))
    telemetry = Telemetry(now_ns=now, version="record")
    writer = EdgeActor("recorder", recorder, drains=True)
    try:
        await supervise(
            [*feeds, writer], stop=stop, drain_seconds=config.daemon.drain_seconds, telemetry=telemetry
        )
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
    return recorder


def _by_venue(config: Config, instruments: Sequence[str]) -> dict[str, list[str]]:
    if not instruments:
        found = {venue: list(names) for venue, names in traded_instruments(config).items()}
    else:
        found = {}
        for name in instruments:
            found.setdefault(instrument_named(name).rpartition("@")[2], []).append(name)
    if not found:
        raise ConfigError("there is nothing to record: name instruments with --instrument, or in a strategy")
    for venue in found:
        if venue not in config.venues or config.venues[venue].kind == "simulated":
            raise ConfigError(f"{venue} has no live feed: add [venues.{venue}] with kind and addresses")
    return found
