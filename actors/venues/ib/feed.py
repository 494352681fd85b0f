"""Interactive Brokers' market data: the Feed port over TWS.

Reads   ticks, tick-by-tick trades, depth, five-second bars, history, contract details      from TWS
Writes  Quote Trade Bar BookSnapshot InstrumentUpdate FeedStatus BackfillDone               to the sequencer
State   subscriptions of the present line; lost with it and made anew
Fails   the line reconnects by itself; only a wrong configuration gets out of `run`
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from actors.errors import TradingError
from actors.messages.market import Bar
from actors.model.instrument import Instrument
from actors.venues.backoff import Backoff
from actors.venues.bar_queue import BarQueue
from actors.venues.ib.claims import Claim, Complaint
from actors.venues.ib.codes import Meaning, meaning_of
from actors.venues.ib.contracts import Listed
from actors.venues.ib.directory import Directory
from actors.venues.ib.history import History
from actors.venues.ib.opening import OpeningTimes
from actors.venues.ib.real_time_bars import BarBuilder
from actors.venues.ib.session import Session
from actors.venues.ib.ticks import TROUBLES, InstrumentTicks
from actors.venues.ports import Intake, MarketSubscription

log = structlog.get_logger(__name__)

RETRY_SECONDS = 15.0
"""TWS gives tick-by-tick data of an instrument again only after so long."""
REFUSED_SECONDS_MAX = 300.0
LINES_MAX = 100
FIRST_SECONDS = 20.0
"""How long a question waits for the line."""

BarsAfter = Mapping[tuple[str, int], int]


class IbFeed:
    """Market data of one TWS."""

    def __init__(
        self,
        *,
        session: Session,
        directory: Directory,
        subscriptions: Sequence[MarketSubscription],
        intake: Intake,
        clock: Callable[[], int],
        bars_after: BarsAfter | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.venue = session.venue
        self._session, self._directory = session, directory
        self._history = History(session)
        self._intake, self._clock = intake, clock
        self._wanted = list(subscriptions)
        self._ticks: dict[str, InstrumentTicks] = {}
        self._queues: dict[tuple[str, int], BarQueue] = {}
        self._builders: dict[tuple[str, int], BarBuilder] = {}
        for each in subscriptions:
            for interval in each.bar_intervals:
                key = each.instrument, interval
                self._queues[key] = BarQueue(
                    instrument=each.instrument, interval_ns=interval, after=(bars_after or {}).get(key),
                    intake=intake,
                )  # fmt: skip
        self._opening_times = OpeningTimes(directory, intake, clock)
        self._again = asyncio.Event()
        self._retry_seconds = retry_seconds
        # Never less than the half of a pause.
        self._pauses = Backoff(first_seconds=2 * retry_seconds, cap_seconds=REFUSED_SECONDS_MAX)
        self._filling: set[asyncio.Task[None]] = set()

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Definitions in the order asked for.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: A name that stands for no contract, or for more than one.
        """
        async with self._session.held():
            await self._session.wait_up(FIRST_SECONDS)
            return [found.instrument for found in await self._directory.find(symbols)]

    async def bars(self, instrument: Instrument, interval_ns: int, start: int, end: int) -> list[Bar]:
        """Closed bars with start ≤ bar start and bar end ≤ end, oldest first.

        Raises:
            VenueUnreachable: No answer.
        """
        async with self._session.held():
            await self._session.wait_up(FIRST_SECONDS)
            (listed,) = await self._directory.find([instrument.symbol])
            return await self._history.bars(listed, interval_ns, start, end)

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._session.join(self)
        try:
            async with self._session.held(), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._session.watch(), name="ib line watch")
                tasks.create_task(self._stay_subscribed(), name="ib subscriptions")
                tasks.create_task(self._opening_times.run(), name="ib opening times")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._session.leave(self)
            for task in list(self._filling):
                task.cancel()

    async def close(self) -> None:
        """The line is cut with its last user."""
        self._session.leave(self)

    # figures

    @property
    def subscriptions(self) -> int:
        """Data lines in use."""
        return sum(each.subscriptions for each in self._ticks.values()) if self._session.is_up else 0

    def troubles(self) -> dict[str, int]:
        """How many instruments get no live data, by why."""
        found: dict[str, int] = dict.fromkeys(TROUBLES, 0)
        for ticks in self._ticks.values():
            if ticks.trouble is not None:
                found[ticks.trouble] += 1
        return found

    # the line

    def on_up(self) -> None:
        """Everything is subscribed anew."""
        self._again.set()

    def on_down(self, reason: str) -> None:
        """Nothing arrives any more."""
        for ticks in self._ticks.values():
            ticks.on_down(reason)
        for queue in self._queues.values():
            queue.hold()
        for builder in self._builders.values():
            builder.restart()

    def on_claim(self, claim: Claim) -> None:
        """News about the farms that data come from."""
        if not isinstance(claim, Complaint) or claim.number >= 0:
            return
        match meaning_of(claim.code):
            case Meaning.FARM_BROKEN:
                for ticks in self._ticks.values():
                    ticks.report("stale", f"{claim.text} ({claim.code})")
            case Meaning.FARM_BACK if any(not ticks.is_live for ticks in self._ticks.values()):
                self._again.set()
            case _:
                pass

    async def _stay_subscribed(self) -> None:
        if self._session.is_up:
            self._again.set()
        while True:
            try:
                async with asyncio.timeout(self._pauses.next()):
                    await self._again.wait()
            except TimeoutError:
                pass
            try:
                if self._again.is_set():
                    self._again.clear()
                    self._pauses.reset()
                    await self._subscribe_all()
                else:
                    await self._ask_for_refused()
            except TradingError as error:
                log.warning("not subscribed", venue=self.venue, error=str(error))
                if self._session.is_up:
                    await asyncio.sleep(self._retry_seconds)
                    self._again.set()

    async def _ask_for_refused(self) -> None:
        """What TWS did not serve, it may serve now; asked for ever more rarely while it does not."""
        refused = [ticks for ticks in self._ticks.values() if ticks.is_refused]
        if not refused:
            self._pauses.reset()
        for ticks in refused:
            await ticks.ask_again()

    async def _subscribe_all(self) -> None:
        if len(self._wanted) > LINES_MAX:
            log.warning("more instruments than market data lines", wanted=len(self._wanted), lines=LINES_MAX)
        for each in self._wanted:
            (listed,) = await self._directory.find([each.instrument.partition("@")[0]])
            old = self._ticks.pop(each.instrument, None)
            if old is not None:
                await old.give_up()
            ticks = InstrumentTicks(
                session=self._session, listed=listed, wanted=each, intake=self._intake, clock=self._clock
            )
            self._ticks[each.instrument] = ticks
            self._opening_times.tell(listed)
            for interval in each.bar_intervals:
                self._builders[each.instrument, interval] = self._builder(listed, interval)
            await ticks.subscribe([self._builders[each.instrument, i] for i in each.bar_intervals])
            for interval in each.bar_intervals:
                self._fill(listed, interval)

    # bars

    def _builder(self, listed: Listed, interval: int) -> BarBuilder:
        queue = self._queues[listed.instrument.id, interval]
        return BarBuilder(
            listed.instrument.id,
            interval,
            on_bar=queue.offer,
            on_hole=lambda begin, end: self._fill(listed, interval),
        )

    def _fill(self, listed: Listed, interval: int) -> None:
        """Fetch what is missing; live bars wait."""
        queue = self._queues[listed.instrument.id, interval]
        queue.hold()
        task = asyncio.get_running_loop().create_task(self._fetch(listed, interval, queue))
        self._filling.add(task)
        task.add_done_callback(self._filling.discard)

    async def _fetch(self, listed: Listed, interval: int, queue: BarQueue) -> None:
        while self._session.is_up:
            now = self._clock()
            end = now // interval * interval
            try:
                found: list[Bar] = []
                if queue.last_end is not None and queue.last_end < end:
                    found = await self._history.bars(listed, interval, queue.last_end, end)
                queue.release(found)
                return
            except TradingError as error:
                log.warning("bars not fetched", instrument=listed.instrument.id, error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
