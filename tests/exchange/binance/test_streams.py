"""Market streams over a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.exchange.settings import ExchangeSettings, Profile, Synthetic, Timings
from tests.exchange.client import Client


async def test_combined_events_are_wrapped_and_raw_ones_are_not(client: Client) -> None:
    combined = await client.stream("btcusdt@bookTicker/ethusdt@trade")
    wrapped = await combined.next(lambda message: message["stream"] == "btcusdt@bookTicker")
    assert sorted(wrapped["data"]) == ["A", "B", "a", "b", "s", "u"]
    raw = await client.raw_stream("ethusdt@trade")
    trade = await raw.next()
    assert (trade["e"], trade["s"], trade["M"]) == ("trade", "ETHUSDT", True)
    assert trade["T"] <= trade["E"]


async def test_subscriptions_change_while_the_stream_runs(client: Client) -> None:
    socket = await client.raw_stream()
    assert await socket.control("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}
    assert (await socket.control("SUBSCRIBE", ["btcusdt@trade", "btcusdt@bookTicker"]))["result"] is None
    assert (await socket.next(lambda m: m.get("e") == "trade"))["s"] == "BTCUSDT"
    assert (await socket.control("UNSUBSCRIBE", ["btcusdt@trade"]))["result"] is None
    assert (await socket.control("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@bookTicker"]
    assert (await socket.control("SET_PROPERTY", ["combined", True]))["result"] is None
    assert (await socket.next(lambda m: "stream" in m))["stream"] == "btcusdt@bookTicker"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("SUBSCRIBE", "btcusdt@trade", 2),
        ("DANCE", [], 2),
        ("SET_PROPERTY", ["colour", True], 0),
        ("SET_PROPERTY", ["combined", "yes"], 1),
    ],
)
async def test_a_wrong_control_message_gets_its_code(
    client: Client, method: str, params: Any, code: int
) -> None:
    socket = await client.raw_stream()
    assert (await socket.control(method, params))["code"] == code


async def test_text_that_is_no_json_gets_code_3(client: Client) -> None:
    socket = await client.raw_stream()
    await socket.socket.send_str("{")
    assert (await socket.next())["code"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["btcusdt@depth@100ms", "btcusdt@depth"])
async def test_a_book_rebuilt_from_snapshot_and_changes_equals_the_venues(client: Client, name: str) -> None:
    socket = await client.stream(name)
    waiting = [(await socket.next())["data"]]
    book, update_id = await fetch_book(client)
    later: dict[str, dict[str, str]] = {}
    target_id = -1
    applied = 0
    while update_id != target_id:
        event = waiting.pop() if waiting else (await socket.next())["data"]
        if event["u"] <= update_id:
            continue
        assert event["U"] <= update_id + 1
        for side, levels in book.items():
            levels |= dict(event[side])
        update_id, applied = event["u"], applied + 1
        if applied == 2 or 0 < target_id < update_id:
            later, target_id = await fetch_book(client)
    for side, levels in book.items():
        assert {price: size for price, size in levels.items() if float(size)} == later[side]


async def fetch_book(client: Client) -> tuple[dict[str, dict[str, str]], int]:
    _, snapshot = await client.get("/depth", symbol="BTCUSDT", limit=5000)
    return {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}, snapshot["lastUpdateId"]


async def test_partial_books_show_the_best_levels(client: Client) -> None:
    socket = await client.raw_stream("btcusdt@depth5@100ms")
    book = await socket.next()
    assert sorted(book) == ["asks", "bids", "lastUpdateId"]
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])


@pytest.mark.slow
async def test_closed_klines_come_once_each_and_equal_the_ones_of_rest(client: Client) -> None:
    socket = await client.raw_stream("btcusdt@kline_1s")
    closed = [(await socket.next(lambda m: m["k"]["x"]))["k"] for _ in range(2)]
    assert closed[1]["t"] == closed[0]["t"] + 1_000
    _, rows = await client.get("/klines", symbol="BTCUSDT", interval="1s", startTime=closed[0]["t"], limit=2)
    for kline, row in zip(closed, rows, strict=True):
        assert [kline[name] for name in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")] == row[:11]


class TestLimits:
    @pytest.fixture
    def exchange_settings(self) -> ExchangeSettings:
        timings = Timings(ping_seconds=0.02, pong_deadline_seconds=0.05, life_seconds=0.3)
        return ExchangeSettings(
            market=Synthetic(rate=20.0), profile=Profile(messages_per_second=5), timings=timings,
            history_hours=1.0,
        )  # fmt: skip

    async def test_who_talks_too_much_is_closed(self, client: Client) -> None:
        socket = await client.raw_stream()
        for number in range(8):
            await socket.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        assert await socket.ended()
        assert socket.socket.close_code == 1008

    async def test_who_answers_no_ping_is_cut_off(self, client: Client) -> None:
        url = client.url("/ws", "ws")
        async with client.session.ws_connect(url, autoping=False) as socket:
            kinds = [message.type.name async for message in socket]
        assert set(kinds) == {"PING"}
        assert socket.close_code != 1001

    @pytest.mark.slow
    async def test_a_connection_is_closed_at_the_end_of_its_life(self, client: Client) -> None:
        async with client.session.ws_connect(client.url("/ws-api/v3", "ws")) as socket:
            async for _ in socket:
                pass
        assert socket.close_code == 1001
