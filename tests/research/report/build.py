"""A made-up run of any length, with everything that a real one has."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars

from actors.analytics.series import FloatArray, IntArray
from actors.model.calendar import ALWAYS_OPEN
from daemon.research.figures import figures_of
from daemon.research.frames import (
    EQUITY,
    FILLS,
    ORDERS,
    POSITIONS,
    PRICES,
    TRADES,
    Frames,
    empty_frame,
    frame_of,
)
from daemon.research.runs import (
    AccountResult,
    Hashes,
    Run,
    RunInfo,
    StrategyResult,
    keep_run,
    with_result_hash,
)

DAY = 86_400 * 10**9
MINUTE = 60 * 10**9
PRICE_ROWS = 20_000
"""Runs keep no more of each instrument."""
T0 = 1_577_836_800 * 10**9  # 2020-01-01
BTC, ETH = "BTCUSDT@binance", "ETHUSDT@binance"


def a_run(
    *,
    days: int = 500,
    trades: int = 120,
    step: int = DAY,
    seed: int = 1,
    drift: float = 0.0008,
    fast: int = 10,
) -> Run:
    """One account, two strategies on two instruments; equity and trades from a seed."""
    chance = np.random.default_rng(seed)
    count = days * DAY // step
    ts = T0 + step + np.arange(count) * step
    rates = chance.normal(drift, 0.02, count) * (step / DAY) ** 0.5
    equity = 100_000.0 * np.cumprod(1.0 + rates)
    prices = 9_000.0 * np.cumprod(1.0 + chance.normal(0.0005, 0.025, count) * (step / DAY) ** 0.5)
    few = -(-count // PRICE_ROWS)
    frames = Frames(
        equity=_equity(ts, equity, chance),
        trades=_trades(ts, prices, trades, chance),
        fills=empty_frame(FILLS),
        orders=empty_frame(ORDERS),
        positions=empty_frame(POSITIONS),
        prices=polars.concat(
            [_prices(ts[::few], prices[::few] / scale, name, chance) for name, scale in ((BTC, 1), (ETH, 30))]
        ),
    )
    return Run(with_result_hash(_info(frames, equity, fast, seed), frames), frames)


def kept(state: Path, run: Run) -> Path:
    """Its folder in a state folder."""
    return keep_run(state, run).path


def _equity(ts: IntArray, equity: FloatArray, chance: np.random.Generator) -> polars.DataFrame:
    count = len(ts)
    gross, nothing = np.where(chance.random(count) > 0.3, equity * 0.6, 0.0), np.zeros(count)
    values: dict[str, Any] = (
        {
            "ts": ts, "account": ["main"] * count, "currency": ["USDT"] * count, "equity": equity,
            "cash": equity - gross, "gross_exposure": gross, "net_exposure": gross,
            "unrealised_pnl": nothing, "realised_pnl": nothing, "fees": nothing,
        }
    )  # fmt: skip
    return frame_of(EQUITY, values)


def _trades(ts: IntArray, prices: FloatArray, count: int, chance: np.random.Generator) -> polars.DataFrame:
    opened = np.sort(chance.integers(0, len(ts) - 3, count))
    closed = np.minimum(opened + 1 + chance.integers(0, max(2, len(ts) // 60), count), len(ts) - 1)
    instruments = [BTC if draw > 0.4 else ETH for draw in chance.random(count)]
    scale = np.asarray([1.0 if name == BTC else 1 / 30 for name in instruments])
    entry, leave = prices[opened] * scale, prices[closed] * scale
    sign = np.where(chance.random(count) > 0.3, 1, -1)
    quantity = 5_000.0 / entry
    pnl, fees = (leave - entry) * quantity * sign, np.full(count, 10.0)
    values: dict[str, Any] = (
        {
            "account": ["main"] * count, "strategy": ["cross" if n == BTC else "fade" for n in instruments],
            "instrument": instruments, "direction": ["long" if s > 0 else "short" for s in sign],
            "tag": [None] * count, "ts_opened": ts[opened], "ts_closed": ts[closed],
            "quantity": quantity.tolist(), "entry_price": entry.tolist(), "exit_price": leave.tolist(),
            "realised_pnl": pnl.tolist(), "fees": fees.tolist(), "slippage": [2.5] * count,
            "borrow": [0.0] * count, "funding": [0.0] * count, "net": (pnl - fees).tolist(),
            "risk": [None] * count, "adverse": (-np.abs(chance.normal(0, 0.02, count))).tolist(),
            "favourable": np.abs(chance.normal(0, 0.02, count)).tolist(),
        }
    )  # fmt: skip
    return frame_of(TRADES, values)


def _prices(ts: IntArray, close: FloatArray, name: str, chance: np.random.Generator) -> polars.DataFrame:
    opened = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opened, close) * (1 + np.abs(chance.normal(0, 0.004, len(close))))
    low = np.minimum(opened, close) * (1 - np.abs(chance.normal(0, 0.004, len(close))))
    values: dict[str, Any] = {
        "ts": ts, "instrument": [name] * len(ts), "open": opened, "high": high, "low": low, "close": close,
        "volume": np.ones(len(ts)),
    }  # fmt: skip
    return frame_of(PRICES, values)


def _info(frames: Frames, equity: FloatArray, fast: int, seed: int) -> RunInfo:
    figures = figures_of(
        frames,
        calendar=ALWAYS_OPEN,
        interval_ns=60 * MINUTE,
    )
    trades = frames.trades
    account = AccountResult(
        currency="USDT", equity_start=100_000.0, equity_end=float(equity[-1]),
        realised_pnl=float(trades["realised_pnl"].sum()), unrealised_pnl=0.0,
        fees=float(trades["fees"].sum()),
        max_drawdown=figures.equity.max_drawdown or 0.0 if figures.equity else 0.0,
        balances={"USDT": Decimal(repr(float(equity[-1])))}, trial_balance=Decimal(0), figures=figures,
    )  # fmt: skip
    return RunInfo(
        run_id=f"{seed:04}{fast:08}", state="complete",
        hashes=Hashes(config=f"{fast:064}", code="c" * 64, data="d" * 64), versions={"tickerd": "0.1.0"},
        config={
            "strategies": {
                "cross": {"use": "mine:Cross", "parameters": {"fast": fast}, "instruments": [BTC]},
                "fade": {"use": "mine:Fade", "parameters": {}, "instruments": [ETH]},
            },
            "backtest": {"data": [{"path": "btc.parquet"}], "equity_interval": "1d"},
        },
        start="2020-01-01T00:00:00+00:00", end="2021-05-15T00:00:00+00:00", inputs=1_000_000, orders=240,
        fills=240, trades=trades.height, accounts={"main": account},
        strategies={
            name: StrategyResult(orders=120, fills=120, trades=60, won=28, realised_pnl=1234.5, fees=600.0)
            for name in ("cross", "fade")
        },
        denied={"ORDER_RATE_EXCEEDS_MAX": 2}, rejected={}, warnings=["one bar of 2020-03-08 is missing"],
        failures=[], seconds=2.5, inputs_per_second=400_000,
    )  # fmt: skip
