"""A TWS of ours as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.rig import Exchange, an_exchange_of


@contextmanager
def a_tws_process(folder: Path, *market: str) -> Iterator[Exchange]:
    """With one paper account; brisk, unless told otherwise."""
    options = ("--protocol", "ib", "--port", "0", "--admin-port", "0")
    with an_exchange_of(folder, *options, *(market or ("--symbols", "AAPL", "--rate", "60"))) as exchange:
        yield exchange
