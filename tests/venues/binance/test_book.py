"""Joining the depth stream with a snapshot, step by step and on a recorded session."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from actors.messages.base import Message
from actors.messages.market import BookDelta, BookSnapshot, Level
from actors.venues.binance.book import HELD_MAX, DepthSync
from actors.venues.binance.channel import Channel, FeedCounts
from actors.venues.binance.wire import BOOK_TICKER, DEPTH_SNAPSHOT, FRAME, DepthEvent, DepthSnapshot

BTC = "BTCUSDT@binance"


def an_event(first: int, last: int) -> DepthEvent:
    return DepthEvent(time=0, first_update_id=first, last_update_id=last, bids=[], asks=[])


def a_snapshot(last: int) -> DepthSnapshot:
    return DepthSnapshot(last_update_id=last, bids=[(1.0, 1.0)], asks=[(2.0, 1.0)])


def test_events_are_held_until_a_snapshot_joins_and_old_ones_are_dropped() -> None:
    sync = DepthSync()
    events = [an_event(10, 12), an_event(13, 15), an_event(16, 20)]
    assert [sync.on_event(event) for event in events] == ["hold", "hold", "hold"]
    assert sync.on_snapshot(a_snapshot(14)) == events[1:], "the one that spans the snapshot is kept"
    assert sync.last_update_id == 20
    assert sync.on_event(an_event(21, 21)) == "apply"


def test_a_snapshot_older_than_the_first_held_event_is_asked_again() -> None:
    sync = DepthSync()
    sync.on_event(an_event(10, 12))
    assert sync.on_snapshot(a_snapshot(9)) is None
    assert not sync.is_synced
    assert sync.on_snapshot(a_snapshot(10)) == [an_event(10, 12)]


def test_a_snapshot_newer_than_everything_held_stands_alone() -> None:
    sync = DepthSync()
    sync.on_event(an_event(10, 12))
    assert sync.on_snapshot(a_snapshot(12)) == []
    assert sync.last_update_id == 12


def test_a_snapshot_without_any_event_is_enough() -> None:
    sync = DepthSync()
    assert sync.on_snapshot(a_snapshot(5)) == []
    assert sync.on_event(an_event(6, 7)) == "apply"


def test_a_gap_starts_over_and_holds_the_event_that_showed_it() -> None:
    sync = DepthSync()
    sync.on_snapshot(a_snapshot(5))
    assert sync.on_event(an_event(7, 8)) == "gap"
    assert not sync.is_synced
    assert sync.on_event(an_event(9, 9)) == "hold"
    assert sync.on_snapshot(a_snapshot(8)) == [an_event(9, 9)]


def test_an_event_that_repeats_the_end_is_ignored_and_one_that_overlaps_is_applied() -> None:
    sync = DepthSync()
    sync.on_snapshot(a_snapshot(5))
    assert sync.on_event(an_event(4, 5)) == "ignore"
    assert sync.on_event(an_event(5, 6)) == "apply"
    assert sync.last_update_id == 6


def test_a_hole_among_held_events_needs_a_snapshot_behind_it() -> None:
    sync = DepthSync()
    sync.on_event(an_event(10, 12))
    sync.on_event(an_event(15, 16))
    assert sync.on_snapshot(a_snapshot(11)) is None
    assert sync.on_snapshot(a_snapshot(15)) == [an_event(15, 16)]


def test_what_is_held_does_not_grow_for_ever() -> None:
    sync = DepthSync()
    for number in range(HELD_MAX + 1):
        sync.on_event(an_event(number, number))
    assert sync.on_snapshot(a_snapshot(HELD_MAX)) == []


class RebuiltBook:
    """An intake that keeps the book which the messages describe."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.last_update_id = 0
        self.deltas = 0

    def offer(self, message: Message) -> None:
        match message:
            case BookSnapshot():
                self.bids, self.asks = dict(message.bids), dict(message.asks)
                self.last_update_id = message.update_id
            case BookDelta():
                assert message.first_update_id <= self.last_update_id + 1
                self.last_update_id = message.last_update_id
                self.deltas += 1
                _apply(self.bids, message.bids)
                _apply(self.asks, message.asks)

    def best(self) -> tuple[Level, Level]:
        bid, ask = max(self.bids), min(self.asks)
        return (bid, self.bids[bid]), (ask, self.asks[ask])


def _apply(side: dict[float, float], levels: tuple[Level, ...]) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)


@pytest.mark.slow
def test_the_rebuilt_book_agrees_with_the_recorded_quotes_as_often_as_it_can(shared_data: Path) -> None:
    reference = json.loads((shared_data / "reference/order_book/results.json").read_text())["cases"][0]
    book = RebuiltBook()
    counts = FeedCounts()
    channel = Channel(
        instrument=BTC, intake=book, clock=lambda: 0, counts=counts, on_book_wanted=lambda _: None
    )
    ticker: tuple[int, tuple[Level, Level]] | None = None
    checked = equal = 0
    for name, state in zip(reference["files"], reference["states"], strict=True):
        for line in gzip.decompress((shared_data / name).read_bytes()).decode().splitlines():
            text = line.partition(" ")[2]
            frame = FRAME.decode(text)
            if not frame.stream:
                assert channel.on_snapshot(DEPTH_SNAPSHOT.decode(text))
            elif frame.stream.endswith("@bookTicker"):
                event = BOOK_TICKER.decode(frame.data)
                best = ((event.bid_price, event.bid_quantity), (event.ask_price, event.ask_quantity))
                ticker = event.update_id, best
            elif "@depth" in frame.stream:
                before = book.deltas
                channel.on_depth(frame.data)
                if book.deltas > before and ticker and ticker[0] <= book.last_update_id:
                    checked += 1
                    equal += ticker[1] == book.best()
        assert book.last_update_id == state["last_update_id"]
        assert [len(book.bids), len(book.asks)] == state["levels"]
        top = [[float(price), float(size)] for price, size in state["bids"]]
        assert [[price, book.bids[price]] for price in sorted(book.bids, reverse=True)[:10]] == top
        top = [[float(price), float(size)] for price, size in state["asks"]]
        assert [[price, book.asks[price]] for price in sorted(book.asks)[:10]] == top
    assert book.deltas == reference["depth_events_applied"]
    assert checked == reference["checked_against_book_ticker"]
    assert equal == reference["equal_best_bid_ask_price_and_size"]
    assert counts == FeedCounts(book_snapshots=1)
