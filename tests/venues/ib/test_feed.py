"""The feed, the history and the directory of contracts against the fake TWS."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from actors.errors import ConfigError, VenueUnreachable
from actors.messages.market import Bar, FeedStatus, Quote, Trade
from actors.venues.ib import history as history_of_tws
from actors.venues.ib.budget import PER_SECOND
from actors.venues.ib.contracts import ContractSpec
from actors.venues.ib.directory import Directory
from actors.venues.ib.history import History
from actors.venues.ib.reasons import RequestFailed
from daemon.edges import Subscription
from daemon.exchange.ib.sessions import Switches
from tests.venues.ib.rig import AAPL, Rig, feeding, rig

pytestmark = pytest.mark.slow


def live(rigged: Rig) -> int:
    """How many instruments were last told to be live."""
    newest = {each.instrument: each.status for each in rigged.told.all(FeedStatus)}
    return sum(status == "live" for status in newest.values())


async def test_an_ambiguous_name_is_refused_and_names_the_candidates() -> None:
    async with rig(symbols=("ESZ6", "ESH7")) as rigged, rigged.session.held():
        await rigged.session.wait_up(5)
        two = ContractSpec(sec_type="FUT", symbol="ES", exchange="CME", currency="USD")
        directory = Directory(rigged.session, {"ES": two})
        with pytest.raises(ConfigError, match=r"2 contracts are called ES \(ESZ6 CME USD con_id \d+, ESH7"):
            await directory.find(["ES"])
        with pytest.raises(ConfigError, match="IB knows no contract NOSUCH"):
            await directory.find(["NOSUCH"])


async def test_history_that_fails_is_an_error_and_no_empty_list() -> None:
    async with rig() as rigged, rigged.session.held():
        await rigged.session.wait_up(5)
        (listed,) = await rigged.directory.find(["AAPL"])
        history, minute = History(rigged.session), 60_000_000_000
        now = time.time_ns() // minute * minute
        bars = await history.bars(listed, minute, now - 30 * minute, now)
        assert [bar.ts_event for bar in bars] == [now - k * minute for k in reversed(range(30))]
        with pytest.raises(VenueUnreachable, match="TWS makes no bars of 7 s"):
            await history.bars(listed, 7_000_000_000, 0, now)
        rigged.fault("lose_request", method="reqHistoricalData")
        with pytest.raises(VenueUnreachable, match="no answer"):
            await history.bars(listed, minute, now - minute, now)
        with pytest.raises(RequestFailed):
            await rigged.session.ask(
                "a wrong size", "historyEnd",
                lambda n: rigged.session.client.reqHistoricalData(
                    n, listed.contract, "", "1 D", "7 mins", "TRADES", False, 2, False, []
                ),
            )  # fmt: skip


async def test_only_the_word_that_there_are_no_data_is_an_empty_list() -> None:
    async with rig() as rigged, rigged.session.held():
        await rigged.session.wait_up(5)
        (listed,) = await rigged.directory.find(["AAPL"])
        history, minute = History(rigged.session), 60_000_000_000
        now = time.time_ns() // minute * minute
        for code in (162, 200):
            rigged.fault("error_before", method="reqHistoricalData", code=code)
            with pytest.raises(VenueUnreachable, match=f"({code})"):
                await history.bars(listed, minute, now - minute, now)
        assert await history.bars(listed, minute, 0, minute) == []


async def test_bars_of_seconds_are_asked_for_no_faster_than_tws_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = 0.3
    monkeypatch.setattr(history_of_tws, "SMALL_REQUESTS", 2)
    monkeypatch.setattr(history_of_tws, "SMALL_WINDOW_SECONDS", window)
    monkeypatch.setattr(history_of_tws, "BARS_A_REQUEST", 6)
    async with rig() as rigged, rigged.session.held():
        await rigged.session.wait_up(5)
        (listed,) = await rigged.directory.find(["AAPL"])
        asked: list[float] = []
        ask = rigged.session.ask

        async def noted(*about: Any) -> Any:
            asked.append(asyncio.get_running_loop().time())
            return await ask(*about)

        monkeypatch.setattr(rigged.session, "ask", noted)
        five = 5_000_000_000
        now = time.time_ns() // five * five
        bars = await History(rigged.session).bars(listed, five, now - 30 * five, now)
        assert [bar.ts_event for bar in bars] == [now - k * five for k in reversed(range(30))]
        assert len(asked) == 5
        assert all(third - first > 0.99 * window for first, third in zip(asked, asked[2:], strict=False))


async def test_delayed_data_that_only_their_type_tells_of_are_stale() -> None:
    async with rig() as rigged:
        rigged.tws.sessions.switches = Switches(is_delayed=True)
        rigged.fault("swallow_report", method="error", count=1_000)
        async with feeding(Subscription(instrument=AAPL, trades=True), rigged=rigged):
            await rigged.told.until(lambda: rigged.told.all(FeedStatus) and rigged.told.all(Trade))
            assert [each.status for each in rigged.told.all(FeedStatus)] == ["stale"]
            assert rigged.told.all(Quote) == []


async def test_delayed_data_and_competing_sessions_feed_no_strategy() -> None:
    for switches in (Switches(is_delayed=True), Switches(has_competition=True)):
        async with rig() as rigged:
            rigged.tws.sessions.switches = switches
            async with feeding(Subscription(instrument=AAPL), rigged=rigged):
                await rigged.told.until(lambda: rigged.told.all(FeedStatus))
                assert rigged.told.all(FeedStatus)[-1].status == "stale"
                assert rigged.told.all(Quote) == []


async def test_data_come_again_once_the_other_session_has_gone() -> None:
    wanted = Subscription(instrument=AAPL, trades=True)
    async with rig() as rigged:
        rigged.tws.sessions.switches = Switches(has_competition=True)
        async with feeding(wanted, rigged=rigged) as feed:
            await rigged.told.until(lambda: rigged.told.all(FeedStatus))
            assert feed.troubles() == {"delayed": 0, "competing": 1, "refused": 0}
            rigged.tws.sessions.switches = Switches()
            await rigged.told.until(lambda: rigged.told.all(Quote) and rigged.told.all(Trade))
            assert rigged.told.all(FeedStatus)[-1].status == "live"
            assert sum(feed.troubles().values()) == 0
            assert rigged.session.connections == 1


async def test_all_data_are_subscribed_anew_no_faster_than_tws_takes() -> None:
    symbols = ("AAPL", "MSFT", "SPY", "IBM", "KO", "ESZ6", "EUR.USD")
    bars = (5_000_000_000,)
    wanted = [
        Subscription(instrument=f"{symbol}@ib", trades=True, book=True, bar_intervals=bars)
        for symbol in symbols
    ]
    async with rig(symbols=symbols) as rigged, feeding(*wanted, rigged=rigged) as feed:
        await rigged.told.until(lambda: live(rigged) == 7 and feed.subscriptions == 28)
        await rigged.told.until(lambda: rigged.session.budget.left() == PER_SECOND)  # a line long at rest
        rigged.fault("system_message", code=1101)
        await rigged.told.until(lambda: live(rigged) < 7)
        await rigged.told.until(lambda: live(rigged) == 7 and feed.subscriptions == 28)
        assert rigged.session.connections == 1


async def test_trades_that_are_refused_stay_seen_while_quotes_come() -> None:
    wanted = Subscription(instrument=AAPL, trades=True)
    async with rig() as rigged:
        rigged.fault("error_before", method="reqTickByTickData", code=10190, count=1_000)
        async with feeding(wanted, rigged=rigged) as feed:
            await rigged.told.until(lambda: len(rigged.told.all(Quote)) > 3)
            assert feed.troubles() == {"delayed": 0, "competing": 0, "refused": 1}


async def test_a_feed_delivers_quotes_trades_books_and_whole_bars() -> None:
    wanted = Subscription(instrument=AAPL, trades=True, book=True, bar_intervals=(5_000_000_000,))
    async with rig() as rigged, feeding(wanted, rigged=rigged):
        await rigged.told.until(lambda: rigged.told.all(Bar))
        assert rigged.told.all(Quote)
        assert rigged.told.all(FeedStatus)[-1].status == "live"
        ends = [bar.ts_event for bar in rigged.told.all(Bar)]
        assert ends == sorted(set(ends))
