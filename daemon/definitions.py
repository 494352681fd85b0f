"""Definitions of everything traded, asked from the venues before the core begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count

import msgspec
import structlog

from actors.core.frames import Head
from actors.errors import TapeError, VenueUnreachable
from actors.messages.base import Message
from actors.model.instrument import Instrument
from actors.venues.ports import Feed
from daemon.config import Config
from daemon.edges import Lines, make_feed
from daemon.graph import traded_instruments
from daemon.tape_configuration import from_tape_configuration

log = structlog.get_logger(__name__)

INSTRUMENT_RETRY_SECONDS = 2.0


class _Nowhere:
    """Takes what a feed says while it is only asked for definitions."""

    def offer(self, message: Message) -> None:
        """Forget it."""


async def known_instruments(
    config: Config, head: Head | None, lines: Lines, clock: Callable[[], int]
) -> dict[str, Instrument]:
    """Definitions of everything traded: from the venues, or as last known while a venue does not answer.

    Raises:
        ConfigError: A venue does not know an instrument.
    """
    former: Mapping[str, Instrument] = {}
    if head is not None:
        with suppress(msgspec.ValidationError, TapeError):  # another tickerd's: the venue is asked
            former = from_tape_configuration(head.config)[1]
    found: dict[str, Instrument] = {}
    for venue, names in traded_instruments(config).items():
        section = config.venues[venue]
        feed = make_feed(venue, section, [], intake=_Nowhere(), lines=lines, clock=clock, bars_after={})
        try:
            found |= await _definitions(feed, names, former)
        finally:
            await feed.close()
    return found


async def _definitions(
    feed: Feed, names: Sequence[str], former: Mapping[str, Instrument]
) -> dict[str, Instrument]:
    for attempt in count(1):
        try:
            listed = await feed.instruments([name.partition("@")[0] for name in names])
            return {instrument.id: instrument for instrument in listed}
        except VenueUnreachable as error:
            if all(name in former for name in names):
                log.warning("venue unreachable, using its last known definitions", error=str(error))
                return {name: former[name] for name in names}
            if not attempt & (attempt - 1):  # the first, the second, the fourth, …
                log.warning("venue unreachable, trying again", error=str(error), attempt=attempt)
            await asyncio.sleep(INSTRUMENT_RETRY_SECONDS)
    raise AssertionError("counting has an end")
