"""Klines: made from trades, without holes, every interval out of the same parts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from daemon.exchange.market_data.history import klines_until
from daemon.exchange.market_data.klines import INTERVALS, Kline, Klines, interval_end, interval_start

NOW_MS = 1_790_000_045_500  # 2026-09-21 14:14:05.5 UTC, a Monday
SECOND_MS = NOW_MS // 1_000 * 1_000
MINUTE_MS = NOW_MS // 60_000 * 60_000


def flat(open_ms: int, price: float = 100.0) -> Kline:
    return Kline(open_ms, price, price, price, price)


def empty() -> Klines:
    return Klines(seconds=[flat(SECOND_MS)], minutes=[flat(MINUTE_MS)])


def add(klines: Klines, price: float, size: float, time_ms: int, trade_id: int = 1) -> None:
    klines.add(price, size, time_ms=time_ms, trade_id=trade_id, buyer_is_maker=False)


def test_a_bar_is_its_first_highest_lowest_and_last_trade() -> None:
    klines = empty()
    for number, price in enumerate((101.0, 105.0, 99.0, 102.0)):
        add(klines, price, 2.0, NOW_MS + number, trade_id=7 + number)
    bar = klines.current("1s", NOW_MS)
    assert (bar.open, bar.high, bar.low, bar.close) == (101.0, 105.0, 99.0, 102.0)
    assert (bar.volume, bar.quote_volume, bar.trades) == (8.0, 814.0, 4)
    assert (bar.first_trade_id, bar.last_trade_id) == (7, 10)


def test_seconds_without_a_trade_repeat_the_last_price() -> None:
    klines = empty()
    add(klines, 101.0, 1.0, NOW_MS)
    klines.advance(NOW_MS + 3_000)
    bars = klines.query("1s", None, None, 3)
    assert [(bar.open, bar.close, bar.volume, bar.trades) for bar in bars] == [(101.0, 101.0, 0.0, 0)] * 3


def test_a_late_trade_counts_in_the_open_bar_and_leaves_closed_ones_alone() -> None:
    klines = empty()
    add(klines, 101.0, 1.0, NOW_MS)
    klines.advance(NOW_MS + 1_000)
    add(klines, 200.0, 1.0, NOW_MS)
    closed, current = klines.query("1s", None, None, 2)
    assert closed.high == 101.0
    assert current.high == 200.0


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_covers_time_without_gap_or_overlap(interval: str) -> None:
    start = interval_start(interval, NOW_MS)
    end = interval_end(interval, start)
    assert start <= NOW_MS < end
    assert interval_start(interval, end) == end
    assert interval_start(interval, end - 1) == start


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert interval_start("1w", NOW_MS) == 1_789_948_800_000  # 2026-09-21
    assert interval_start("1M", NOW_MS) == 1_788_220_800_000  # 2026-09-01


@pytest.mark.parametrize("interval", ["1s", "1m", "3m", "15m", "1h", "4h"])
def test_history_leads_to_the_first_price_without_a_hole(interval: str) -> None:
    klines = klines_until(NOW_MS, last_price=60_000.0, tick=0.01, hours=30.0, seed="a", volatility=0.0001)
    bars = klines.query(interval, None, None, 1_000)
    for bar, after in pairwise(bars):
        assert after.open_ms == interval_end(interval, bar.open_ms)
        assert after.open == bar.close
    assert bars[-1].close == 60_000.0
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


def test_paging_forward_meets_every_bar_once() -> None:
    klines = klines_until(NOW_MS, last_price=10.0, tick=0.01, hours=5.0, seed="b", volatility=0.001)
    paged: list[int] = []
    start = klines.query("1m", None, None, 200)[0].open_ms
    while page := klines.query("1m", start, None, 7):
        paged += [bar.open_ms for bar in page]
        start = page[-1].open_ms + 1
    assert paged == [bar.open_ms for bar in klines.query("1m", None, None, 200)]
