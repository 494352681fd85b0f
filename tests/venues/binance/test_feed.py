"""The feed against a local venue: delivery, bad data, and everything that interrupts a line."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from actors.errors import ConfigError, VenueUnreachable
from actors.messages.control import BackfillDone
from actors.messages.market import (
    Bar,
    BookDelta,
    BookSnapshot,
    FeedStatus,
    InstrumentUpdate,
    Quote,
    Trade,
)
from actors.venues.binance.feed import BarsAfter, BinanceFeed
from actors.venues.binance.streams import StreamSettings
from tests.fakes.binance_server import BTCUSDT, BinanceServer, Refused
from tests.venues.binance.recorder import Recorder

BTC = "BTCUSDT@binance"
MINUTE = 60_000_000_000
QUICK = StreamSettings(pause_seconds=0.01, pause_cap_seconds=0.02, overlap_seconds=0.5)
TICKER = {"s": "BTCUSDT", "b": "10.00", "B": "1", "a": "10.01", "A": "2"}


class Subscription(msgspec.Struct):
    instrument: str = BTC
    quotes: bool = False
    trades: bool = False
    book: bool = False
    bar_intervals: tuple[int, ...] = ()


@contextlib.asynccontextmanager
async def a_running_feed(
    server: BinanceServer,
    *subscriptions: Subscription,
    streams: StreamSettings = QUICK,
    bars_after: BarsAfter | None = None,
    definitions_seconds: float = 60,
) -> AsyncIterator[tuple[BinanceFeed, Recorder]]:
    intake = Recorder()
    feed = BinanceFeed(
        rest_url=server.rest_url,
        stream_url=server.stream_url,
        subscriptions=subscriptions,
        intake=intake,
        clock=time.time_ns,
        streams=streams,
        bars_after=bars_after,
        definitions_seconds=definitions_seconds,
    )
    task = asyncio.create_task(feed.run())
    try:
        await server.until(lambda: bool(server.streams))
        await intake.until(lambda: intake.of(FeedStatus))
        yield feed, intake
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await feed.close()


def a_trade(number: int, price: str = "10.00") -> dict[str, object]:
    return {"e": "trade", "s": "BTCUSDT", "t": number, "p": price, "q": "1", "T": number, "m": False}


def a_kline(end_minute: int, *, closed: bool = True) -> dict[str, object]:
    row = a_row(end_minute)
    names = ("t", "o", "h", "l", "c", "v", "T")
    return {"e": "kline", "s": "BTCUSDT", "k": {**dict(zip(names, row, strict=False)), "x": closed}}


def a_row(end_minute: int) -> list[object]:
    end_ms = end_minute * 60_000
    return [end_ms - 60_000, "1", "2", "1", "2", str(end_minute), end_ms - 1, "20", 9, "4", "8", "0"]


async def test_trades_and_quotes_arrive_in_order_and_once(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True, quotes=True)) as (feed, intake):
        for number in (1, 2, 2, 1, 3):
            await server.publish("btcusdt@trade", a_trade(number))
        await server.publish("btcusdt@bookTicker", {"u": 5, **TICKER})
        await intake.until(lambda: intake.of(Quote))
        assert [trade.trade_id for trade in intake.of(Trade)] == ["1", "2", "3"]
        assert feed.counts.repeated_events == 2


async def test_impossible_data_are_dropped_counted_and_mark_the_instrument_stale(
    server: BinanceServer,
) -> None:
    async with a_running_feed(server, Subscription(quotes=True, trades=True)) as (feed, intake):
        await server.publish("btcusdt@bookTicker", {"u": 1, **TICKER, "b": "11"})
        await server.publish("btcusdt@bookTicker", {"u": 2, **TICKER, "b": "NaN"})
        await server.publish("btcusdt@trade", a_trade(1, price="-1"))
        await server.publish("btcusdt@trade", {"unexpected": "shape"})
        await server.publish("btcusdt@bookTicker", {"u": 3, **TICKER})
        await intake.until(lambda: intake.of(Quote))
        assert feed.counts.bad_events == 4
        assert [status.status for status in intake.of(FeedStatus)] == ["live", "stale"]
        assert not intake.of(Trade)
        await server.publish("btcusdt@trade", a_trade(2))
        await intake.until(lambda: intake.of(Trade))
        assert [status.status for status in intake.of(FeedStatus)] == ["live", "stale", "live"]


async def test_unknown_frames_change_nothing(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (_, intake):
        await server.say("not json")
        await server.say('{"stream":"!newThing","data":{"e":"newThing"}}')
        await server.say('{"result":null,"id":99}')
        await server.publish("btcusdt@trade", a_trade(1))
        await intake.until(lambda: intake.of(Trade))
        assert len(server.streams) == 1


async def test_a_dropped_line_is_reported_and_comes_back(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (feed, intake):
        await server.publish("btcusdt@trade", a_trade(50))
        await intake.until(lambda: intake.of(Trade))
        server.drop_streams()
        await intake.until(lambda: len(intake.of(FeedStatus)) == 3)
        assert [status.status for status in intake.of(FeedStatus)] == ["live", "down", "live"]
        await server.publish("btcusdt@trade", a_trade(7))
        await intake.until(lambda: len(intake.of(Trade)) == 2)
        assert feed.counts.reconnects == 1


async def test_a_silent_line_is_called_stale_and_replaced(server: BinanceServer) -> None:
    patience = msgspec.structs.replace(QUICK, silence_seconds=0.05)
    async with a_running_feed(server, Subscription(trades=True), streams=patience) as (_, intake):
        await intake.until(lambda: len(intake.of(FeedStatus)) >= 3)
        assert [status.status for status in intake.of(FeedStatus)][:3] == ["live", "stale", "live"]
        assert "no event" in intake.of(FeedStatus)[1].reason


async def test_a_shutdown_notice_opens_the_new_line_before_the_old_one_goes(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (_, intake):
        await server.say('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770000000000}}')
        await server.until(lambda: len(server.streams) == 2)
        await server.publish("btcusdt@trade", a_trade(1))
        await server.until(lambda: len(server.streams) == 1)
        await server.publish("btcusdt@trade", a_trade(2))
        await intake.until(lambda: len(intake.of(Trade)) == 2)
        assert [trade.trade_id for trade in intake.of(Trade)] == ["1", "2"], "delivered twice, taken once"
        assert [status.status for status in intake.of(FeedStatus)] == ["live"]


async def test_a_successor_that_dies_at_once_does_not_end_the_old_line(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (_, intake):
        first = server.streams[0]
        await server.say('{"e":"serverShutdown","E":1770000000000}')
        await server.until(lambda: len(server.streams) == 2)
        server.cut(server.streams[1][0])
        await server.until(lambda: len(server.streams) == 2 and server.connections == 3)
        assert first in server.streams
        await server.publish("btcusdt@trade", a_trade(1))
        await server.until(lambda: len(server.streams) == 1)
        assert [status.status for status in intake.of(FeedStatus)] == ["live"]


async def test_a_line_is_renewed_before_the_venue_ends_it(server: BinanceServer) -> None:
    often = msgspec.structs.replace(QUICK, renew_seconds=0.02, overlap_seconds=0.01)
    async with a_running_feed(server, Subscription(trades=True), streams=often) as (_, intake):
        first = server.streams[0][0]
        await server.until(lambda: bool(server.streams) and first not in [s for s, _ in server.streams])
        assert [status.status for status in intake.of(FeedStatus)] == ["live"]


@pytest.mark.slow
async def test_many_streams_are_subscribed_in_several_requests(server: BinanceServer) -> None:
    many = [Subscription(instrument=f"S{n}USDT@binance", trades=True) for n in range(120)]
    server.symbols = [{**BTCUSDT, "symbol": f"S{n}USDT"} for n in range(120)]
    async with a_running_feed(server, *many) as (_, intake):
        await server.until(lambda: len(server.streams[0][1]) == 120)
        await server.publish("s119usdt@trade", a_trade(1))
        await intake.until(lambda: intake.of(Trade))
        assert intake.of(Trade)[0].instrument == "S119USDT@binance"


async def test_a_book_is_a_snapshot_then_deltas_and_a_gap_brings_a_new_snapshot(
    server: BinanceServer,
) -> None:
    last = 100
    server.depth = lambda: {"lastUpdateId": last, "bids": [["10", "1"]], "asks": [["11", "1"]]}

    def delta(first: int, to: int) -> dict[str, object]:
        return {"e": "depthUpdate", "E": 1, "U": first, "u": to, "b": [["9", str(to)]], "a": []}

    async with a_running_feed(server, Subscription(book=True)) as (feed, intake):
        await intake.until(lambda: intake.of(BookSnapshot))
        await server.publish("btcusdt@depth@100ms", delta(99, 101))
        await intake.until(lambda: len(intake.of(BookDelta)) == 1)
        last = 105
        await server.publish("btcusdt@depth@100ms", delta(104, 106))
        await intake.until(lambda: len(intake.of(BookDelta)) == 2)
        assert [s.update_id for s in intake.of(BookSnapshot)] == [100, 105]
        assert intake.of(BookDelta)[1].last_update_id == 106
        assert feed.counts.book_gaps == 1


async def test_bars_missed_before_and_during_a_break_come_once_and_in_order(server: BinanceServer) -> None:
    now_ms = server.clock_ms()
    server.clock_ms = lambda: now_ms
    now_minute = now_ms // 60_000
    server.klines = [a_row(minute) for minute in range(now_minute - 3, now_minute + 2)]
    after = {(BTC, MINUTE): (now_minute - 2) * MINUTE}
    subscription = Subscription(bar_intervals=(MINUTE,))
    async with a_running_feed(server, subscription, bars_after=after) as (feed, intake):
        await intake.until(lambda: intake.of(BackfillDone))
        await server.publish("btcusdt@kline_1m", a_kline(now_minute))
        await server.publish("btcusdt@kline_1m", a_kline(now_minute + 1, closed=False))
        await server.publish("btcusdt@kline_1m", a_kline(now_minute + 1))
        await intake.until(lambda: len(intake.of(Bar)) == 3)
        ends = [bar.ts_event // MINUTE for bar in intake.of(Bar)]
        assert ends == [now_minute - 1, now_minute, now_minute + 1], "the still open bar was left out"
        done = intake.of(BackfillDone)[0]
        assert (done.instrument, done.interval_ns) == (BTC, MINUTE)
        assert done.last_end == now_minute * MINUTE
        server.drop_streams()
        await intake.until(lambda: len(intake.of(BackfillDone)) == 2)
        assert feed.counts.bars_backfilled == 2


async def test_history_is_read_over_several_pages_and_ends_where_asked(server: BinanceServer) -> None:
    server.klines = [a_row(minute) for minute in range(1, 2_600)]
    async with a_running_feed(server, Subscription(trades=True)) as (feed, _):
        [instrument] = await feed.instruments(["BTCUSDT"])
        bars = await feed.bars(instrument, MINUTE, 10 * MINUTE, 2_500 * MINUTE)
        assert [bar.ts_event // MINUTE for bar in bars] == list(range(11, 2_501))
        assert server.count("GET /api/v3/klines") == 3


async def test_a_halt_and_a_changed_tick_are_reported(server: BinanceServer) -> None:
    subscription = Subscription(trades=True)
    async with a_running_feed(server, subscription, definitions_seconds=0.01) as (_, intake):
        await intake.until(lambda: intake.of(InstrumentUpdate))
        server.symbols[0]["status"] = "HALT"
        await intake.until(lambda: len(intake.of(InstrumentUpdate)) == 2)
        asked = server.count("GET /api/v3/exchangeInfo")
        await server.until(lambda: server.count("GET /api/v3/exchangeInfo") > asked + 2)
        assert [update.is_trading for update in intake.of(InstrumentUpdate)] == [True, False]


async def test_an_unlisted_symbol_is_a_configuration_error_with_the_nearest_name(
    server: BinanceServer,
) -> None:
    feed = BinanceFeed(
        rest_url=server.rest_url,
        stream_url=server.stream_url,
        subscriptions=[Subscription(instrument="BTCUSD@binance", trades=True)],
        intake=Recorder(),
        clock=time.time_ns,
        streams=QUICK,
    )
    try:
        with pytest.raises(ConfigError, match="did you mean BTCUSDT"):
            await feed.instruments(["BTCUSDT", "BTCUSD"])
    finally:
        await feed.close()


@pytest.mark.slow
async def test_reads_wait_out_a_429_and_survive_a_5xx(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (feed, _):
        server.refusal_headers = {"Retry-After": "0"}
        server.script["GET /api/v3/exchangeInfo"].extend(
            [Refused(429, -1003, "Too many requests."), Refused(503, -1008, "busy"), "drop"]
        )
        assert [i.symbol for i in await feed.instruments(["ETHBTC"])] == ["ETHBTC"]
        assert server.count("GET /api/v3/exchangeInfo") >= 4


async def test_a_venue_that_is_not_there_is_called_unreachable(server: BinanceServer) -> None:
    async with a_running_feed(server, Subscription(trades=True)) as (feed, _):
        server.refusal_headers = {"Retry-After": "86400"}
        server.script["GET /api/v3/exchangeInfo"].append(Refused(418, -1003, "Way too many requests."))
        with pytest.raises(VenueUnreachable, match="refuses all requests for another"):
            await feed.instruments(["BTCUSDT"])


def test_a_timeframe_the_venue_lacks_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="publishes no 7m bars"):
        BinanceFeed(
            rest_url="http://localhost",
            stream_url="ws://localhost",
            subscriptions=[Subscription(bar_intervals=(7 * MINUTE,))],
            intake=Recorder(),
            clock=time.time_ns,
        )


async def test_an_unlisted_instrument_takes_nothing_from_the_others(server: BinanceServer) -> None:
    strange = Subscription(instrument="NOSUCH@binance", trades=True)
    async with a_running_feed(server, Subscription(trades=True), strange, definitions_seconds=0.01) as (
        _,
        intake,
    ):
        await intake.until(lambda: intake.of(InstrumentUpdate))
        await server.publish("btcusdt@trade", a_trade(1))
        await intake.until(lambda: intake.of(Trade))
        await intake.until(lambda: any("does not list" in status.reason for status in intake.of(FeedStatus)))
        assert [update.instrument for update in intake.of(InstrumentUpdate)] == [BTC]
        server.symbols = server.symbols[1:]
        await intake.until(lambda: len(intake.of(InstrumentUpdate)) == 2)
        assert not intake.of(InstrumentUpdate)[1].is_trading, "delisted while it was traded"
