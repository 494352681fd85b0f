"""Market data in Binance's words → ours. Pure: times not in the payload are handed in.

A `BadMarketData` names what cannot be true; its caller drops and counts the event.
"""

from __future__ import annotations

from actors.errors import BadMarketData
from actors.messages.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from actors.venues.binance.wire import (
    BookTicker,
    DepthEvent,
    DepthSnapshot,
    Kline,
    KlineRow,
    Levels,
    TradeEvent,
)

NS_PER_MS = 1_000_000
_INF = float("inf")


def trade(event: TradeEvent, instrument: str) -> Trade:
    """The buyer being the maker means that a seller came to him."""
    # One chained comparison each: it is False for NaN, infinities, zero and negative numbers alike.
    if not (0.0 < event.price < _INF and 0.0 < event.quantity < _INF):
        raise BadMarketData(f"trade of {instrument} at {event.price} for {event.quantity}")
    return Trade(
        ts_event=event.time * NS_PER_MS,
        instrument=instrument,
        trade_id=str(event.trade_id),
        price=event.price,
        size=event.quantity,
        aggressor="sell" if event.buyer_is_maker else "buy",
    )


def quote(event: BookTicker, instrument: str, received: int) -> Quote:
    """The venue gives this event no time, so it happened when we `received` it (nanoseconds)."""
    if not (
        0.0 < event.bid_price < event.ask_price < _INF
        and 0.0 <= event.bid_quantity < _INF
        and 0.0 <= event.ask_quantity < _INF
    ):
        raise BadMarketData(
            f"quote of {instrument}: bid {event.bid_quantity} at {event.bid_price}, "
            f"ask {event.ask_quantity} at {event.ask_price}"
        )
    return Quote(
        ts_event=received,
        instrument=instrument,
        bid_price=event.bid_price,
        bid_size=event.bid_quantity,
        ask_price=event.ask_price,
        ask_size=event.ask_quantity,
    )


def bar(kline: Kline | KlineRow, instrument: str, interval_ns: int) -> Bar:
    """The close time is the bar's last millisecond; our bars are stamped with their end."""
    if not (
        0.0 < kline.low <= min(kline.open, kline.close)
        and max(kline.open, kline.close) <= kline.high < _INF
        and 0.0 <= kline.volume < _INF
    ):
        raise BadMarketData(
            f"bar of {instrument}: open {kline.open}, high {kline.high}, low {kline.low}, "
            f"close {kline.close}, volume {kline.volume}"
        )
    return Bar(
        ts_event=(kline.close_time + 1) * NS_PER_MS,
        instrument=instrument,
        interval_ns=interval_ns,
        open=kline.open,
        high=kline.high,
        low=kline.low,
        close=kline.close,
        volume=kline.volume,
    )


def book_delta(event: DepthEvent, instrument: str) -> BookDelta:
    """Levels are new sizes on both sides; size 0 removes one."""
    _check_levels(event.bids, instrument)
    _check_levels(event.asks, instrument)
    return BookDelta(
        ts_event=event.time * NS_PER_MS,
        instrument=instrument,
        first_update_id=event.first_update_id,
        last_update_id=event.last_update_id,
        bids=tuple(event.bids),
        asks=tuple(event.asks),
    )


def book_snapshot(snapshot: DepthSnapshot, instrument: str, received: int) -> BookSnapshot:
    """The venue gives a snapshot no time either."""
    bids, asks = snapshot.bids, snapshot.asks
    _check_levels(bids, instrument)
    _check_levels(asks, instrument)
    if bids and asks and bids[0][0] >= asks[0][0]:
        raise BadMarketData(f"book of {instrument} is crossed: bid {bids[0][0]}, ask {asks[0][0]}")
    return BookSnapshot(
        ts_event=received,
        instrument=instrument,
        update_id=snapshot.last_update_id,
        bids=tuple(bids),
        asks=tuple(asks),
    )


def _check_levels(levels: Levels, instrument: str) -> None:
    for price, size in levels:
        if not (0.0 < price < _INF and 0.0 <= size < _INF):
            raise BadMarketData(f"book level of {instrument}: {size} at {price}")
