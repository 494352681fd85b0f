"""The first words with TWS: both sides say their versions, then it names accounts and the next order id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from actors.errors import VenueUnreachable
from actors.venues.ib.reasons import refused
from actors.venues.ib.settings import SessionSettings


async def greet(client: Any, where: SessionSettings, lost: asyncio.Event, *, why: Callable[[], str]) -> Any:
    """The transport of a client that is ready.

    Args:
        lost: Set when TWS closes the line; the library alone would wait for ever.
        why: What TWS last complained about.
    Raises:
        VenueUnreachable: TWS has complained, and closed the line.
        OSError, TimeoutError: Nobody there, or nobody who answers.
    """
    greeting = asyncio.ensure_future(client.connectAsync(where.host, where.port, where.client_id, 0))
    gone = asyncio.ensure_future(lost.wait())
    try:
        done, _ = await asyncio.wait(
            (greeting, gone), timeout=where.connect_seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        gone.cancel()
        greeting.cancel()
    if gone in done:
        raise _closed(why(), where)
    if greeting not in done:
        raise TimeoutError
    greeting.result()
    if client.conn.transport is None:
        raise _closed(why(), where)
    return client.conn.transport


def _closed(complaint: str, where: SessionSettings) -> Exception:
    return VenueUnreachable(refused(complaint, where)) if complaint else ConnectionResetError()
