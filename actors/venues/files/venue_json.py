"""Messages of venues, decoded but otherwise as sent → rows of our kinds; for recordings that are imported.

Live feeds have their own, typed translation in their venue's folder; here only what was recorded once is
read, often years ago and in forms that are spoken no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from actors.venues.files.series import Kind

MS = 1_000_000
MINUTE_NS = 60_000_000_000


class Row(NamedTuple):
    """One message: the kind's columns behind `ts_event` are `values`."""

    kind: Kind
    symbol: str
    ts_event: int
    values: tuple[Any, ...]
    interval_ns: int | None = None


Translate = Callable[[Any], Iterable[Row]]


def _iso_ns(text: str) -> int:
    """ISO 8601 with up to nine decimals."""
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"
    main, point, rest = text.partition(".")
    digits = ""
    if point:
        digits = rest[: next((i for i, letter in enumerate(rest) if not letter.isdigit()), len(rest))]
        main += rest[len(digits) :]
    whole = datetime.fromisoformat(main)
    seconds = int(whole.replace(tzinfo=whole.tzinfo or UTC).timestamp())
    return seconds * 1_000_000_000 + int(digits.ljust(9, "0")[:9] or 0)


def _seconds_ns(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000_000 + int(part.ljust(9, "0")[:9] or 0)


def _levels(levels: Sequence[Sequence[Any]]) -> tuple[list[float], list[float]]:
    return [float(level[0]) for level in levels], [float(level[1]) for level in levels]


def _book(
    symbol: str,
    ts: int,
    bids: Sequence[Any],
    asks: Sequence[Any],
    *,
    snapshot: bool,
    first: int = 0,
    last: int = 0,
) -> Row:
    return Row("book", symbol, ts, (snapshot, first, last, *_levels(bids), *_levels(asks)))


def _quote(symbol: str, ts: int, bid: Any, bid_size: Any, ask: Any, ask_size: Any) -> Iterator[Row]:
    if float(bid) > 0 and float(ask) > 0:
        yield Row("quotes", symbol, ts, (float(bid), float(bid_size), float(ask), float(ask_size)))


def binance(message: dict[str, Any]) -> Iterator[Row]:
    """Combined streams of spot and futures; the book's snapshot as event `snapshot`."""
    data: Any = message.get("data", message)
    if not isinstance(data, dict) or "s" not in data:
        return
    kind, symbol = data.get("e", "bookTicker"), data["s"]
    # a spot bookTicker and a snapshot carry no time: 0 has the receipt stand in for it
    ts = int(data.get("T") or data.get("E") or 0) * MS
    if kind in ("trade", "aggTrade"):
        number = data["t"] if kind == "trade" else data["a"]
        if float(data["q"]) > 0:
            taker = "sell" if data["m"] else "buy"
            yield Row("trades", symbol, ts, (str(number), float(data["p"]), float(data["q"]), taker))
    elif kind == "bookTicker":
        yield from _quote(symbol, ts, data["b"], data["B"], data["a"], data["A"])
    elif kind == "depthUpdate":
        ts = int(data["E"]) * MS
        yield _book(symbol, ts, data["b"], data["a"], snapshot=False, first=data["U"], last=data["u"])
    elif kind == "snapshot" and "lastUpdateId" in data:
        yield _book(symbol, ts, data["bids"], data["asks"], snapshot=True, last=data["lastUpdateId"])
    elif kind == "kline" and data["k"]["x"]:
        candle = data["k"]
        interval = candle["T"] + 1 - candle["t"]
        values = tuple(float(candle[name]) for name in "ohlcv")
        yield Row("bars", symbol, (candle["T"] + 1) * MS, values, interval * MS)


def coinbase(message: Any) -> Iterator[Row]:
    """`match`, `ticker`, `snapshot` and `l2update`."""
    kind = message.get("type") if isinstance(message, dict) else None
    if kind in ("match", "last_match"):
        taker = "buy" if message["side"] == "sell" else "sell"  # `side` is that of the resting order
        values = (str(message["trade_id"]), float(message["price"]), float(message["size"]), taker)
        yield Row("trades", message["product_id"], _iso_ns(message["time"]), values)
    elif kind == "ticker" and "time" in message:
        ts = _iso_ns(message["time"])
        yield from _quote(message["product_id"], ts, message["best_bid"], 1.0, message["best_ask"], 1.0)
    elif kind == "l2update":
        sides: dict[str, list[Any]] = {"buy": [], "sell": []}
        for side, price, size in message["changes"]:
            sides[side].append((price, size))
        ts = _iso_ns(message["time"])
        yield _book(message["product_id"], ts, sides["buy"], sides["sell"], snapshot=False)
    elif kind == "snapshot":
        yield _book(message["product_id"], 0, message["bids"], message["asks"], snapshot=True)


def kraken(message: Any) -> Iterator[Row]:
    """Arrays of channel, data (one or two parts), name and pair."""
    if not isinstance(message, list):
        return
    name, pair = message[-2], message[-1]
    for part in message[1:-2]:
        if name == "ticker":
            yield from _quote(pair, 0, part["b"][0], part["b"][2], part["a"][0], part["a"][2])
        elif name == "trade":
            for place, (price, size, time, side, *_) in enumerate(part):
                taker = "buy" if side == "b" else "sell"
                yield Row(
                    "trades", pair, _seconds_ns(time), (f"{time}-{place}", float(price), float(size), taker)
                )
        elif name.startswith("book"):
            bids, asks = part.get("bs", part.get("b", [])), part.get("as", part.get("a", []))
            times = [level[2] for level in (*bids, *asks)]
            newest = max(map(_seconds_ns, times), default=0)
            yield _book(pair, newest, bids, asks, snapshot="bs" in part or "as" in part)


def bitstamp(message: Any) -> Iterator[Row]:
    """`live_trades_*` and `diff_order_book_*`."""
    channel = message.get("channel", "") if isinstance(message, dict) else ""
    data = message.get("data") if isinstance(message, dict) else None
    if not data:
        return
    if message["event"] == "trade":
        taker = "sell" if data["type"] == 1 else "buy"
        values = (str(data["id"]), float(data["price"]), float(data["amount"]), taker)
        yield Row("trades", channel.rpartition("_")[2].upper(), int(data["microtimestamp"]) * 1_000, values)
    elif message["event"] == "data" and "bids" in data:
        ts = int(data["microtimestamp"]) * 1_000
        yield _book(channel.rpartition("_")[2].upper(), ts, data["bids"], data["asks"], snapshot=False)


def kite_candles(message: dict[str, Any]) -> Iterator[Row]:
    """`data.candles`: time with offset, open, high, low, close, volume; the interval from the first two."""
    candles = message["data"]["candles"]
    starts = [_iso_ns(candle[0]) for candle in candles]
    steps = [after - before for before, after in pairwise(starts)]
    interval = min(steps, default=MINUTE_NS)
    for start, candle in zip(starts, candles, strict=True):
        yield Row("bars", "", start + interval, tuple(map(float, candle[1:6])), interval)


def market_event(event: Any) -> Iterator[Row]:
    """Trades and best prices as another program writes its events; reconnections are neither."""
    item = event.get("Item") if isinstance(event, dict) else None
    inner = item.get("Ok") if isinstance(item, dict) else None
    if not inner:
        return
    symbol, ts = f"{inner['exchange']}-{inner['instrument']}".upper(), _iso_ns(inner["time_exchange"])
    for name, part in inner["kind"].items():
        if name == "Trade":
            values = (part["id"], float(part["price"]), float(part["amount"]), part["side"].lower())
            yield Row("trades", symbol, ts, values)
        elif name == "OrderBookL1":
            bid, ask = part["best_bid"], part["best_ask"]
            if bid and ask:
                yield from _quote(symbol, ts, bid["price"], bid["amount"], ask["price"], ask["amount"])


BY_HOST: tuple[tuple[bytes, Translate], ...] = (
    (b"binance.com", binance),
    (b"coinbase.com", coinbase),
    (b"kraken.com", kraken),
    (b"bitstamp.net", bitstamp),
)
