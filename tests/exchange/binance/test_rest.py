"""REST over a real socket."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from tests.exchange.client import Client, a_market_order


async def test_ping_and_time_answer_without_a_key(client: Client) -> None:
    assert await client.get("/ping") == (200, {})
    status, answer = await client.get("/time")
    assert status == 200
    assert abs(answer["serverTime"] - client.now_ms()) < 5_000


async def test_exchange_info_states_the_filters_that_orders_are_held_to(client: Client) -> None:
    _, info = await client.get("/exchangeInfo", symbol="BTCUSDT")
    (symbol,) = info["symbols"]
    filters = {entry["filterType"]: entry for entry in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
    kinds = [limit["rateLimitType"] for limit in info["rateLimits"]]
    assert kinds == ["REQUEST_WEIGHT", "ORDERS", "ORDERS", "RAW_REQUESTS"]


async def test_a_limit_order_rests_is_queried_and_cancelled(client: Client) -> None:
    status, placed = await client.order(newClientOrderId="rest-1")
    assert (status, placed["status"], placed["executedQty"]) == (200, "NEW", "0.00000000")
    _, queried = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="rest-1")
    assert queried["orderId"] == placed["orderId"]
    assert queried["isWorking"] is True
    _, open_orders = await client.signed("GET", "/openOrders", symbol="BTCUSDT")
    assert [order["clientOrderId"] for order in open_orders] == ["rest-1"]
    status, cancelled = await client.signed(
        "DELETE", "/order", symbol="BTCUSDT", orderId=placed["orderId"], newClientOrderId="cancel-1"
    )
    assert status == 200
    assert (cancelled["origClientOrderId"], cancelled["clientOrderId"]) == ("rest-1", "cancel-1")
    assert cancelled["status"] == "CANCELED"
    assert await client.signed("GET", "/openOrders") == (200, [])


async def test_cancelling_twice_is_an_unknown_order(client: Client) -> None:
    await client.order(newClientOrderId="once")
    await client.signed("DELETE", "/openOrders", symbol="BTCUSDT")
    status, answer = await client.signed("DELETE", "/order", symbol="BTCUSDT", origClientOrderId="once")
    assert (status, answer) == (400, {"code": -2011, "msg": "Unknown order sent."})


async def test_a_market_order_moves_balances_by_price_and_fee(client: Client) -> None:
    _, placed = await client.signed("POST", "/order", **a_market_order(quantity="0.02"))
    assert placed["status"] == "FILLED"
    quantity = sum(Decimal(fill["qty"]) for fill in placed["fills"])
    paid = sum(Decimal(fill["qty"]) * Decimal(fill["price"]) for fill in placed["fills"])
    fee = sum(Decimal(fill["commission"]) for fill in placed["fills"])
    assert quantity == Decimal("0.02")
    assert Decimal(placed["cummulativeQuoteQty"]) == paid
    assert fee == Decimal("0.00002")
    _, account = await client.signed("GET", "/account")
    free = {entry["asset"]: Decimal(entry["free"]) for entry in account["balances"]}
    assert free["BTC"] == 1 + quantity - fee
    assert free["USDT"] == 100_000 - paid


async def test_a_quote_quantity_buys_whole_lots_for_at_most_that_much(client: Client) -> None:
    order = a_market_order(quoteOrderQty="1000")
    del order["quantity"]
    _, placed = await client.signed("POST", "/order", **order)
    assert placed["status"] == "FILLED"
    assert placed["origQuoteOrderQty"] == "1000.00000000"
    assert Decimal(990) < Decimal(placed["cummulativeQuoteQty"]) <= Decimal(1_000)


async def test_an_open_client_id_is_refused_and_a_closed_one_may_come_again(client: Client) -> None:
    _, first = await client.order(newClientOrderId="again")
    assert await client.order(newClientOrderId="again") == (
        400,
        {"code": -2010, "msg": "Duplicate order sent."},
    )
    await client.signed("DELETE", "/order", symbol="BTCUSDT", orderId=first["orderId"])
    status, second = await client.order(newClientOrderId="again")
    assert status == 200
    assert second["orderId"] > first["orderId"]
    _, queried = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="again")
    assert queried["orderId"] == second["orderId"]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.000015"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "50000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "1000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "0.0000000001"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "9", "side": "SELL", "price": "90000"}, -2010, "insufficient balance"),
        ({"symbol": "NOPEUSDT"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "GUESS"}, -1116, "Invalid orderType."),
        ({"timeInForce": "LATER"}, -1115, "Invalid timeInForce."),
        ({"price": "-1"}, -1100, "Illegal characters found in parameter 'price'"),
        (
            {"newClientOrderId": "no spaces"},
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'",
        ),
        ({"stopPrice": "49000"}, -1106, "Parameter 'stopPrice' sent when not required."),
        (
            {"colour": "red"},
            -1104,
            "Not all sent parameters were read; read '6' parameter(s) but was sent '7'.",
        ),
    ],
)
async def test_a_bad_order_is_refused_with_its_code(
    client: Client, change: dict[str, str], code: int, text: str
) -> None:
    status, answer = await client.order(**change)
    assert (status, answer["code"]) == (400, code)
    assert text in answer["msg"]
    assert await client.signed("GET", "/openOrders") == (200, [])


async def test_a_quantity_that_just_meets_the_least_notional_is_taken(client: Client) -> None:
    status, _ = await client.order(quantity="0.0001", price="50000.00")
    assert status == 200


async def test_a_post_only_order_that_would_take_is_refused(client: Client) -> None:
    _, ask = await client.best()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01"}
    price = f"{Decimal(ask) + 500:.2f}"
    status, answer = await client.signed("POST", "/order", **order, price=price)
    assert (status, answer["code"]) == (400, -2010)
    assert answer["msg"] == "Order would immediately match and take."


async def test_an_immediate_order_that_finds_nothing_expires(client: Client) -> None:
    _, placed = await client.order(timeInForce="IOC", newClientOrderId="ioc")
    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "0.00000000")
    _, queried = await client.signed("GET", "/order", symbol="BTCUSDT", origClientOrderId="ioc")
    assert queried["expiryReason"] == "UNFILLED_IOC_QTY_EXPIRED"


async def test_order_test_checks_and_forgets(client: Client) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000"}
    assert await client.signed("POST", "/order/test", **order, quantity="0.01") == (200, {})
    status, _ = await client.signed("POST", "/order/test", **order, quantity="0.000001")
    assert status == 400
    assert await client.signed("GET", "/allOrders", symbol="BTCUSDT") == (200, [])


async def test_trades_are_paged_by_id_without_a_gap(client: Client) -> None:
    for _ in range(5):
        await client.signed("POST", "/order", **a_market_order())
    _, everything = await client.signed("GET", "/myTrades", symbol="BTCUSDT")
    paged: list[int] = []
    next_id = 0
    while True:
        _, page = await client.signed("GET", "/myTrades", symbol="BTCUSDT", fromId=next_id, limit=2)
        paged += [trade["id"] for trade in page]
        if len(page) < 2:
            break
        next_id = page[-1]["id"] + 1
    assert paged == [trade["id"] for trade in everything]
    order_id = everything[0]["orderId"]
    _, of_order = await client.signed("GET", "/myTrades", symbol="BTCUSDT", orderId=order_id)
    assert {trade["orderId"] for trade in of_order} == {order_id}


@pytest.mark.parametrize("interval", ["1s", "1m", "5m", "1h"])
async def test_klines_reach_back_before_the_start_without_a_hole(client: Client, interval: str) -> None:
    _, rows = await client.get("/klines", symbol="BTCUSDT", interval=interval, limit=15)
    assert len(rows) == 15
    for row, after in pairwise(rows):
        assert after[0] == row[6] + 1
        low, high = float(row[3]), float(row[2])
        assert low <= float(row[1]) <= high
        assert low <= float(row[4]) <= high
    assert rows[-1][0] <= client.now_ms()
    _, forward = await client.get(
        "/klines", symbol="BTCUSDT", interval=interval, startTime=rows[3][0], limit=4
    )
    assert [row[0] for row in forward] == [row[0] for row in rows[3:7]]


async def test_listen_keys_are_gone(client: Client) -> None:
    async with client.session.post(client.url("/api/v3/userDataStream")) as response:
        assert response.status == 410


async def test_a_foreign_account_sees_none_of_our_orders(client: Client) -> None:
    await client.order(newClientOrderId="mine")
    stranger = Client(client.exchange, client.session, key="unknown", secret="guess")
    status, answer = await stranger.signed("GET", "/openOrders")
    assert (status, answer["code"]) == (401, -2015)


@pytest.mark.parametrize(
    ("offset_ms", "window", "code"),
    [
        (-4_000, 5_000, None),
        (-8_000, 5_000, -1021),
        (-8_000, 20_000, None),
        (3_000, 5_000, -1021),
        (0, 60_001, -1131),
    ],
)
async def test_a_request_counts_only_within_its_window(
    client: Client, offset_ms: int, window: int, code: int | None
) -> None:
    status, answer = await client.signed(
        "GET", "/openOrders", timestamp=client.now_ms() + offset_ms, recvWindow=window
    )
    assert (status, None if status == 200 else answer["code"]) == (200 if code is None else 400, code)


async def test_a_changed_parameter_breaks_the_signature(client: Client) -> None:
    status, answer = await client.signed("GET", "/openOrders", signature="0" * 64)
    assert (status, answer["code"]) == (400, -1022)


async def test_used_weight_and_order_counts_are_in_the_headers(client: Client) -> None:
    await client.get("/exchangeInfo")
    before = int(client.headers["X-MBX-USED-WEIGHT-1M"])
    await client.order()
    assert client.headers["X-MBX-ORDER-COUNT-10S"] == client.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    assert int(client.headers["X-MBX-USED-WEIGHT-1M"]) in (before, 0)
