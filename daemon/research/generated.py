"""Made-up markets to test strategies on: trends, quiet and wild days; one seed is one market."""

from __future__ import annotations

import numpy as np
import polars as pl

HOUR_NS = 3_600_000_000_000
BEGIN_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z."""
REGIME_BARS = 120
"""How long a trend or a mood lasts."""


def generated_bars(count: int = 2_000, *, seed: int = 1, interval_ns: int = HOUR_NS) -> pl.DataFrame:
    """Bars of a market that has never been: timestamp (start), open, high, low, close, volume."""
    chance = np.random.default_rng(seed)
    regimes = -(-count // REGIME_BARS)
    drift = np.repeat(chance.normal(0.0, 0.001, regimes), REGIME_BARS)[:count]
    spread = np.repeat(chance.uniform(0.002, 0.012, regimes), REGIME_BARS)[:count]
    steps = drift + spread * chance.standard_normal(count)
    close = np.round(100.0 * np.exp(np.cumsum(steps)), 2)
    open_ = np.concatenate(([100.0], close[:-1]))
    reach = spread * np.abs(chance.standard_normal((2, count)))
    return pl.DataFrame(
        {
            "timestamp": _times(count, interval_ns),
            "open": open_,
            "high": np.round(np.maximum(open_, close) * (1.0 + reach[0]), 2),
            "low": np.maximum(np.round(np.minimum(open_, close) * (1.0 - reach[1]), 2), 0.01),
            "close": close,
            "volume": np.round(chance.lognormal(5.0, 0.5, count), 3),
        }
    )


def generated_quotes(count: int = 5_000, *, seed: int = 1, interval_ns: int = 1_000_000_000) -> pl.DataFrame:
    """Quotes of such a market, one tick to a few ticks wide."""
    chance = np.random.default_rng(seed)
    mid = 100.0 * np.exp(np.cumsum(chance.normal(0.0, 0.0003, count)))
    bid = np.round(mid - 0.01, 2)
    return pl.DataFrame(
        {
            "timestamp": _times(count, interval_ns),
            "bid_price": bid,
            "bid_size": np.round(chance.lognormal(1.0, 0.5, count), 3),
            "ask_price": np.round(bid + 0.01 * chance.integers(1, 4, count), 2),
            "ask_size": np.round(chance.lognormal(1.0, 0.5, count), 3),
        }
    )


def _times(count: int, interval_ns: int) -> pl.Series:
    times = np.arange(count, dtype=np.int64) * interval_ns + BEGIN_NS
    return pl.Series("timestamp", times).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
