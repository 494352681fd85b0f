"""A daemon on a venue that talks nonsense: what cannot be is passed over, what can be is traded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import Daemon, a_daemon, exported, replayed, wait_for
from tests.fakes.binance_server import BinanceServer

pytestmark = pytest.mark.slow

SOURCE = """
from decimal import Decimal

from actors import Quote, Strategy


class Sane(Strategy):
    # Buys at the one quote that says 12, and raises at any that cannot be.
    def on_quote(self, quote: Quote) -> None:
        assert 0 < quote.bid_price < quote.ask_price < 13
        assert quote.bid_size > 0
        if quote.ask_price == 12.0:
            self.ctx.market("buy", Decimal("1"), quote.instrument)
"""
CONFIG = """
[venues.binance]
rest_url = "{rest}"
stream_url = "{stream}"

[accounts.paper]
venue = "binance"
mode = "paper"
base_currency = "USDT"
simulated = {{ opening_balances = {{ USDT = 1_000 }}, maker_fee = 0, taker_fee = 0 }}

[strategies.sane]
use = "sane.py:Sane"
account = "paper"
instruments = ["BTCUSDT@binance"]
"""
TICKER: dict[str, Any] = {"s": "BTCUSDT", "b": "10.00", "B": "5", "a": "10.01", "A": "5"}
TRADE: dict[str, Any] = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "10.00", "q": "1", "T": 1, "m": False}
GOOD: dict[str, Any] = {"b": "11.99", "a": "12.00", "aNewField": {"nested": [1]}}
NONSENSE = (
    {**TICKER, "b": "NaN"},
    {**TICKER, "a": "Infinity"},
    {**TICKER, "b": "-10.00"},
    {**TICKER, "b": "11.00"},
    {**TICKER, "B": "-1"},
    {"unexpected": "shape"},
)


async def _talk(server: BinanceServer) -> None:
    for update, ticker in enumerate((TICKER, *NONSENSE), start=1):
        await server.publish("btcusdt@bookTicker", {"u": update, **ticker})
    for price in ("NaN", "-1", "0"):
        await server.publish("btcusdt@trade", {**TRADE, "p": price})
    await server.say("not json")
    await server.say('{"stream":"btcusdt@somethingNew","data":{"e":"somethingNew","s":"BTCUSDT"}}')
    await server.publish("btcusdt@bookTicker", {"u": 50, **TICKER, **GOOD})


async def test_impossible_and_unknown_events_stop_nothing_and_reach_no_order(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "sane.py").write_text(SOURCE)
    async with BinanceServer() as server:
        config = tmp_path / "tickerd.toml"
        config.write_text(CONFIG.format(rest=server.rest_url, stream=server.stream_url))
        with a_daemon(config, state) as daemon:
            await asyncio.to_thread(daemon.wait_reconciled)
            await server.until(lambda: bool(server.streams))
            await _talk(server)
            await asyncio.to_thread(wait_for, lambda: _denied(daemon), "a refusal while trades make no sense")
            await server.publish("btcusdt@trade", TRADE)
            await server.publish("btcusdt@bookTicker", {"u": 60, **TICKER, **GOOD})
            await asyncio.to_thread(wait_for, lambda: _filled(daemon), "the order at the good quote")
            assert await asyncio.to_thread(daemon.stop) == 0
    books = exported(state)
    assert [(row["quantity"], row["price"]) for row in books["fills"]] == [("1", "12")]
    assert books["balances"] == {"USDT": "988", "BTC": "1"}
    assert "Traceback" not in daemon.log()
    replayed(state)


def _denied(daemon: Daemon) -> bool:
    _, text = daemon.http("/metrics")
    return 'tickerd_orders_denied_total{account="paper",code="FEED_NOT_LIVE"} 1.0' in text


def _filled(daemon: Daemon) -> bool:
    return daemon.fills_by_strategy()["sane"] == 1
