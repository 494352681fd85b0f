"""Recording a live feed: nothing of it is lost at a stop, and a restart goes on behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Sized
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.market import Bar, FeedStatus, Quote, Trade
from daemon.config import Config, VenueSection
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import PROFILES, ExchangeSettings, Synthetic
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.recording import Recorder, join_parts, tidy
from daemon.research.data.recording_feeds import record_feeds
from daemon.research.data.writing import write_part
from tests.research.data.made import HOUR, MINUTE, QUOTES, Y2024, bars, quotes, store, until


def a_quote(ts: int, bid: float = 100.0) -> Quote:
    return Quote(
        instrument="BTC@x", ts_event=ts, bid_price=bid, bid_size=1.0, ask_price=bid + 1, ask_size=1.0
    )


def a_bar(minute: int) -> Bar:
    prices = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    return Bar(instrument="BTC@x", interval_ns=MINUTE, ts_event=Y2024 + minute * MINUTE, **prices)


def has_grown(things: Sized, count: int) -> bool:
    return len(things) >= count


async def recorded(catalogue: Catalogue, messages: Sequence[Message], now: int) -> Recorder:
    recorder = Recorder(catalogue, clock=lambda: now)
    for message in messages:
        recorder.offer(message)
    await recorder.close()
    await recorder.run()
    return recorder


async def test_messages_are_kept_with_the_time_they_came(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    trade = Trade(instrument="BTC@x", ts_event=Y2024, trade_id="1", price=1.0, size=2.0, aggressor="buy")
    down = FeedStatus(instrument="BTC@x", ts_event=Y2024, status="down", reason="")
    recorder = await recorded(catalogue, [a_quote(Y2024), trade, down], Y2024 + 5)
    assert recorder.is_live == {"BTC@x": False}
    assert recorder.rows == {Series("BTC@x", "quotes"): 1, Series("BTC@x", "trades"): 1}
    row = catalogue.frame(Series("BTC@x", "trades")).row(0, named=True)
    assert (row["ts_event"], row["ts_init"], row["trade_id"]) == (Y2024, Y2024 + 5, "1")


async def test_a_bar_handed_over_again_after_a_reconnection_is_kept_once(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    series = Series("BTC@x", "bars", MINUTE)
    store(catalogue, series, bars(1, 2))
    await recorded(catalogue, [a_bar(2), a_bar(3)], Y2024 + 3 * MINUTE)
    assert catalogue.frame(series)["ts_event"].to_list() == [Y2024 + minute * MINUTE for minute in (1, 2, 3)]


def test_minutes_are_joined_to_hours_and_days_once_these_are_over(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    for second in (0, 60, 3600, 3660, 86_400):
        write_part(catalogue, QUOTES, quotes(second), "recording")
    whole = catalogue.frame(QUOTES)
    join_parts(catalogue, QUOTES, Y2024 + HOUR + 5 * MINUTE)
    names = [part.path.name for part in catalogue.parts(QUOTES)]
    assert names[0] == "2024-01-01T00.parquet"
    assert names[1:3] == ["2024-01-01T010000.parquet", "2024-01-01T010100.parquet"]
    join_parts(catalogue, QUOTES, Y2024 + 24 * HOUR)
    assert [part.path.name for part in catalogue.parts(QUOTES)] == [
        "2024-01-01.parquet",
        "2024-01-02T000000.parquet",
    ]
    assert catalogue.frame(QUOTES).equals(whole)


def test_what_a_crash_has_left_is_removed(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    first = write_part(catalogue, QUOTES, quotes(1, 2), "recording")
    half = catalogue.folder(QUOTES) / ".2024-01-01T000100.parquet.99"
    half.write_bytes(b"PAR1")
    # a join was cut off between its rename and the removal of what it joined
    larger = catalogue.folder(QUOTES) / "2024-01-01T00.parquet"
    larger.write_bytes(first.read_bytes())
    tidy(catalogue, QUOTES)
    left = [path.name for path in catalogue.folder(QUOTES).iterdir()]
    assert len(left) == 1
    assert catalogue.frame(QUOTES).height == 2


@pytest.mark.slow
async def test_a_feed_of_the_local_exchange_is_recorded_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    settings = ExchangeSettings(market=Synthetic(seed=2, rate=800.0), profile=PROFILES["fast"])
    catalogue = Catalogue(tmp_path)
    trades = Series("BTCUSDT@binance", "trades")
    async with ExchangeServer(settings) as server:
        address = f"127.0.0.1:{server.port}"
        venue = VenueSection(kind="binance", rest_url=f"http://{address}", stream_url=f"ws://{address}")
        config = Config(venues={"binance": venue})
        market = server.services.market.symbols["BTCUSDT"]
        counts = []
        for _ in range(2):
            stop = asyncio.Event()
            running = asyncio.create_task(
                record_feeds(config, catalogue, ["BTCUSDT@binance"], book=True, stop=stop)
            )
            seen = len(market.trades)
            await until(partial(has_grown, market.trades, seen + 40))
            stop.set()
            await running
            counts.append(catalogue.frame(trades).height)
        known = {str(trade.trade_id): float(trade.price) for trade in market.trades}
    frame = catalogue.frame(trades)
    assert 0 < counts[0] < counts[1]
    assert frame["trade_id"].is_unique().all()
    assert all(known[number] == price for number, price in frame.select("trade_id", "price").iter_rows())
    assert frame["ts_init"].is_sorted()
    assert {series.kind for series in catalogue.series()} == {"trades", "quotes", "book"}
    assert catalogue.frame(Series("BTCUSDT@binance", "book")).filter(pl.col("is_snapshot")).height >= 1


async def test_a_venue_without_a_live_feed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="files has no live feed"):
        await record_feeds(Config(), Catalogue(tmp_path), ["A@files"], book=False, stop=asyncio.Event())
    with pytest.raises(ConfigError, match="nothing to record"):
        await record_feeds(Config(), Catalogue(tmp_path), [], book=False, stop=asyncio.Event())
