"""Klines of one symbol: seconds and minutes are kept, every other interval is made from them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WEEK_OFFSET_MS = 4 * 86_400_000  # the epoch was a Thursday, weeks begin on Monday
INTERVALS = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
MINUTE_MS = 60_000
SECONDS_KEPT = 3_600


class Kline(msgspec.Struct, gc=False):
    """One bar; prices in quote per base, volumes in base and quote."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    quote_volume: float = 0.0
    taker_volume: float = 0.0
    taker_quote_volume: float = 0.0
    trades: int = 0
    first_trade_id: int = -1
    last_trade_id: int = -1

    def add(self, price: float, size: float, *, trade_id: int, buyer_is_maker: bool) -> None:
        """Take one trade."""
        if self.first_trade_id < 0:
            self.first_trade_id = trade_id
        if not self.trades:
            self.open = self.high = self.low = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += size
        self.quote_volume += size * price
        if not buyer_is_maker:
            self.taker_volume += size
            self.taker_quote_volume += size * price
        self.trades += 1
        self.last_trade_id = trade_id


def interval_start(interval: str, time_ms: int) -> int:
    """Open time of the bar that contains `time_ms`."""
    if interval == "1M":
        day = datetime.fromtimestamp(time_ms / 1_000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp() * 1_000)
    length = int(interval[:-1]) * _UNIT_MS[interval[-1]]
    shift = _WEEK_OFFSET_MS if interval == "1w" else 0
    return (time_ms - shift) // length * length + shift


def interval_end(interval: str, open_ms: int) -> int:
    """First millisecond after the bar."""
    if interval == "1M":
        day = datetime.fromtimestamp(open_ms / 1_000, UTC)
        year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1_000)
    return open_ms + int(interval[:-1]) * _UNIT_MS[interval[-1]]


def merged(bars: Sequence[Kline], open_ms: int) -> Kline:
    """One bar out of its parts, oldest first, at least one."""
    traded = [bar for bar in bars if bar.first_trade_id >= 0]
    return Kline(
        open_ms=open_ms,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum(bar.volume for bar in bars),
        quote_volume=sum(bar.quote_volume for bar in bars),
        taker_volume=sum(bar.taker_volume for bar in bars),
        taker_quote_volume=sum(bar.taker_quote_volume for bar in bars),
        trades=sum(bar.trades for bar in bars),
        first_trade_id=traded[0].first_trade_id if traded else -1,
        last_trade_id=traded[-1].last_trade_id if traded else -1,
    )


class Klines:
    """All bars of one symbol up to now, without a hole: a bar without trades repeats the last price."""

    def __init__(self, *, seconds: Iterable[Kline], minutes: Iterable[Kline]) -> None:
        self._seconds = list(seconds)
        self._minutes = list(minutes)

    def advance(self, now_ms: int) -> None:
        """Open the bars that have begun by `now_ms`."""
        if now_ms >= self._seconds[-1].open_ms + 1_000:
            _extend(self._seconds, now_ms, 1_000)
            if len(self._seconds) > SECONDS_KEPT + 600:
                del self._seconds[:600]
            _extend(self._minutes, now_ms, MINUTE_MS)

    def add(self, price: float, size: float, *, time_ms: int, trade_id: int, buyer_is_maker: bool) -> None:
        """Book a trade; one whose second has passed counts in the newest bar, closed bars never change."""
        self.advance(time_ms)
        self._seconds[-1].add(price, size, trade_id=trade_id, buyer_is_maker=buyer_is_maker)
        self._minutes[-1].add(price, size, trade_id=trade_id, buyer_is_maker=buyer_is_maker)

    def current(self, interval: str, now_ms: int) -> Kline:
        """The bar that contains now."""
        return self.bar_at(interval, interval_start(interval, now_ms))

    def bar_at(self, interval: str, open_ms: int) -> Kline:
        """The bar that opened at `open_ms`, as far as it has come."""
        parts = self._parts(interval, open_ms, interval_end(interval, open_ms))
        return merged(parts or self._minutes[-1:], open_ms)

    def query(self, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Kline]:
        """Oldest first: from `start_ms` up to `limit`, else the last `limit` ones that open by `end_ms`."""
        parts = self._parts(interval, start_ms or 0, (end_ms + 1) if end_ms is not None else None)
        length = 1 if interval in ("1s", "1m") else max(1, (interval_end(interval, 0)) // MINUTE_MS)
        enough = (limit + 1) * length
        parts = parts[:enough] if start_ms is not None else parts[-enough:]
        groups: dict[int, list[Kline]] = {}
        for part in parts:
            groups.setdefault(interval_start(interval, part.open_ms), []).append(part)
        whole = [
            self.bar_at(interval, open_ms) for open_ms in groups if start_ms is None or open_ms >= start_ms
        ]
        return whole[:limit] if start_ms is not None else whole[-limit:]

    def _parts(self, interval: str, start_ms: int, end_ms: int | None) -> list[Kline]:
        bars = self._seconds if interval == "1s" else self._minutes
        begin = bisect_left(bars, start_ms, key=lambda bar: bar.open_ms)
        end = len(bars) if end_ms is None else bisect_left(bars, end_ms, key=lambda bar: bar.open_ms)
        return bars[begin:end]


def _extend(bars: list[Kline], now_ms: int, length_ms: int) -> None:
    last = bars[-1]
    while now_ms >= last.open_ms + length_ms:
        close = last.close
        last = Kline(last.open_ms + length_ms, close, close, close, close)
        bars.append(last)
