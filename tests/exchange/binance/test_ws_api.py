"""The WebSocket API and user data over a real socket."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daemon.exchange.settings import DEMO_ACCOUNT, PROFILES, ExchangeAccount, ExchangeSettings, Synthetic
from tests.exchange.client import Client, Socket, a_limit_order, a_market_order

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def exchange_settings() -> ExchangeSettings:
    public = base64.b64encode(PRIVATE_KEY.public_key().public_bytes_raw()).decode()
    edward = ExchangeAccount(
        name="edward", key="ed-key", secret=f"ed25519:{public}", balances={"USDT": Decimal(1_000)}
    )
    return ExchangeSettings(
        market=Synthetic(seed=1, rate=200.0),
        profile=PROFILES["fast"],
        history_hours=1.0,
        accounts=(DEMO_ACCOUNT, edward),
    )


@pytest.fixture
async def user(client: Client) -> AsyncIterator[Socket]:
    socket = await client.user_data()
    yield socket
    await socket.close()


async def test_an_order_is_placed_and_its_reports_come_with_the_balances(
    client: Client, user: Socket
) -> None:
    sent = await user.send("order.place", signed=True, **a_market_order(newClientOrderId="ws-1"))
    accepted = await user.event("executionReport")
    assert (accepted["x"], accepted["X"], accepted["c"], accepted["C"]) == ("NEW", "NEW", "ws-1", "")
    assert accepted["t"] == -1
    filled = await user.event("executionReport")
    assert (filled["x"], filled["i"]) == ("TRADE", accepted["i"])
    assert Decimal(filled["Z"]) == Decimal(filled["L"]) * Decimal(filled["z"])
    assert (Decimal(filled["n"]), filled["N"]) == (Decimal(filled["l"]) / 1_000, "BTC")
    position = await user.event("outboundAccountPosition")
    assert {entry["a"] for entry in position["B"]} == {"BTC", "USDT"}
    reply = await user.next(lambda message: message.get("id") == sent)
    assert (reply["status"], reply["result"]["orderId"]) == (200, accepted["i"])
    assert [limit["rateLimitType"] for limit in reply["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]


async def test_a_cancel_report_swaps_the_client_ids(client: Client, user: Socket) -> None:
    await user.call("order.place", signed=True, **a_limit_order(newClientOrderId="orig"))
    reply = await user.call(
        "order.cancel", signed=True, symbol="BTCUSDT", origClientOrderId="orig", newClientOrderId="bye"
    )
    assert (reply["result"]["clientOrderId"], reply["result"]["origClientOrderId"]) == ("bye", "orig")
    await user.call("order.place", signed=True, **a_limit_order(newClientOrderId="orig"))
    await user.send("openOrders.cancelAll", signed=True, symbol="BTCUSDT")
    report = await user.event("executionReport", x="CANCELED")
    assert report["C"] == "orig"
    assert report["c"] not in ("orig", "")


async def test_the_reading_methods_agree_with_rest(client: Client, user: Socket) -> None:
    await user.call("order.place", signed=True, **a_limit_order(newClientOrderId="read"))
    await user.call("order.place", signed=True, **a_market_order())
    for method, path, params in (
        ("order.status", "/order", {"symbol": "BTCUSDT", "origClientOrderId": "read"}),
        ("openOrders.status", "/openOrders", {}),
        ("myTrades", "/myTrades", {"symbol": "BTCUSDT"}),
        ("allOrders", "/allOrders", {"symbol": "BTCUSDT"}),
    ):
        reply = await user.call(method, signed=True, **params)
        assert (200, reply["result"]) == await client.signed("GET", path, **params)
    status = await user.call("account.status", signed=True)
    _, account = await client.signed("GET", "/account")
    assert status["result"]["balances"] == account["balances"]


async def test_a_refusal_carries_the_id_and_the_code(client: Client) -> None:
    socket = await client.ws_api()
    reply = await socket.call("order.place", signed=True, **a_limit_order(quantity="0.000001"))
    assert reply["status"] == 400
    assert reply["error"] == {"code": -1013, "msg": "Filter failure: LOT_SIZE"}
    assert (await socket.call("account.status", apiKey="nobody"))["status"] == 401
    assert (await socket.call("no.such.method"))["error"]["code"] == -1000
    assert (await socket.call("ping"))["result"] == {}
    await socket.socket.send_str("{not json")
    assert (await socket.next())["error"]["code"] == -1135


async def test_one_subscription_per_account_and_connection(client: Client, user: Socket) -> None:
    again = await user.call("userDataStream.subscribe.signature", signed=True)
    assert again["error"]["code"] == -2035
    assert (await user.call("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
    assert (await user.call("userDataStream.unsubscribe", subscriptionId=0))["status"] == 200
    assert (await user.call("userDataStream.unsubscribe"))["error"]["code"] == -2036
    renewed = await user.call("userDataStream.subscribe.signature", signed=True)
    assert renewed["result"] == {"subscriptionId": 1}


async def test_only_an_ed25519_key_logs_on_and_then_needs_no_signature(client: Client) -> None:
    socket = await client.ws_api()
    refused = await socket.call("session.logon", signed=True)
    assert refused["error"]["code"] == -4056
    assert (await socket.call("userDataStream.subscribe"))["status"] == 401
    now_ms = client.now_ms()
    signature = base64.b64encode(PRIVATE_KEY.sign(f"apiKey=ed-key&timestamp={now_ms}".encode())).decode()
    logged_on = await socket.call("session.logon", apiKey="ed-key", timestamp=now_ms, signature=signature)
    assert logged_on["result"]["apiKey"] == "ed-key"
    assert (await socket.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    placed = await socket.call("order.place", **a_limit_order(timestamp=client.now_ms()))
    assert placed["status"] == 200
    stale = await socket.call("order.place", **a_limit_order(timestamp=client.now_ms() - 10_000))
    assert stale["error"]["code"] == -1021
    await socket.call("session.logout")
    assert (await socket.call("order.place", **a_limit_order(timestamp=client.now_ms())))["status"] == 401


async def test_accounts_hear_nothing_of_each_other(client: Client, user: Socket) -> None:
    socket = await client.ws_api()
    now_ms = client.now_ms()
    signature = base64.b64encode(PRIVATE_KEY.sign(f"apiKey=ed-key&timestamp={now_ms}".encode())).decode()
    await socket.call(
        "userDataStream.subscribe.signature", apiKey="ed-key", timestamp=now_ms, signature=signature
    )
    await client.admin("POST", "/deposit", {"account": "edward", "asset": "USDT", "amount": "5"})
    assert (await socket.event("balanceUpdate"))["d"] == "5.00000000"
    await client.admin("POST", "/deposit", {"account": "demo", "asset": "USDT", "amount": "7"})
    assert (await user.event("balanceUpdate"))["d"] == "7.00000000"


async def test_a_withdrawal_is_told_and_refused_beyond_what_is_free(client: Client, user: Socket) -> None:
    body = {"account": "demo", "asset": "BTC", "amount": "0.4"}
    assert await client.admin("POST", "/withdraw", body) == (200, {"free": "0.6", "locked": "0"})
    update = await user.event("balanceUpdate")
    assert (update["a"], update["d"]) == ("BTC", "-0.40000000")
    status, answer = await client.admin("POST", "/withdraw", body | {"amount": "0.7"})
    assert status == 400
    assert "withdraw less" in answer["error"]
