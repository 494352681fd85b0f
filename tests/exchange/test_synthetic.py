"""The generator: the same seed gives the same market, and every state of it is possible."""

from __future__ import annotations

from itertools import islice

import pytest

from daemon.exchange.market_data.book import DepthBook
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, MarketEvent, PublicTrade, Top
from daemon.exchange.settings import Synthetic
from daemon.exchange.symbols import listing
from daemon.exchange.synthetic import SyntheticSource


def source(seed: int = 1, rate: float = 1_000.0) -> SyntheticSource:
    return SyntheticSource([listing("BTCUSDT"), listing("ETHUSDT")], Synthetic(seed=seed, rate=rate))


def events(count: int, seed: int = 1) -> list[tuple[int, MarketEvent]]:
    return list(islice(source(seed).events(), count))


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    assert events(3_000) == events(3_000)
    assert events(3_000) != events(3_000, seed=2)


def test_time_never_goes_back() -> None:
    offsets = [offset for offset, _ in events(3_000)]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("seed", range(3))
def test_the_book_is_never_crossed_and_its_changes_lead_from_state_to_state(seed: int) -> None:
    generator = source(seed)
    books = {"BTCUSDT": DepthBook(), "ETHUSDT": DepthBook()}
    for first in generator.start():
        if isinstance(first, DepthSnapshot):
            books[first.symbol].replace(first)
    last_trade: dict[str, int] = {}
    for _, event in islice(generator.events(), 20_000):
        if isinstance(event, Top):
            assert float(event.bid_price) < float(event.ask_price)
            assert float(event.bid_size) > 0
            assert float(event.ask_size) > 0
        elif isinstance(event, PublicTrade):
            assert event.trade_id == last_trade.get(event.symbol, event.trade_id - 1) + 1
            last_trade[event.symbol] = event.trade_id
        elif isinstance(event, DepthChange):
            book = books[event.symbol]
            assert event.first_id == book.last_id + 1
            assert book.apply(event)
            (bid, _), (ask, _) = book.bids(1)[0], book.asks(1)[0]
            assert float(bid) < float(ask)
            assert 15 <= len(book.bids(1_000)) <= 60
    assert set(last_trade) == set(books)


def test_the_book_that_changes_rebuild_ends_where_the_generator_stands() -> None:
    generator = source()
    book = DepthBook()
    for first in generator.start():
        if isinstance(first, DepthSnapshot) and first.symbol == "BTCUSDT":
            book.replace(first)
    tops: dict[int, Top] = {}
    for _, event in islice(generator.events(), 10_000):
        if event.symbol != "BTCUSDT":
            continue
        if isinstance(event, Top):
            tops[event.update_id] = event
        elif isinstance(event, DepthChange):
            book.apply(event)
            top = tops[book.last_id]
            assert book.bids(1) == [(top.bid_price, top.bid_size)]
            assert book.asks(1) == [(top.ask_price, top.ask_size)]
