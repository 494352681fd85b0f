"""Bars of the past: asked in pieces that TWS answers, no faster than it allows."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import Any

from actors.errors import VenueUnreachable
from actors.messages.market import Bar
from actors.venues.ib.contracts import Listed
from actors.venues.ib.reasons import RequestFailed
from actors.venues.ib.session import Session

SECOND_NS = 1_000_000_000
DAY_S = 86_400
BAR_SIZES = {
    5: "5 secs", 10: "10 secs", 15: "15 secs", 30: "30 secs", 60: "1 min", 120: "2 mins", 180: "3 mins",
    300: "5 mins", 600: "10 mins", 900: "15 mins", 1200: "20 mins", 1800: "30 mins", 3600: "1 hour",
    7200: "2 hours", 10800: "3 hours", 14400: "4 hours", 28800: "8 hours", 86400: "1 day",
}  # fmt: skip
INTERVALS = tuple(seconds * SECOND_NS for seconds in BAR_SIZES)
"""What TWS makes bars of, nanoseconds."""
AT_ONCE = 6
SMALL_SECONDS = 30
SMALL_REQUESTS, SMALL_WINDOW_SECONDS = 55, 600.0
"""Of bars that short TWS answers sixty requests in ten minutes."""
NO_DATA = 162
BARS_A_REQUEST = 2_000


class History:
    """Asks for closed bars."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._small: deque[float] = deque()

    async def bars(self, listed: Listed, interval_ns: int, start: int, end: int) -> list[Bar]:
        """Closed bars with start ≤ bar start and bar end ≤ end (ns UTC), oldest first.

        Raises:
            VenueUnreachable: No answer, or TWS does not say.
        """
        seconds = interval_ns // SECOND_NS
        if seconds not in BAR_SIZES or interval_ns % SECOND_NS:
            raise VenueUnreachable(f"TWS makes no bars of {seconds} s")
        found: dict[int, Bar] = {}
        until = end
        while until > start:
            begin = max(start, until - BARS_A_REQUEST * interval_ns)
            for bar in await self._piece(listed, interval_ns, begin, until):
                if start <= bar.ts_event - interval_ns and bar.ts_event <= end:
                    found[bar.ts_event] = bar
            until = begin
        return [found[time] for time in sorted(found)]

    async def _piece(self, listed: Listed, interval_ns: int, start: int, end: int) -> list[Bar]:
        seconds = interval_ns // SECOND_NS
        session = self._session
        span = -(-(end - start) // SECOND_NS)
        duration = f"{span} S" if span <= DAY_S else f"{-(-span // DAY_S)} D"
        until = datetime.fromtimestamp(-(-end // SECOND_NS), tz=UTC).strftime("%Y%m%d-%H:%M:%S")
        async with self._slots:
            if seconds <= SMALL_SECONDS:
                await self._wait_for_small()
            try:
                answers = await session.ask(
                    f"bars of {listed.instrument.id}",
                    "historyEnd",
                    lambda number: session.client.reqHistoricalData(
                        number, listed.contract, until, duration, BAR_SIZES[seconds], listed.what_to_show,
                        False, 2, False, [],
                    ),
                )  # fmt: skip
            except RequestFailed as error:
                if error.code == NO_DATA and "no data" in error.text.lower():
                    return []
                raise VenueUnreachable(str(error)) from error
        return [bar_from(values[0], listed.instrument.id, interval_ns) for values in answers]

    async def _wait_for_small(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._small) >= SMALL_REQUESTS:
            pause = self._small[0] + SMALL_WINDOW_SECONDS - loop.time()
            if pause <= 0:
                self._small.popleft()
            else:
                await asyncio.sleep(pause)
        self._small.append(loop.time())


def bar_from(said: Any, instrument: str, interval_ns: int) -> Bar:
    """The library's bar, which is named by its beginning; days come as dates."""
    when = said.date
    if isinstance(when, datetime):
        begin = round(when.timestamp()) * SECOND_NS
    else:
        text = str(when).replace("-", "")
        begin = (
            int(text) * SECOND_NS
            if len(text) > 8
            else int(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * SECOND_NS
        )
    return Bar(
        ts_event=begin + interval_ns,
        instrument=instrument,
        interval_ns=interval_ns,
        open=said.open,
        high=said.high,
        low=said.low,
        close=said.close,
        volume=max(said.volume, 0.0),
    )
