"""Warm-up: what lies before the start feeds indicators, and nobody decides anything in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from daemon.config import DataFile
from daemon.research.backtest import run_backtest
from daemon.research.frames import times_of
from daemon.startup import load_classes
from tests.research.test_backtest import BTC, a_config

SECOND = 1_000_000_000
BEGIN = 1_704_067_200 * SECOND
START = BEGIN + 30 * SECOND


def ticks(folder: Path, kind: str) -> DataFile:
    """One every half second for a minute."""
    times = [BEGIN + n * SECOND // 2 for n in range(120)]
    stamps: dict[str, list[Any]] = {"ts_event": times}
    ones, count = [1.0] * len(times), len(times)
    columns: dict[str, dict[str, list[Any]]] = {
        "trades": {"trade_id": [str(n) for n in range(count)], "price": [100.0] * count, "size": ones,
                   "aggressor": ["buy"] * count},
        "quotes": {"bid_price": [99.0] * count, "bid_size": ones, "ask_price": [101.0] * count,
                   "ask_size": ones},
    }  # fmt: skip
    path = folder / f"{kind}.parquet"
    pl.DataFrame(stamps | columns[kind]).write_parquet(path)
    return DataFile(path=str(path), instrument=BTC)


def test_no_order_is_decided_before_the_start_by_strategies_of_ticks(tmp_path: Path) -> None:
    # One strategy has bars of the trades and so makes the run begin early; the other hears ticks alone.
    config = a_config(ticks(tmp_path, "trades"), ticks(tmp_path, "quotes"), use="OnBarsAndTicks", bars="1s")
    (bars,) = config.strategies.values()
    use = "tests.research.strategies_for_tests:OnEveryTick"
    alone = msgspec.structs.replace(bars, use=use, bars=())
    config = msgspec.structs.replace(config, strategies={"bars": bars, "ticks": alone})
    orders = run_backtest(config, load_classes(config), start=START).frames.orders
    wanted = {"bars": ["bar", "quote", "start", "trade"], "ticks": ["quote", "start", "trade"]}
    for strategy, tags in wanted.items():
        own = orders.filter(pl.col("strategy") == strategy)
        assert own["tag"].drop_nulls().unique().sort().to_list() == tags
        assert min(times_of(own)) == START
