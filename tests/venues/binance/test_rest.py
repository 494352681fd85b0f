"""Reads that are repeated and commands that are not."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from actors.errors import OutcomeUnknown, VenueUnreachable
from actors.venues.binance.rest import NotHandedOver, Params, RestClient
from actors.venues.binance.signing import HmacSigner
from actors.venues.binance.wire import ACCOUNT, SERVER_TIME
from tests.fakes.binance_server import API_KEY, SECRET, BinanceServer, Refused

PATH = "/api/v3/order"


@pytest.fixture
async def rest(server: BinanceServer) -> AsyncIterator[RestClient]:
    client = RestClient(
        url=server.rest_url + "/",
        clock=time.time_ns,
        api_key=API_KEY,
        signer=HmacSigner(SECRET),
        timeout_seconds=2.0,
        pause_seconds=0.001,
    )
    yield client
    await client.close()


def an_order() -> Params:
    return {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "1",
        "newClientOrderId": "a",
        "timestamp": time.time_ns() // 1_000_000,
    }


async def test_a_command_whose_time_has_passed_leaves_no_byte_behind(
    server: BinanceServer, rest: RestClient
) -> None:
    with pytest.raises(NotHandedOver, match="too late"):
        await rest.send_once("POST", PATH, an_order(), refusal=lambda: "too late")
    assert not server.requests
    assert await rest.send_once("POST", PATH, an_order(), refusal=lambda: None)
    assert server.count("POST /api/v3/order") == 1


@pytest.mark.parametrize("verb", ["POST", "DELETE"])
async def test_a_command_without_an_answer_is_unknown_and_was_sent_once(
    server: BinanceServer, rest: RestClient, verb: str
) -> None:
    # A pooled connection that dies is where HTTP clients like to try again by themselves.
    placed = await rest.send_once("POST", PATH, an_order(), refusal=lambda: None)
    assert b'"orderId": 28' in placed
    server.script[f"{verb} {PATH}"].append("drop")
    command = {**an_order(), "newClientOrderId": "b", "orderId": 28}
    before = server.count(f"{verb} {PATH}")
    with pytest.raises(OutcomeUnknown):
        await rest.send_once(verb, PATH, command, refusal=lambda: None)
    assert server.count(f"{verb} {PATH}") == before + 1


async def test_a_signed_read_refused_for_its_time_measures_the_clock_and_asks_again(
    server: BinanceServer, rest: RestClient
) -> None:
    real = server.clock_ms
    server.clock_ms = lambda: real() + 60_000
    account = await rest.read("/api/v3/account", ACCOUNT, signed=True)
    assert account.balances[0].asset == "USDT"
    assert abs(rest.offset_ms - 60_000) < 1_000


async def test_a_read_gives_up_after_its_attempts_and_says_why(
    server: BinanceServer, rest: RestClient
) -> None:
    server.script["GET /api/v3/time"].extend([Refused(503, -1016, "closed")] * 5)
    with pytest.raises(VenueUnreachable, match=r"after 5 attempts, the last one: .*-1016"):
        await rest.read("/api/v3/time", SERVER_TIME)


async def test_an_answer_of_another_form_points_at_the_base_url(
    server: BinanceServer, rest: RestClient
) -> None:
    with pytest.raises(VenueUnreachable, match="check the base URL"):
        await rest.read("/api/v3/exchangeInfo", SERVER_TIME)
    assert server.count("GET /api/v3/exchangeInfo") == 1


async def test_the_clock_is_known_by_one_answer_when_the_minute_is_used_up(server: BinanceServer) -> None:
    def clock() -> int:
        now = time.time_ns()
        if server.count("GET /api/v3/time"):
            client.budget.note_weight(5_900, now / 1e9)
        return now

    client = RestClient(url=server.rest_url, clock=clock)
    await client.measure_clock()
    assert server.count("GET /api/v3/time") == 1
    await client.close()


async def test_after_a_close_nothing_is_asked_and_nothing_sent(
    server: BinanceServer, rest: RestClient
) -> None:
    await rest.close()
    with pytest.raises(VenueUnreachable, match="given up"):
        await rest.read("/api/v3/time", SERVER_TIME)
    with pytest.raises(NotHandedOver, match="given up"):
        await rest.send_once("POST", PATH, an_order(), refusal=lambda: None)
    assert not server.requests
