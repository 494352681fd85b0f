"""What the tests of the simulated venue share: short ways to say orders and market data."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from actors.messages.orders import OrderTerms
from actors.model.instrument import Instrument
from actors.venues.simulated.engine import EngineState, MatchingEngine
from actors.venues.simulated.events import Expired, Filled, Rejected, VenueEvent
from actors.venues.simulated.settings import (
    BarFills,
    MarketSettings,
    SimulatedVenueSettings,
    Slippage,
    TradingTimes,
)
from actors.venues.simulated.slippage import SlippageFunction

BTC = "BTCUSDT@sim"
MINUTE = 60_000_000_000
D = Decimal


def an_instrument(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": BTC,
        "symbol": "BTCUSDT",
        "venue": "sim",
        "kind": "spot",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": D("0.01"),
        "lot_size": D("0.001"),
        "notional_min": D(5),
    }
    return Instrument(**(fields | changes))


def settings(**changes: Any) -> SimulatedVenueSettings:
    """No fees; enough of everything."""
    fields: dict[str, Any] = {
        "maker_fee": D(0),
        "taker_fee": D(0),
        "opening_balances": {"USDT": D(100_000), "BTC": D(100)},
    }
    return SimulatedVenueSettings(**(fields | changes))


def a_market(
    *, queue: Any = "front", sizes: Any = "displayed", slippage: Any = None, hours: Any = None, **bars: Any
) -> MarketSettings:
    """What is not named of a market's rules stays as it is; the rest are rules for bars."""
    return MarketSettings(
        queue=queue,
        sizes=sizes,
        bars=BarFills(**bars),
        slippage=Slippage(**(slippage or {})),
        hours=TradingTimes(**(hours or {})),
    )


def an_engine(
    *,
    accounts: Iterable[str] = ("a",),
    instrument: Any = None,
    market: MarketSettings | None = None,
    slippage: SlippageFunction | None = None,
    **changes: Any,
) -> MatchingEngine:
    chosen = instrument or an_instrument()
    return MatchingEngine(
        accounts=dict.fromkeys(accounts, settings(**changes)),
        instruments={chosen.id: chosen},
        market=market or MarketSettings(),
        slippage=slippage,
    )


class Orders:
    """Makes terms with ids that count up."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, side: str, quantity: str, price: str | None = None, **changes: Any) -> OrderTerms:
        self.count += 1
        stop = changes.pop("stop", None)
        kind = {
            (False, False): "market",
            (True, False): "limit",
            (False, True): "stop",
            (True, True): "stop_limit",
        }[price is not None, stop is not None]
        fields: dict[str, Any] = {
            "client_order_id": f"o{self.count}",
            "account": "a",
            "strategy": "s",
            "instrument": BTC,
            "side": side,
            "order_type": kind,
            "quantity": D(quantity),
            "price": None if price is None else D(price),
            "stop_price": None if stop is None else D(stop),
            "time_in_force": changes.pop("tif", "gtc"),
        }
        return OrderTerms(**(fields | changes))


def a_quote(
    bid: float, ask: float, *, sizes: tuple[float, float] = (1.0, 1.0), ts: int = 0, name: str = BTC
) -> Quote:
    return Quote(
        ts_event=ts,
        instrument=name,
        bid_price=float(bid),
        bid_size=float(sizes[0]),
        ask_price=float(ask),
        ask_size=float(sizes[1]),
    )


def a_trade(price: float, size: float, *, aggressor: Any = "unknown", ts: int = 0) -> Trade:
    return Trade(
        ts_event=ts, instrument=BTC, trade_id="x", price=float(price), size=float(size), aggressor=aggressor
    )


def a_bar(
    open_: float,
    high: float,
    low: float,
    close: float,
    *,
    ts: int = 0,
    interval: int = MINUTE,
    volume: float = 1.0,
) -> Bar:
    prices = {"open": float(open_), "high": float(high), "low": float(low), "close": float(close)}
    return Bar(ts_event=ts, instrument=BTC, interval_ns=interval, volume=float(volume), **prices)


def a_book(bids: Any, asks: Any) -> BookSnapshot:
    return BookSnapshot(ts_event=0, instrument=BTC, update_id=1, bids=tuple(bids), asks=tuple(asks))


def a_delta(bids: Any = (), asks: Any = (), *, ts: int = 0) -> BookDelta:
    return BookDelta(
        ts_event=ts,
        instrument=BTC,
        first_update_id=2,
        last_update_id=2,
        bids=tuple(bids),
        asks=tuple(asks),
    )


def said(events: Iterable[VenueEvent]) -> list[str]:
    """Events in one short line each."""
    lines = []
    for event in events:
        line = f"{type(event).__name__.lower()} {event.client_order_id}"
        if isinstance(event, Filled):
            line += f" {event.quantity.normalize():f}@{event.price.normalize():f}"
            line += " maker" if event.is_maker else " taker"
        elif isinstance(event, Rejected):
            line += f" {event.code}"
        elif isinstance(event, Expired):
            line += f" {event.reason}"
        lines.append(line)
    return lines


def fills_in(events: Iterable[VenueEvent]) -> list[str]:
    """Only the executions."""
    return [line.removeprefix("filled ") for line in said(events) if line.startswith("filled")]


def held(engine: MatchingEngine, account: str = "a") -> dict[str, tuple[Decimal, Decimal]]:
    return {asset: (b.free, b.locked) for asset, b in engine.balances(account).items()}


def totals(engine: MatchingEngine, accounts: Iterable[str]) -> dict[str, Decimal]:
    """Sum per asset over accounts."""
    found: dict[str, Decimal] = {}
    for account in accounts:
        for asset, balance in engine.balances(account).items():
            found[asset] = found.get(asset, D(0)) + balance.total
    return found


def state_bytes(engine: MatchingEngine) -> bytes:
    return msgspec.msgpack.encode(engine.snapshot())


def restored(engine: MatchingEngine, fresh: MatchingEngine) -> MatchingEngine:
    """`fresh` with the state of `engine`, by way of bytes."""
    fresh.restore(msgspec.msgpack.decode(state_bytes(engine), type=EngineState))
    return fresh
