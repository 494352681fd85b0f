"""Each scripted fault does what it says, as often as it says, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from daemon.exchange.binance.faults import KINDS
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import PROFILES, ExchangeSettings, Synthetic, Timings
from tests.exchange.client import Client, Socket, a_limit_order, a_market_order


@pytest.fixture
def exchange_settings() -> ExchangeSettings:
    return ExchangeSettings(
        market=Synthetic(seed=1, rate=200.0),
        profile=PROFILES["fast"],
        history_hours=1.0,
        timings=Timings(shutdown_notice_seconds=0.05),
    )


@pytest.fixture
async def user(client: Client) -> AsyncIterator[Socket]:
    socket = await client.user_data()
    yield socket
    await socket.close()


async def truth_of(client: Client) -> Any:
    _, truth = await client.admin("GET", "/truth")
    return truth["accounts"]["demo"]


async def assert_truth_equals_balances(client: Client) -> None:
    _, account = await client.signed("GET", "/account")
    told = {
        entry["asset"]: Decimal(entry["free"]) + Decimal(entry["locked"]) for entry in account["balances"]
    }
    truth = (await truth_of(client))["balances"]
    assert {asset: Decimal(amount) for asset, amount in truth.items()} == told


async def test_accept_and_lose_keeps_the_order_and_no_reply(client: Client, user: Socket) -> None:
    await client.fault("accept_and_lose", method="order.place")
    with pytest.raises(aiohttp.ClientError):
        await client.order(newClientOrderId="lost-rest")
    await client.fault("accept_and_lose", method="order.place", symbol="BTCUSDT")
    await user.send("order.place", signed=True, **a_limit_order(newClientOrderId="lost-ws"))
    assert (await user.event("executionReport", c="lost-ws"))["x"] == "NEW"
    answers = [await user.call("ping"), await client.signed("GET", "/openOrders")]
    assert answers[0]["status"] == 200
    assert [order["clientOrderId"] for order in answers[1][1]] == ["lost-rest", "lost-ws"]


async def test_lose_request_leaves_no_order_and_no_reply(client: Client) -> None:
    await client.fault("lose_request", method="order.place")
    with pytest.raises(aiohttp.ClientError):
        await client.order(newClientOrderId="never")
    status, answer = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="never")
    assert (status, answer["code"]) == (400, -2013)
    assert (await client.order(newClientOrderId="never"))[0] == 200


async def test_a_delayed_reply_comes_after_later_ones(client: Client, user: Socket) -> None:
    await client.fault("delay_reply", method="order.place", milliseconds=200)
    late = await user.send("order.place", signed=True, **a_limit_order())
    soon = await user.send("ping")
    ids = [(await user.next(lambda m: "id" in m))["id"] for _ in range(2)]
    assert ids == [soon, late]


async def test_5xx_before_leaves_no_order_and_5xx_after_leaves_one(client: Client) -> None:
    await client.fault("error_before", method="order.place", status=503)
    status, answer = await client.order(newClientOrderId="before")
    assert (status, answer["code"]) == (503, -1008)
    await client.fault("error_after", method="order.place", status=504)
    status, answer = await client.order(newClientOrderId="after")
    assert (status, answer["code"]) == (504, -1007)
    _, open_orders = await client.signed("GET", "/openOrders")
    assert [order["clientOrderId"] for order in open_orders] == ["after"]


async def test_a_rate_limit_storm_passes(client: Client) -> None:
    await client.fault("rate_limit_storm", count=3)
    statuses = [(await client.get("/ping"))[0] for _ in range(4)]
    assert statuses == [429, 429, 429, 200]


async def test_reports_are_swallowed_doubled_and_swapped(client: Client, user: Socket) -> None:
    await client.fault("swallow_report", method="NEW")
    await client.order(newClientOrderId="a")
    await client.fault("duplicate_report", method="NEW")
    await client.order(newClientOrderId="b")
    first, second = [await user.event("executionReport") for _ in range(2)]
    assert first == second
    assert first["c"] == "b"
    await client.fault("reorder_reports", method="NEW")
    await client.signed("POST", "/order", **a_market_order(newClientOrderId="c"))
    swapped = [await user.event("executionReport", c="c") for _ in range(2)]
    assert [event["x"] for event in swapped] == ["TRADE", "NEW"]
    assert swapped[0]["I"] == swapped[1]["I"] + 1


async def test_a_young_order_is_hidden_until_it_is_old_enough(
    client: Client, exchange: ExchangeServer
) -> None:
    await client.order(newClientOrderId="young")
    query = {"symbol": "BTCUSDT", "origClientOrderId": "young"}
    await client.fault("hide_order", milliseconds=60_000, count=100)
    status, answer = await client.signed("GET", "/order", **query)
    assert (status, answer["code"]) == (400, -2013)
    exchange.services.clock.skew_ms = 60_001
    status, _ = await client.signed("GET", "/order", **query, timestamp=client.now_ms() + 60_001)
    assert status == 200


async def test_stale_open_orders_show_the_past_once(client: Client, exchange: ExchangeServer) -> None:
    await client.order(newClientOrderId="old")
    exchange.services.clock.skew_ms = 2_000
    await client.signed("DELETE", "/openOrders", symbol="BTCUSDT", timestamp=client.now_ms() + 2_000)
    await client.order(newClientOrderId="new", timestamp=client.now_ms() + 2_000)
    await client.fault("stale_open_orders", milliseconds=1_000)
    seen = []
    for _ in range(2):
        _, rows = await client.signed("GET", "/openOrders", timestamp=client.now_ms() + 2_000)
        seen.append([row["clientOrderId"] for row in rows])
    assert seen == [["old"], ["new"]]


async def test_a_cancelled_order_can_be_renamed(client: Client) -> None:
    await client.fault("rename_on_cancel")
    _, placed = await client.order(newClientOrderId="before")
    await client.signed(
        "DELETE", "/order", symbol="BTCUSDT", orderId=placed["orderId"], newClientOrderId="after"
    )
    found = {}
    for name in ("before", "after"):
        found[name], _ = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId=name)
    assert found == {"before": 400, "after": 200}
    by_id, _ = await client.signed("GET", "/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert by_id == 200


@pytest.mark.slow
async def test_a_depth_gap_breaks_the_chain_once(client: Client) -> None:
    socket = await client.raw_stream("btcusdt@depth@100ms")
    before = await socket.next()
    await client.fault("depth_gap", symbol="BTCUSDT")
    gaps, last = [], before
    for _ in range(4):
        event = await socket.next()
        gaps.append(event["U"] - last["u"] - 1)
        last = event
    assert sum(1 for gap in gaps if gap) == 1


async def test_a_stalled_connection_says_everything_later(client: Client) -> None:
    socket = await client.raw_stream("btcusdt@bookTicker")
    first = await socket.next()
    await client.fault("stall", target="streams", milliseconds=150)
    started = asyncio.get_running_loop().time()
    seen, last = [first["u"]], started
    silence = 0.0
    while silence < 0.1:
        seen.append((await socket.next())["u"])
        now = asyncio.get_running_loop().time()
        silence, last = max(silence, now - last), now
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("target", ["streams", "ws_api", "user_data"])
async def test_a_drop_cuts_only_its_target(client: Client, target: str) -> None:
    sockets = {"streams": await client.raw_stream("btcusdt@trade"), "ws_api": await client.ws_api()}
    sockets["user_data"] = await client.user_data()
    await client.fault("drop", target=target)
    assert await sockets[target].ended()
    survivor = {"streams": "user_data", "ws_api": "streams", "user_data": "streams"}[target]
    if survivor == "streams":
        assert (await sockets["streams"].next())["e"] == "trade"
    else:
        assert (await sockets["user_data"].call("ping"))["status"] == 200


@pytest.mark.parametrize("target", ["streams", "ws_api"])
async def test_a_refused_handshake_succeeds_when_tried_again(client: Client, target: str) -> None:
    connect = client.raw_stream if target == "streams" else client.ws_api
    await client.fault("refuse_connection", method=target)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect()
    assert refused.value.status == 503
    await (await connect()).close()


async def test_a_skewed_clock_refuses_what_was_in_time(client: Client) -> None:
    await client.fault("clock_skew", milliseconds=-30_000)
    status, answer = await client.signed("GET", "/openOrders")
    assert (status, answer["code"]) == (400, -1021)
    _, told = await client.get("/time")
    assert (await client.signed("GET", "/openOrders", timestamp=told["serverTime"]))[0] == 200


async def test_a_partial_fill_then_disconnect_leaves_the_truth_to_be_asked_for(
    client: Client, user: Socket
) -> None:
    await client.fault("partial_fill_then_disconnect", symbol="BTCUSDT")
    _, ask = await client.best()
    price = f"{Decimal(ask) + 1_000:.2f}"
    await user.send("order.place", signed=True, **a_limit_order(newClientOrderId="cut", price=price))
    assert (await user.event("executionReport", x="TRADE"))["X"] == "PARTIALLY_FILLED"
    assert await user.ended()
    _, order = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="cut")
    _, fills = await client.signed("GET", "/myTrades", symbol="BTCUSDT", orderId=order["orderId"])
    assert Decimal(fills[0]["qty"]) == Decimal("0.005")
    assert sum(Decimal(fill["qty"]) for fill in fills) == Decimal(order["executedQty"])
    await assert_truth_equals_balances(client)


async def test_server_shutdown_is_announced_and_then_done(client: Client) -> None:
    combined = await client.stream("btcusdt@trade")
    api = await client.ws_api()
    waiting = asyncio.create_task(client.fault("server_shutdown"))
    told = await combined.next(lambda m: m["stream"] == "!serverShutdown")
    assert told["data"]["e"] == "serverShutdown"
    assert (await api.next())["event"]["e"] == "serverShutdown"
    assert await combined.ended()
    assert await api.ended()
    await waiting
    fresh = await client.stream("btcusdt@trade")
    assert (await fresh.next())["data"]["e"] == "trade"


async def test_waiting_faults_are_listed_and_taken_back(client: Client) -> None:
    await client.fault("delay_reply", milliseconds=1, method="order.place", count=3)
    await client.fault("depth_gap", symbol="ETHUSDT")
    _, listed = await client.admin("GET", "/faults")
    assert [fault["kind"] for fault in listed["waiting"]] == ["delay_reply", "depth_gap"]
    assert set(listed["kinds"]) == set(KINDS)
    number = listed["waiting"][0]["id"]
    assert await client.admin("DELETE", f"/faults/{number}") == (200, {"cleared": 1})
    assert await client.admin("DELETE", "/faults") == (200, {"cleared": 1})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "earthquake"}, "there is no fault 'earthquake': write one of accept_and_lose, "),
        (
            {"kind": "drop", "colour": "red"},
            "unknown field `colour`): write JSON with kind and, where",
        ),
        ({"kind": "delay_reply", "count": 0}, "count is 0: write 1 or more"),
        ({"kind": "drop", "method": "order.place"}, "drop takes no method: it takes count, target, account"),
        (
            {"kind": "error_before", "method": "order.plaice"},
            "knows no method 'order.plaice': write one of ping, ",
        ),
        ({"kind": "swallow_report", "method": "trade"}, "knows no method 'trade': write one of NEW, TRADE, "),
        ({"kind": "depth_gap", "symbol": "BTC"}, "knows no symbol 'BTC': write one of BTCUSDT, ETHUSDT"),
        ({"kind": "drop", "account": "nobody"}, "knows no account 'nobody': write one of "),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_and_names_what_there_is(
    client: Client, body: dict[str, Any], said: str
) -> None:
    status, answer = await client.admin("POST", "/faults", body)
    assert status == 400
    assert said in answer["error"]
    assert (await client.admin("GET", "/faults"))[1]["waiting"] == []


async def test_no_fault_touches_another_symbol_or_method(client: Client) -> None:
    await client.fault("error_before", method="order.cancel")
    await client.fault("error_before", symbol="ETHUSDT")
    assert (await client.order())[0] == 200
    assert (await client.get("/depth", symbol="BTCUSDT"))[0] == 200
    assert (await client.get("/depth", symbol="ETHUSDT"))[0] == 503
