"""Opening times: which orders a closed exchange has no use for, and when the core is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from actors.errors import TradingError
from actors.messages.market import InstrumentUpdate
from actors.model.instrument import Instrument
from actors.venues.ib.contracts import Listed
from actors.venues.ib.directory import Directory
from actors.venues.ib.hours import Hours
from actors.venues.ib.orders import Known
from actors.venues.ports import Intake

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
REFRESH_NS = 24 * 3_600 * 1_000_000_000
RETRY_NS = 300 * 1_000_000_000
AT_ONCE = ("IOC", "FOK")
LASTING = ("GTC", "GTD")
OF_AN_AUCTION = ("MOC", "LOC")


def why_closed(known: Known, listed: Listed, now_ns: int) -> str | None:
    """Why an order could not work now; None when it can, or rests until it can.

    Outside the regular session only orders that say so fill, at a price of their own; those of an auction
    wait for it, and a child for its parent.
    """
    hours = listed.hours if known.outside_hours else listed.regular
    if hours.is_open(now_ns) or known.parent_id:
        return None
    if known.time_in_force == "OPG" or known.order_type in OF_AN_AUCTION:
        return None
    may_wait = known.outside_hours or known.time_in_force in LASTING
    if may_wait and known.time_in_force not in AT_ONCE and known.order_type != "MKT":
        return None
    return f"EXCHANGE_CLOSED: {known.instrument} {opening(hours, now_ns)}"


def opening(hours: Hours, now_ns: int) -> str:
    """When it trades again, in words."""
    opens = hours.next_open(now_ns)
    if opens is None:
        return "opens at a time that IB has not told yet"
    return f"opens {datetime.fromtimestamp(opens / 1e9, tz=UTC):%Y-%m-%d %H:%M} UTC"


class OpeningTimes:
    """Follows the hours of everything that is subscribed, and asks for them anew every day."""

    def __init__(self, directory: Directory, intake: Intake, clock: Callable[[], int]) -> None:
        self._directory, self._intake, self._clock = directory, intake, clock
        self._told: dict[str, tuple[Instrument, bool]] = {}
        """By symbol."""
        self._refresh_at = clock() + REFRESH_NS

    def tell(self, listed: Listed) -> None:
        """The definition and whether it trades, when that is new."""
        instrument, now = listed.instrument, self._clock()
        state = instrument, listed.hours.is_open(now)
        if self._told.get(instrument.symbol) == state:
            return
        self._told[instrument.symbol] = state
        self._intake.offer(
            InstrumentUpdate(
                ts_event=now, instrument=instrument.id, definition=instrument, is_trading=state[1]
            )
        )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Tell what has changed by now."""
        now = self._clock()
        if now >= self._refresh_at:
            try:
                await self._directory.refresh()
                self._refresh_at = now + REFRESH_NS
            except TradingError as error:
                self._refresh_at = now + RETRY_NS
                log.warning("hours not refreshed", error=str(error))
        for symbol in self._told:
            listed = self._directory.of(symbol)
            if listed is not None:
                self.tell(listed)
