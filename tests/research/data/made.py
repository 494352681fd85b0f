"""Rows and files that state only what matters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from daemon.research.data.catalogue import Catalogue, Series
from daemon.research.data.writing import Writer

MINUTE, HOUR, DAY = 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000
Y2024 = 1_704_067_200_000_000_000
"""2024-01-01 UTC."""
BARS = Series("BTC@x", "bars", MINUTE)
TRADES = Series("BTC@x", "trades")
QUOTES = Series("BTC@x", "quotes")


def bars(*minutes: int, close: float = 100.0, begin: int = Y2024) -> pl.DataFrame:
    """Bars that end so many minutes after the beginning."""
    return pl.DataFrame(
        {
            "ts_event": [begin + minute * MINUTE for minute in minutes],
            "open": [100.0] * len(minutes),
            "high": [max(100.0, close) + 1] * len(minutes),
            "low": [min(100.0, close) - 1] * len(minutes),
            "close": [close] * len(minutes),
            "volume": [1.0] * len(minutes),
        }
    )


def trades(*seconds: int, price: float = 100.0, ids: Sequence[str] | None = None) -> pl.DataFrame:
    """Trades so many seconds after the beginning, the second as their id."""
    return pl.DataFrame(
        {
            "ts_event": [Y2024 + second * 1_000_000_000 for second in seconds],
            "trade_id": list(ids or map(str, seconds)),
            "price": [price] * len(seconds),
            "size": [1.0] * len(seconds),
            "aggressor": ["buy"] * len(seconds),
        }
    )


def quotes(*seconds: int, bid: float = 100.0) -> pl.DataFrame:
    """Quotes so many seconds after the beginning."""
    return pl.DataFrame(
        {
            "ts_event": [Y2024 + second * 1_000_000_000 for second in seconds],
            "bid_price": [bid] * len(seconds),
            "bid_size": [1.0] * len(seconds),
            "ask_price": [bid + 1] * len(seconds),
            "ask_size": [1.0] * len(seconds),
        }
    )


def store(
    catalogue: Catalogue, series: Series, frame: pl.DataFrame, source: str = "a.csv", *, replace: bool = False
) -> int:
    """Put rows into the catalogue; returns how many were new."""
    with Writer(catalogue, source, replace=replace) as writer:
        writer.add(series, frame)
        return sum(each.added for each in writer.commit())


def csv_of_bars(
    path: Path, rows: Sequence[str], header: str = "timestamp,open,high,low,close,volume"
) -> Path:
    """A file of bars."""
    path.write_text("\n".join([header, *rows, ""]))
    return path


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something in another task, with a deadline."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.01)
