"""Bars of the past as TWS makes them, and those that go on."""

from __future__ import annotations

from datetime import UTC, datetime

from daemon.exchange.ib import replies
from daemon.exchange.ib.checks import Refusal
from daemon.exchange.ib.quotes import Subscription
from daemon.exchange.ib.requests import HistoricalData
from daemon.exchange.ib.wire import Field
from daemon.exchange.market_data.klines import Kline, merged
from daemon.exchange.market_data.market import SymbolMarket

_SECOND, _MINUTE, _DAY = 1_000, 60_000, 86_400_000
BAR_MS = {
    "1 secs": _SECOND, "5 secs": 5 * _SECOND, "10 secs": 10 * _SECOND, "15 secs": 15 * _SECOND,
    "30 secs": 30 * _SECOND, "1 min": _MINUTE, "2 mins": 2 * _MINUTE, "3 mins": 3 * _MINUTE,
    "5 mins": 5 * _MINUTE, "10 mins": 10 * _MINUTE, "15 mins": 15 * _MINUTE, "20 mins": 20 * _MINUTE,
    "30 mins": 30 * _MINUTE, "1 hour": 60 * _MINUTE, "2 hours": 120 * _MINUTE, "3 hours": 180 * _MINUTE,
    "4 hours": 240 * _MINUTE, "8 hours": 480 * _MINUTE, "1 day": _DAY,
}  # fmt: skip
UNIT_MS = {"S": _SECOND, "D": _DAY, "W": 7 * _DAY, "M": 30 * _DAY, "Y": 365 * _DAY}
REAL_TIME_MS = 5 * _SECOND
BARS_MAX = 20_000


def bars_of(market: SymbolMarket, request: HistoricalData, now_ms: int) -> list[Kline]:
    """Oldest first; the last one may still grow.

    Raises:
        Refusal: A size, duration or end that TWS does not take.
    """
    length = BAR_MS.get(request.bar_size)
    number, _, unit = request.duration.partition(" ")
    if length is None or unit not in UNIT_MS or not number.isdigit():
        raise Refusal(321, "Error validating request.-'bR' : cause - Invalid duration or bar size")
    end_ms = _end_ms(request.end, now_ms)
    start_ms = end_ms - int(number) * UNIT_MS[unit]
    return _between(market, length, start_ms // length * length, min(end_ms, now_ms))


def _between(market: SymbolMarket, length: int, start_ms: int, end_ms: int) -> list[Kline]:
    unit = "1s" if length < _MINUTE else "1m"
    parts = market.klines.query(unit, start_ms, None, BARS_MAX)
    groups: dict[int, list[Kline]] = {}
    for part in parts:
        if part.open_ms < end_ms:
            groups.setdefault(part.open_ms // length * length, []).append(part)
    return [merged(group, open_ms) for open_ms, group in groups.items()]


def _end_ms(text: str, now_ms: int) -> int:
    if not text:
        return now_ms
    form = "%Y%m%d-%H:%M:%S" if "-" in text else "%Y%m%d %H:%M:%S"
    try:
        when = datetime.strptime(" ".join(text.split()[:2]), form).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(10314, "End Date/Time: The date, time, or time-zone entered is invalid.") from None
    return int(when.timestamp() * 1_000)


def shown(bar: Kline, length_ms: int, format_date: int) -> list[Field]:
    """A bar in a reply: seconds UTC when asked so, a date for days."""
    when = datetime.fromtimestamp(bar.open_ms / 1_000, UTC)
    if length_ms >= _DAY:
        time: Field = when.strftime("%Y%m%d")
    else:
        time = bar.open_ms // 1_000 if format_date == 2 else when.strftime("%Y%m%d-%H:%M:%S")
    average = bar.quote_volume / bar.volume if bar.volume else bar.close
    return [time, bar.open, bar.high, bar.low, bar.close, f"{bar.volume:g}", average, bar.trades]


def five_seconds(subscription: Subscription) -> None:
    """Let a subscription have a real-time bar every five seconds."""
    begun = 0

    def on_bar(now_ms: int) -> None:
        nonlocal begun
        opened = now_ms // REAL_TIME_MS * REAL_TIME_MS
        last, begun = begun, opened
        if last in (0, opened):
            return
        for bar in _between(subscription.market, REAL_TIME_MS, last, opened):
            seconds, *figures = shown(bar, REAL_TIME_MS, 2)
            assert isinstance(seconds, int)
            fields = replies.real_time_bar(subscription.req_id, seconds, figures)
            subscription.line.send("realtimeBar", fields)

    subscription.on_bar = on_bar


def kept_up_to_date(subscription: Subscription, request: HistoricalData) -> None:
    """Let a subscription see the newest bar grow."""
    length = BAR_MS[request.bar_size]
    told: list[Field] = []
    told_ms = 0

    def on_bar(now_ms: int) -> None:
        nonlocal told, told_ms
        opened = now_ms // length * length
        for bar in _between(subscription.market, length, min(told_ms or opened, opened), now_ms):
            fields = shown(bar, length, 2)
            if fields != told:
                told, told_ms = fields, bar.open_ms
                time, opening, high, low, close, volume, average, count = fields
                subscription.line.send(
                    "historicalDataUpdate",
                    replies.historical_update(
                        subscription.req_id,
                        {
                            "count": count, "time": time, "open": opening, "close": close, "high": high,
                            "low": low, "average": average, "volume": volume,
                        },
                    ),
                )  # fmt: skip

    subscription.on_bar = on_bar
