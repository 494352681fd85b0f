"""Downloads from the local exchange: everything once, and whatever the catalogue does not have."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import polars as pl
import pytest

from actors.errors import BadDataFile, VenueUnreachable
from actors.messages.market import FundingRate
from actors.venues.binance import history as pages
from actors.venues.binance.history import BinanceHistory
from daemon.config import BacktestSection, Config, DataFile
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import PROFILES, ExchangeSettings, Synthetic
from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.downloading import SINGLE_SOURCE, SOURCE, download, missing_ranges
from daemon.research.history import History
from tests.research.data.made import MINUTE, store, trades, until

BARS = Series("BTCUSDT@binance", "bars", MINUTE)
TRADES = Series("BTCUSDT@binance", "trades")
FUNDING = Series("BTCUSDT@binance-usdm", "funding")
EIGHT_HOURS = 8 * 60 * MINUTE


@pytest.fixture
async def exchange() -> AsyncIterator[ExchangeServer]:
    settings = ExchangeSettings(
        market=Synthetic(seed=1, rate=400.0), profile=PROFILES["fast"], history_hours=9.0
    )
    async with ExchangeServer(settings) as server:
        yield server


@pytest.fixture
async def history(exchange: ExchangeServer) -> AsyncIterator[BinanceHistory]:
    client = BinanceHistory(rest_url=f"http://127.0.0.1:{exchange.port}", clock=time.time_ns)
    yield client
    await client.close()


def a_catalogue(root: Path) -> BacktestSection:
    data = DataFile(path=str(root), catalogue=True, instrument=FUNDING.instrument, kind="funding")
    return BacktestSection(data=(data,))


async def test_bars_come_page_by_page_and_only_those_that_are_over(
    history: BinanceHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 50)
    catalogue = Catalogue(tmp_path)
    now = await history.now()
    seen: list[int] = []
    done = await download(
        history, catalogue, BARS, now - 120 * MINUTE, None, lambda rows, _: seen.append(rows)
    )
    ends = catalogue.frame(BARS)["ts_event"]
    assert done.rows == ends.len() == seen[-1]
    assert 118 <= done.rows <= 121
    assert len(seen) == 3
    assert ends.diff().drop_nulls().unique().to_list() == [MINUTE]
    assert int(ends[-1]) <= await history.now()


async def test_a_second_download_fetches_only_what_lies_before_and_behind(
    history: BinanceHistory, tmp_path: Path
) -> None:
    catalogue = Catalogue(tmp_path)
    now = (await history.now()) // MINUTE * MINUTE
    middle = await download(history, catalogue, BARS, now - 60 * MINUTE, now - 30 * MINUTE)
    assert middle.rows == 30
    again = await download(history, catalogue, BARS, now - 60 * MINUTE, now - 30 * MINUTE)
    assert again.rows == 0
    wider = await download(history, catalogue, BARS, now - 90 * MINUTE, now)
    assert wider.rows == 60
    assert catalogue.frame(BARS).height == 90
    assert missing_ranges(catalogue, BARS, now - 90 * MINUTE, now) == []


async def test_trades_go_on_behind_the_last_id(
    history: BinanceHistory, exchange: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 7)
    catalogue = Catalogue(tmp_path)
    market = exchange.services.market.symbols["BTCUSDT"]
    start = await history.now() - MINUTE
    await until(lambda: len(market.trades) >= 20)
    await download(history, catalogue, TRADES, start, None)
    kept = catalogue.frame(TRADES)["trade_id"].to_list()
    count = len(market.trades)
    await until(lambda: len(market.trades) >= count + 10)
    await download(history, catalogue, TRADES, start, None)
    ids = [int(each) for each in catalogue.frame(TRADES)["trade_id"].to_list()]
    assert len(ids) > len(kept)
    assert ids == list(range(ids[0], ids[0] + len(ids))), "each once, none left out"
    wanted = {trade.trade_id: float(trade.price) for trade in market.trades}
    assert catalogue.frame(TRADES)["price"].to_list() == [wanted[each] for each in ids]


async def test_gaps_between_bars_are_fetched_and_nothing_else(
    history: BinanceHistory, tmp_path: Path
) -> None:
    now = (await history.now()) // MINUTE * MINUTE
    start = now - 60 * MINUTE
    whole, holed = Catalogue(tmp_path / "whole"), Catalogue(tmp_path / "holed")
    await download(history, whole, BARS, start, now)
    holes = whole.frame(BARS).filter(~pl.int_range(pl.len()).is_in([5, 6, 40]))
    store(holed, BARS, holes, SOURCE)
    assert [each[:2] for each in missing_ranges(holed, BARS, start, now)] == [
        (start + 5 * MINUTE, start + 7 * MINUTE),
        (start + 40 * MINUTE, start + 41 * MINUTE),
    ]
    assert missing_ranges(holed, BARS, start + 8 * MINUTE, start + 30 * MINUTE) == []
    done = await download(history, holed, BARS, start, now)
    assert done.rows == 3
    assert holed.frame(BARS).equals(whole.frame(BARS))


async def test_gaps_between_numbers_of_trades_are_fetched(
    history: BinanceHistory, exchange: ExchangeServer, tmp_path: Path
) -> None:
    market = exchange.services.market.symbols["BTCUSDT"]
    start = await history.now() - MINUTE
    await until(lambda: len(market.trades) >= 20)
    whole, holed = Catalogue(tmp_path / "whole"), Catalogue(tmp_path / "holed")
    await download(history, whole, TRADES, start, None)
    rows = whole.frame(TRADES)
    first, end = int(rows["ts_event"][0]), int(rows["ts_event"][-1])
    store(holed, TRADES, rows.filter(~pl.int_range(pl.len()).is_in([3, 4, 11])), SOURCE)
    assert len(missing_ranges(holed, TRADES, first, end)) == 2
    await download(history, holed, TRADES, first, end)
    assert holed.frame(TRADES).head(rows.height).equals(rows)
    assert missing_ranges(holed, TRADES, first, end) == []


async def test_what_has_come_before_the_line_breaks_is_kept(
    history: BinanceHistory, exchange: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 20)
    catalogue = Catalogue(tmp_path)
    now = (await history.now()) // MINUTE * MINUTE

    def break_the_line(rows: int, _: int) -> None:
        if rows >= 40:
            raise VenueUnreachable("gone")

    with pytest.raises(VenueUnreachable):
        await download(history, catalogue, BARS, now - 90 * MINUTE, now, break_the_line)
    assert catalogue.frame(BARS).height == 40
    rest = await download(history, catalogue, BARS, now - 90 * MINUTE, now)
    assert rest.rows == 50


async def test_a_symbol_that_the_venue_does_not_know_is_named(
    history: BinanceHistory, tmp_path: Path
) -> None:
    with pytest.raises(BadDataFile, match=r"NOSUCH@binance: .*check the symbol"):
        await download(history, Catalogue(tmp_path), Series("NOSUCH@binance", "trades"), 0, None)


async def test_recorded_trades_are_not_mixed_with_aggregates(history: BinanceHistory, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    store(catalogue, TRADES, trades(1), "recording")
    with pytest.raises(BadDataFile, match="come from recording, not from aggregate trades"):
        await download(history, catalogue, TRADES, 0, None)


async def test_funding_comes_page_by_page_and_goes_on_behind_the_last(
    exchange: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 50)
    url = f"http://127.0.0.1:{exchange.port}"
    client = BinanceHistory(rest_url=url, clock=time.time_ns, market="usdm")
    catalogue, seen = Catalogue(tmp_path), []
    try:
        last = (await client.now()) // EIGHT_HOURS * EIGHT_HOURS
        done = await download(
            client, catalogue, FUNDING, last - 119 * EIGHT_HOURS, last + 1, lambda rows, _: seen.append(rows)
        )
        assert (done.rows, seen) == (120, [50, 100, 120])
        again = await download(client, catalogue, FUNDING, last - 121 * EIGHT_HOURS, last + 1)
        assert again.rows == 2, "only what lies before; the newest is not asked for again"
    finally:
        await client.close()
    rates = catalogue.frame(FUNDING)
    assert rates["ts_event"].diff().drop_nulls().unique().to_list() == [EIGHT_HOURS]
    assert rates["rate"].is_between(-0.001, 0.001).all()
    assert rates["rate"].n_unique() > 100
    marks = rates["mark_price"].drop_nulls().to_list()
    assert marks, "as far as bars go back"
    assert min(marks) > 0.0
    messages = list(History(Config(backtest=a_catalogue(tmp_path))).messages(None, None))
    assert [(each.ts_event, each.rate) for _, each in messages if isinstance(each, FundingRate)] == list(
        zip(rates["ts_event"].to_list(), rates["rate"].to_list(), strict=True)
    )


async def test_single_trades_come_by_their_numbers_and_never_among_aggregates(
    history: BinanceHistory, exchange: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 7)
    market = exchange.services.market.symbols["BTCUSDT"]
    start = await history.now() - MINUTE
    await until(lambda: len(market.trades) >= 20)
    catalogue = Catalogue(tmp_path)
    await download(history, catalogue, TRADES, start, None, single=True)
    count = len(market.trades)
    await until(lambda: len(market.trades) >= count + 10)
    await download(history, catalogue, TRADES, start, None, single=True)
    ids = [int(each) for each in catalogue.frame(TRADES)["trade_id"].to_list()]
    assert len(ids) >= 30
    assert ids == list(range(ids[0], ids[0] + len(ids))), "each once, none left out"
    with pytest.raises(
        BadDataFile, match=f"come from {SINGLE_SOURCE}, not from aggregate trades: add --sing"
    ):
        await download(history, catalogue, TRADES, start, None)
