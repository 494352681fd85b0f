"""Captures: served as they were recorded, on the exchange's own clock, over and over."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from actors.errors import BadDataFile
from daemon.exchange.market_data.book import DepthBook
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, PublicTrade, Top
from daemon.exchange.recorded import RecordedSource
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import PROFILES, ExchangeSettings, Recorded
from tests.exchange.client import Client, a_market_order

LINES = 3_000
FIRST = "raw_ws/binance_spot/btcusdt_20240808.gz"
SECOND = "raw_ws/binance_spot/btcusdt_20240809.gz"


@pytest.fixture
def capture(shared_data: Path, tmp_path: Path) -> Path:
    """The first lines of a real capture; its data never enter the repository."""
    with gzip.open(shared_data / FIRST, "rb") as source:
        head = b"".join(islice(source, LINES))
    file = tmp_path / "head.txt"
    file.write_bytes(head)
    return file


def messages(file: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line.partition(b" ")[2]) for line in file.read_bytes().splitlines()]


@pytest.fixture
async def recorded(capture: Path) -> AsyncIterator[Client]:
    settings = ExchangeSettings(
        market=Recorded(files=(capture,), at_end="stay"), speed=3.0, profile=PROFILES["fast"],
        history_hours=1.0,
    )  # fmt: skip
    async with (
        ExchangeServer(settings) as exchange,
        aiohttp.ClientSession() as session,
        Client(exchange, session) as opened,
    ):
        yield opened


def test_every_recorded_message_comes_once_in_order(capture: Path) -> None:
    source = RecordedSource(Recorded(files=(capture,), at_end="stay"))
    replayed = list(source.events())
    wanted = [message for message in messages(capture) if "stream" in message]
    assert len(replayed) == len(wanted)
    offsets = [offset for offset, _ in replayed]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    for (_, event), message in zip(replayed, wanted, strict=True):
        data = message["data"]
        match event:
            case Top():
                assert [event.update_id, event.bid_price, event.bid_size] == [data["u"], data["b"], data["B"]]
            case PublicTrade():
                assert [event.trade_id, event.price, event.size] == [data["t"], data["p"], data["q"]]
            case DepthChange():
                assert [event.first_id, event.last_id] == [data["U"], data["u"]]


@pytest.mark.slow
async def test_the_streams_carry_what_the_file_says(recorded: Client, capture: Path) -> None:
    socket = await recorded.stream("btcusdt@bookTicker/btcusdt@depth@100ms/btcusdt@trade")
    served = [await socket.next() for _ in range(300)]
    by_key = {key(message): message["data"] for message in messages(capture) if "stream" in message}
    clock_fields = ("E", "T")
    for message in served:
        data = message["data"]
        original = by_key[key(message)]
        same = {name: value for name, value in original.items() if name not in clock_fields}
        assert {name: value for name, value in data.items() if name not in clock_fields} == same
        if "E" in data:
            assert abs(data["E"] - recorded.now_ms()) < 60_000
    assert {message["stream"] for message in served} == {
        "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@trade"
    }  # fmt: skip


def key(message: dict[str, Any]) -> tuple[Any, ...]:
    data = message["data"]
    return message["stream"], data.get("u"), data.get("t")


async def test_the_book_over_rest_bridges_the_changes_and_orders_fill_at_recorded_prices(
    recorded: Client, capture: Path
) -> None:
    _, depth = await recorded.get("/depth", symbol="BTCUSDT", limit=5000)
    snapshot = next(message for message in messages(capture) if "lastUpdateId" in message)
    assert depth["lastUpdateId"] >= snapshot["lastUpdateId"]
    assert len(depth["bids"]) > 900
    _, placed = await recorded.signed("POST", "/order", **a_market_order(quantity="0.001"))
    prices = {
        message["data"]["a"] for message in messages(capture) if "bookTicker" in message.get("stream", "")
    }
    assert placed["status"] == "FILLED"
    assert placed["fills"][0]["price"] in prices


def test_a_second_round_goes_on_with_a_whole_chain_and_the_same_book(capture: Path) -> None:
    source = RecordedSource(Recorded(files=(capture,), at_end="loop"))
    book = DepthBook()
    for first in source.start():
        if isinstance(first, DepthSnapshot):
            book.replace(first)
    count = sum(1 for message in messages(capture) if "stream" in message)
    last_trade, rounds_of_tops = 0, []
    for _, event in islice(source.events(), 2 * count + 1):
        if isinstance(event, DepthChange) and event.last_id > book.last_id:
            assert event.first_id <= book.last_id + 1
            book.apply(event)
        elif isinstance(event, PublicTrade):
            assert event.trade_id > last_trade
            last_trade = event.trade_id
        elif isinstance(event, Top):
            rounds_of_tops.append((event.bid_price, event.bid_size, event.ask_price, event.ask_size))
    half = len(rounds_of_tops) // 2
    assert rounds_of_tops[:half] == rounds_of_tops[half:]


@pytest.mark.slow
def test_both_days_rebuild_the_book_of_the_reference(shared_data: Path) -> None:
    reference = msgspec.json.decode((shared_data / "reference/order_book/results.json").read_bytes())
    (case,) = [case for case in reference["cases"] if FIRST in case["files"]]
    files = (shared_data / FIRST, shared_data / SECOND)
    source = RecordedSource(Recorded(files=files, at_end="stay"))
    book = DepthBook()
    for first in source.start():
        if isinstance(first, DepthSnapshot):
            book.replace(first)
    applied = sum(1 for _, event in source.events() if isinstance(event, DepthChange) and book.apply(event))
    assert applied == case["depth_events_applied"]
    end = case["states"][-1]
    assert book.last_id == end["last_update_id"]
    assert [list(level) for level in book.bids(10)] == end["bids"][:10]
    assert [list(level) for level in book.asks(10)] == end["asks"][:10]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"hello\n", "line 1 is no captured message"),
        (b"", "names no symbol"),
        (b"12 {}\n", "names no symbol"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_by_name(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "wrong.txt"
    file.write_bytes(content)
    with pytest.raises(BadDataFile, match=text):
        RecordedSource(Recorded(files=(file,)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataFile, match="name an existing capture"):
        RecordedSource(Recorded(files=(tmp_path / "nowhere.gz",)))
