"""The only import of the client library: ib_insync, or ib_async in its place.

Only its socket client, its codec and its plain data classes are used. What it thinks of orders is not: its
picture of an order calls one cancelled after a mere warning and hears nothing of fills it does not expect, so
none of it is built, and our own listener stands where the library's would.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from actors.errors import ConfigError, VenueUnreachable

NAMES = ("ib_insync", "ib_async")


class Library(NamedTuple):
    """The classes that are used."""

    name: str
    Client: Any
    Contract: Any
    Order: Any
    ExecutionFilter: Any
    TagValue: Any

    def watch_codec(self, on_fault: Callable[[Exception], None]) -> None:
        """A message that the codec cannot read is logged by it and lost; whoever holds the line must know."""
        logger = logging.getLogger(f"{self.name}.Decoder")
        for handler in [each for each in logger.handlers if isinstance(each, _Watch)]:
            logger.removeHandler(handler)
        logger.addHandler(_Watch(on_fault))


class _Watch(logging.Handler):
    """Turns an error in the log into a fault of the line."""

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        super().__init__(logging.ERROR)
        self._on_fault = on_fault

    def emit(self, record: logging.LogRecord) -> None:
        """Something was logged."""
        self._on_fault(VenueUnreachable(f"a message could not be read: {record.getMessage()[:200]}"))


def load_library(names: Sequence[str] = NAMES) -> Library:
    """Whichever is installed; inside the running loop, which an import of theirs looks for.

    Raises:
        ConfigError: Neither is.
    """
    asyncio.set_event_loop(asyncio.get_running_loop())
    for name in names:
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in (name, "eventkit"):
                raise
            continue
        client = import_module(f"{name}.client")
        # Why there is no line the session says itself, and not at every attempt.
        logging.getLogger(f"{name}.client").setLevel(logging.CRITICAL)
        return Library(
            name, client.Client, module.Contract, module.Order, module.ExecutionFilter, module.TagValue
        )
    raise ConfigError(
        "Interactive Brokers needs the extra [ib]: run `pip install 'tickerd[ib]'` in tickerd's environment"
    )
