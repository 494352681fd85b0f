"""Binance Spot market data: the Feed port over combined streams and REST.

Reads   combined streams, exchangeInfo, klines, depth      from the venue
Writes  Quote Trade Bar BookSnapshot BookDelta             to the sequencer
        InstrumentUpdate FeedStatus BackfillDone           to the sequencer
State   where each stream stands; lost with the process and fetched again
Fails   reconnects by itself; only a wrong configuration gets out of `run`
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import aiohttp
import structlog

from actors.errors import BadMarketData, ConfigError, VenueUnreachable
from actors.messages.market import Bar, InstrumentUpdate
from actors.model.instrument import Instrument
from actors.venues.backoff import Backoff
from actors.venues.bar_queue import BarQueue
from actors.venues.binance import translate
from actors.venues.binance.channel import Channel, FeedCounts
from actors.venues.binance.codes import Meaning, Refusal
from actors.venues.binance.filters import TRADING, instrument_from, interval_name, unlisted
from actors.venues.binance.limits import RateBudget
from actors.venues.binance.rest import NS_PER_MS, Params, RestClient
from actors.venues.binance.streams import STREAMS_MAX, Route, StreamLine, StreamSettings
from actors.venues.binance.wire import (
    DEPTH_SNAPSHOT,
    EXCHANGE_INFO,
    KLINE_ROWS,
    SERVER_TIME,
    ExchangeInfo,
    SymbolInfo,
)
from actors.venues.ports import Intake, MarketSubscription

log = structlog.get_logger(__name__)

KLINES_MAX = 1000
DEPTH_LEVELS = 5000

BarsAfter = Mapping[tuple[str, int], int]
"""(instrument, interval) → end of the newest bar known already; later ones are fetched before live ones."""


class BinanceFeed:
    """Market data of Binance Spot."""

    def __init__(
        self,
        *,
        venue: str = "binance",
        rest_url: str,
        stream_url: str,
        subscriptions: Sequence[MarketSubscription],
        intake: Intake,
        clock: Callable[[], int],
        bars_after: BarsAfter | None = None,
        streams: StreamSettings | None = None,
        definitions_seconds: float = 60.0,
        backfill_seconds: float = 60.0,
        budget: RateBudget | None = None,
    ) -> None:
        """`backfill_seconds` bounds how long live bars wait for the venue's history; `budget` is shared."""
        self.venue = venue
        self.counts = FeedCounts()
        self._rest = RestClient(url=rest_url, clock=clock, budget=budget)
        self._stream_url = stream_url
        self._intake = intake
        self._clock = clock
        self._settings = streams or StreamSettings()
        self._definitions_seconds = definitions_seconds
        self._backfill_seconds = backfill_seconds
        self._session: aiohttp.ClientSession | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._definitions: dict[str, tuple[Instrument, bool]] = {}
        self._channels: dict[str, Channel] = {}
        self._syncing: dict[str, asyncio.Task[None]] = {}
        self._filling: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._routes: dict[str, dict[str, Route]] = {}
        for subscription in subscriptions:
            self._add(subscription, bars_after or {})

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Definitions in the order asked for.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: The venue does not know a symbol; the text names the nearest.
        """
        found = {info.symbol: info for info in await self._listed(symbols)}
        missing = [symbol for symbol in symbols if symbol not in found]
        if missing:
            raise unlisted(missing, (info.symbol for info in (await self._exchange_info(None)).symbols))
        return [instrument_from(found[symbol], self.venue) for symbol in symbols]

    async def bars(self, instrument: Instrument, interval_ns: int, start: int, end: int) -> list[Bar]:
        """Closed bars with start ≤ bar start and bar end ≤ end, oldest first."""
        try:
            return await self._history(instrument.symbol, instrument.id, interval_ns, start, end)
        except Refusal as refusal:
            raise VenueUnreachable(f"no bars of {instrument.id}: {refusal}") from refusal

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._watch_definitions(), name="binance definitions")
                for line in self._lines():
                    tasks.create_task(line.run(), name="binance stream")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._tasks = None
            self._syncing.clear()
            self._filling.clear()

    async def close(self) -> None:
        """Give the connections up."""
        await self._rest.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    # set-up

    def _add(self, subscription: MarketSubscription, after: BarsAfter) -> None:
        instrument = subscription.instrument
        symbol = _symbol(instrument)
        channel = self._channels.get(instrument)
        if channel is None:
            channel = self._channels[instrument] = Channel(
                instrument=instrument,
                intake=self._intake,
                clock=self._clock,
                counts=self.counts,
                on_book_wanted=self._want_book,
            )
        routes = self._routes.setdefault(instrument, {})
        stream = symbol.lower()
        if subscription.trades:
            routes[f"{stream}@trade"] = channel.on_trade
        if subscription.quotes:
            routes[f"{stream}@bookTicker"] = channel.on_quote
        if subscription.book:
            routes[f"{stream}@depth@100ms"] = channel.on_depth
        for interval_ns in subscription.bar_intervals:
            routes[f"{stream}@kline_{interval_name(interval_ns)}"] = partial(channel.on_kline, interval_ns)
            channel.bars.setdefault(
                interval_ns,
                BarQueue(
                    instrument=instrument,
                    interval_ns=interval_ns,
                    after=after.get((instrument, interval_ns)),
                    intake=self._intake,
                ),
            )

    def _lines(self) -> list[StreamLine]:
        """As few connections as the venue's limit allows; an instrument's streams stay together."""
        groups: list[tuple[list[Channel], dict[str, Route]]] = []
        for instrument, routes in self._routes.items():
            if not routes:
                continue
            if not groups or len(groups[-1][1]) + len(routes) > STREAMS_MAX:
                groups.append(([], {}))
            groups[-1][0].append(self._channels[instrument])
            groups[-1][1].update(routes)
        return [
            StreamLine(
                session=self._opened,
                url=self._stream_url,
                routes=routes,
                on_up=partial(self._line_up, channels),
                on_down=partial(self._line_down, channels),
                settings=self._settings,
            )
            for channels, routes in groups
        ]

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    # the line

    def _line_up(self, channels: Sequence[Channel]) -> None:
        for channel in channels:
            channel.on_up()
            if f"{_symbol(channel.instrument).lower()}@depth@100ms" in self._routes[channel.instrument]:
                self._want_book(channel)
            for queue in channel.bars.values():
                key = (channel.instrument, queue.interval_ns)
                self._start(self._filling, key, self._backfill(queue))

    def _line_down(self, channels: Sequence[Channel], reason: str, silent: bool) -> None:
        self.counts.reconnects += 1
        log.warning("stream lost", venue=self.venue, reason=reason)
        for channel in channels:
            channel.on_down(reason, silent)
            self._stop(self._syncing, channel.instrument)
            for interval_ns in channel.bars:
                self._stop(self._filling, (channel.instrument, interval_ns))

    def _want_book(self, channel: Channel) -> None:
        self._start(self._syncing, channel.instrument, self._sync_book(channel))

    def _start(self, table: dict[Any, asyncio.Task[None]], key: Any, work: Coroutine[Any, Any, None]) -> None:
        """At most one task a key; one that still runs does the new work as well."""
        running = table.get(key)
        if self._tasks is None or (running is not None and not running.done()):
            work.close()
            return
        table[key] = self._tasks.create_task(work)

    def _stop(self, table: dict[Any, asyncio.Task[None]], key: Any) -> None:
        task = table.pop(key, None)
        if task is not None:
            task.cancel()

    async def _sync_book(self, channel: Channel) -> None:
        """Ask for snapshots until one joins the stream."""
        backoff = Backoff(first_seconds=0.1, cap_seconds=10.0)
        params: Params = {"symbol": _symbol(channel.instrument), "limit": DEPTH_LEVELS}
        while not channel.depth.is_synced:
            try:
                snapshot = await self._rest.read("/api/v3/depth", DEPTH_SNAPSHOT, params)
            except (VenueUnreachable, Refusal) as error:
                log.warning("no book", instrument=channel.instrument, error=str(error))
            else:
                if channel.on_snapshot(snapshot):
                    return
            await asyncio.sleep(backoff.next())

    async def _backfill(self, queue: BarQueue) -> None:
        """Fetch what was missed; the deadline releases live bars with the hole that then remains."""
        history: list[Bar] = []
        try:
            if queue.last_end is not None:
                async with asyncio.timeout(self._backfill_seconds):
                    history = await self._missed(queue, queue.last_end)
        except TimeoutError:
            log.error("bars are missing, their history did not come", instrument=queue.instrument)
        self.counts.bars_backfilled += queue.release(history)

    async def _missed(self, queue: BarQueue, after: int) -> list[Bar]:
        backoff = Backoff(first_seconds=0.25, cap_seconds=10.0)
        while True:
            try:
                symbol, end = _symbol(queue.instrument), 2**62
                return await self._history(symbol, queue.instrument, queue.interval_ns, after, end)
            except (VenueUnreachable, Refusal) as error:
                log.warning("no bar history", instrument=queue.instrument, error=str(error))
                await asyncio.sleep(backoff.next())

    # questions

    async def _history(
        self, symbol: str, instrument: str, interval_ns: int, start: int, end: int
    ) -> list[Bar]:
        # The newest row may be a bar that is still open: only the venue's own clock, read before, can tell.
        now_ms = (await self._rest.read("/api/v3/time", SERVER_TIME)).time
        end_ms = min(end // NS_PER_MS, now_ms)
        next_ms = -(-start // NS_PER_MS)
        found: list[Bar] = []
        while next_ms < end_ms:
            rows = await self._rest.read(
                "/api/v3/klines",
                KLINE_ROWS,
                {
                    "symbol": symbol,
                    "interval": interval_name(interval_ns),
                    "startTime": next_ms,
                    "endTime": end_ms,
                    "limit": KLINES_MAX,
                },
            )
            for row in rows:
                if row.close_time < end_ms and row.open_time >= next_ms:
                    try:
                        found.append(translate.bar(row, instrument, interval_ns))
                    except BadMarketData as error:
                        self.counts.bad_events += 1
                        log.warning("bad bar in the history dropped", error=str(error))
            if len(rows) < KLINES_MAX:
                break
            next_ms = rows[-1].open_time + 1
        return found

    async def _watch_definitions(self) -> None:
        """Report definitions at once and whenever one changes: steps, limits, trading or halted."""
        symbols = [_symbol(instrument) for instrument in self._channels]
        pause = Backoff(first_seconds=1.0, cap_seconds=60.0)
        while symbols:
            try:
                infos = {info.symbol: info for info in await self._listed(symbols)}
            except VenueUnreachable as error:
                log.warning("no instrument definitions", error=str(error))
                await asyncio.sleep(pause.next())
                continue
            pause.reset()
            for instrument, channel in self._channels.items():
                info = infos.get(_symbol(instrument))
                if info is not None:
                    self._report_definition(instrument_from(info, self.venue), info.status == TRADING)
                elif instrument in self._definitions:
                    self._report_definition(self._definitions[instrument][0], False)
                else:
                    channel.report("down", "the venue does not list it")
            await asyncio.sleep(self._definitions_seconds)

    def _report_definition(self, definition: Instrument, is_trading: bool) -> None:
        known = (definition, is_trading)
        if self._definitions.get(definition.id) == known:
            return
        self._definitions[definition.id] = known
        self._intake.offer(
            InstrumentUpdate(
                ts_event=self._clock(),
                instrument=definition.id,
                definition=definition,
                is_trading=is_trading,
            )
        )

    async def _listed(self, symbols: Sequence[str]) -> list[SymbolInfo]:
        """What the venue knows of these symbols; one that it does not know takes nothing from the others."""
        try:
            return (await self._exchange_info(symbols)).symbols
        except ConfigError:
            pass
        # One unknown name spoils the whole question and is not named in the answer.
        return [info for info in (await self._exchange_info(None)).symbols if info.symbol in symbols]

    async def _exchange_info(self, symbols: Sequence[str] | None) -> ExchangeInfo:
        params = {"symbols": "[" + ",".join(f'"{s}"' for s in symbols) + "]"} if symbols else {}
        try:
            info = await self._rest.read("/api/v3/exchangeInfo", EXCHANGE_INFO, params)
        except Refusal as refusal:
            if refusal.meaning in (Meaning.UNLISTED, Meaning.MALFORMED):
                raise ConfigError(f"Binance does not know one of {symbols}: {refusal}") from refusal
            raise VenueUnreachable(f"no instrument definitions: {refusal}") from refusal
        for limit in info.rate_limits:
            if limit.rate_limit_type == "REQUEST_WEIGHT" and limit.interval == "MINUTE":
                self._rest.budget.weight_limit = limit.limit
        return info


def _symbol(instrument: str) -> str:
    symbol, _, venue = instrument.partition("@")
    if not symbol or not venue:
        raise ConfigError(f"{instrument!r} names no instrument: write it as BTCUSDT@binance")
    return symbol
