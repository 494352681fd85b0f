"""Klines for the time before the exchange started: a seeded walk that ends at the market's first price."""

from __future__ import annotations

import random

from daemon.exchange.market_data.klines import MINUTE_MS, SECONDS_KEPT, Kline, Klines, interval_start, merged


def klines_until(
    now_ms: int, *, last_price: float, tick: float, hours: float, seed: str, volatility: float
) -> Klines:
    """History ending now: seconds for the last hour (or `hours`), minutes for all of them.

    Args:
        volatility: Standard deviation over one second, fraction.
    """
    # chance only decides bars that nobody has traded; the seed makes every run with the same start alike
    chance = random.Random(f"history {seed}")
    newest = interval_start("1s", now_ms)
    whole_minutes = min(SECONDS_KEPT // 60, max(1, int(hours * 60)))
    oldest_second = interval_start("1m", newest) - whole_minutes * MINUTE_MS
    seconds = _walk_back(
        chance, newest, oldest_second, 1_000, last_price=last_price, tick=tick, step=volatility
    )
    first_minute = oldest_second - max(0, int(hours * 60) - whole_minutes) * MINUTE_MS
    minutes = _walk_back(
        chance,
        oldest_second - MINUTE_MS,
        first_minute,
        MINUTE_MS,
        last_price=seconds[0].open,
        tick=tick,
        step=volatility * 60**0.5,
    )
    groups: dict[int, list[Kline]] = {}
    for bar in seconds:
        groups.setdefault(interval_start("1m", bar.open_ms), []).append(bar)
    minutes += [merged(bars, open_ms) for open_ms, bars in groups.items()]
    return Klines(seconds=seconds, minutes=minutes)


def _walk_back(
    chance: random.Random,
    newest_ms: int,
    oldest_ms: int,
    length_ms: int,
    *,
    last_price: float,
    tick: float,
    step: float,
) -> list[Kline]:
    bars: list[Kline] = []
    close = last_price
    for open_ms in range(newest_ms, oldest_ms - 1, -length_ms):
        opened = max(tick, _on_grid(close * (1 + chance.gauss(0, step)), tick))
        wick = abs(chance.gauss(0, step)) * close * 0.5
        high = _on_grid(max(opened, close) + wick, tick)
        low = max(tick, _on_grid(min(opened, close) - wick, tick))
        volume = round(chance.uniform(0.1, 2.0) * length_ms / 1_000, 5)
        bars.append(
            Kline(
                open_ms,
                opened,
                max(high, opened, close),
                min(low, opened, close),
                close,
                volume,
                volume * close,
                volume / 2,
                volume * close / 2,
                trades=1 + int(volume * 3),
            )
        )
        close = opened
    bars.reverse()
    return bars


def _on_grid(price: float, tick: float) -> float:
    return round(round(price / tick) * tick, 8)
