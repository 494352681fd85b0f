"""The truth file: its sum equals what the exchange tells its clients, and survives a kill."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import BadDataFile
from daemon.exchange.settings import PROFILES, ExchangeSettings, Synthetic
from daemon.exchange.truth import read_truth
from tests.exchange.client import Client, a_limit_order, a_market_order


@pytest.fixture
def exchange_settings(tmp_path: Path) -> ExchangeSettings:
    return ExchangeSettings(
        market=Synthetic(seed=5, rate=500.0),
        profile=PROFILES["fast"],
        history_hours=1.0,
        truth=tmp_path / "truth.jsonl",
    )


async def trade_at_random(client: Client, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(40):
        symbol = chance.choice(("BTCUSDT", "ETHUSDT"))
        side = chance.choice(("BUY", "SELL"))
        bid, ask = (Decimal(price) for price in await client.best(symbol))
        quantity = f"{Decimal(chance.randint(20, 400)) / 10_000:.4f}"
        if chance.random() < 0.5:
            order = a_market_order(symbol=symbol, side=side, quantity=quantity)
        else:
            price = (
                f"{(bid if side == 'BUY' else ask) * Decimal(chance.choice(('0.9999', '1', '1.0001'))):.2f}"
            )
            order = a_limit_order(symbol=symbol, side=side, quantity=quantity, price=price)
        await client.signed("POST", "/order", **order, newClientOrderId=f"r-{number}")
        if chance.random() < 0.2:
            await client.signed("DELETE", "/openOrders", symbol=symbol)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_sum_of_the_file_equals_every_answer_to_the_last_unit(client: Client, seed: int) -> None:
    await trade_at_random(client, seed)
    await client.admin("POST", "/deposit", {"account": "demo", "asset": "BNB", "amount": "0.12345678"})
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await client.signed("DELETE", "/openOrders", symbol=symbol)
    path = client.exchange.settings.truth
    assert path is not None
    truth = read_truth(path).accounts["demo"]
    _, account = await client.signed("GET", "/account")
    told = {
        entry["asset"]: Decimal(entry["free"]) + Decimal(entry["locked"]) for entry in account["balances"]
    }
    assert truth.balances == told, f"seed {seed}"
    for symbol in ("BTCUSDT", "ETHUSDT"):
        _, fills = await client.signed("GET", "/myTrades", symbol=symbol, limit=1000)
        of_symbol = [trade for trade in truth.trades if trade.symbol == symbol]
        assert [int(trade.trade_id) for trade in of_symbol] == [fill["id"] for fill in fills]
        _, orders = await client.signed("GET", "/allOrders", symbol=symbol)
        for order in orders:
            known = truth.orders[str(order["orderId"])]
            assert known.filled == Decimal(order["executedQty"])
            names = {"CANCELED": "cancelled", "FILLED": "filled", "EXPIRED": "expired",
                     "EXPIRED_IN_MATCH": "expired"}  # fmt: skip
            assert known.status == names[order["status"]], f"seed {seed}"
    assert truth.trades


async def test_every_request_is_in_the_file_refused_ones_too(client: Client) -> None:
    await client.get("/ping")
    await client.order(newClientOrderId="kept")
    await client.signed("GET", "/account", timestamp=1)
    path = client.exchange.settings.truth
    assert path is not None
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    requests = [(line["method"], line["refused"]) for line in lines if line["kind"] == "request"]
    assert requests == [("ping", None), ("order.place", None), ("account.status", -1021)]
    placed = next(line for line in lines if line.get("method") == "order.place")
    assert placed["params"]["newClientOrderId"] == "kept"
    assert "signature" not in placed["params"]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


async def test_a_line_cut_off_by_a_kill_is_left_out_and_damage_is_named(client: Client) -> None:
    await client.signed("POST", "/order", **a_market_order())
    path = client.exchange.settings.truth
    assert path is not None
    whole = read_truth(path)
    with path.open("ab") as file:
        file.write(b'{"seq": 99, "kind": "bal')
    assert read_truth(path) == whole
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    with pytest.raises(BadDataFile, match="line 1"):
        read_truth(path)
