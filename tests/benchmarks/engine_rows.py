"""The whole graph on data in memory: every actor, the full life of each order, risk, double entry."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import msgspec

from actors.messages.account import TradeClosed
from actors.messages.market import Bar, MarketData
from actors.messages.orders import OrderFilled, SubmitOrder
from actors.strategies.library.sma_cross import SmaCross
from daemon.config import Config
from tests.benchmarks.engine import Engine, a_config
from tests.benchmarks.harness import MINUTE_NS, START_NS, Effort, Row, bars, quotes
from tests.benchmarks.strategies import EveryThousand, Idle

RUNS = 3


def _rate(config: Config, data: Sequence[MarketData], what: str, unit: str, budget: float) -> Row:
    seconds, cpu, engine = [], [], None
    for _ in range(RUNS):
        engine = Engine(config, data[0].ts_event)
        seconds.append(engine.feed(data))
        cpu.append(engine.cpu_seconds)
    assert engine is not None
    orders, fills = engine.count(SubmitOrder), engine.count(OrderFilled)
    return Row(
        what=what,
        value=len(data) / statistics.median(seconds),
        unit=unit,
        budget=budget,
        detail=f"{len(data):,} inputs, {orders:,} orders, {fills:,} fills; "
        f"{len(data) / statistics.median(cpu):,.0f} per CPU second",
    )


def rows(effort: Effort) -> Iterator[Row]:
    """Backtests; data are made before the clock starts."""
    quoted = quotes(effort.of(1_000_000))
    idle, resting = a_config(Idle, bars=False), a_config(EveryThousand, bars=False)
    yield _rate(idle, quoted, "quotes to a strategy that does nothing", "/s", 1e6)
    yield _rate(resting, quoted, "quotes, EMA, limit orders and cancels", "ticks/s", 1e6)
    del quoted
    yield from _one_instrument(effort)
    yield _ten_instruments(effort)


def _one_instrument(effort: Effort) -> Iterator[Row]:
    data = bars(effort.of(1_000_000))
    fast = a_config(SmaCross, bars=True, parameters={"fast": 10, "slow": 50})
    slow = a_config(SmaCross, bars=True, parameters={"fast": 500, "slow": 2500})
    yield _rate(fast, data, "bars, one instrument, SMA 10/50", "bars/s", 600e3)
    yield _rate(slow, data, "bars, one instrument, SMA 500/2500", "bars/s", 800e3)
    yield _history(effort)


def _history(effort: Effort) -> Row:
    """What a bar costs late against early: the same bars, after few and after many closed positions."""
    many, few = effort.of(27_000, least=2_000), effort.of(1_000, least=200)
    chunk = bars(effort.of(10_000))
    shift = len(chunk) * MINUTE_NS
    config = a_config(SmaCross, bars=True, parameters={"fast": 3, "slow": 5})
    engine = Engine(config, START_NS)
    seconds: list[tuple[int, float]] = []
    while not seconds or seconds[-1][0] < many + few:
        engine.feed(chunk)
        seconds.append((engine.count(TradeClosed), engine.cpu_seconds))
        chunk = [_later(bar, shift) for bar in chunk]
    early = statistics.median(spent for _, spent in seconds[:3])
    late = statistics.median(spent for _, spent in seconds[-3:])
    return Row(
        what=f"speed at {seconds[-1][0]:,} closed positions against {seconds[0][0]:,}",
        value=early / late,
        unit="×",
        budget=0.95,
        detail=f"{len(chunk):,} bars a sample, median CPU time of 3 at either end",
    )


def _later(bar: Bar, shift: int) -> Bar:
    return msgspec.structs.replace(bar, ts_event=bar.ts_event + shift)


def _ten_instruments(effort: Effort) -> Row:
    names = [f"C{number}USDT@binance" for number in range(10)]
    series = [bars(effort.of(100_000), seed=seed, instrument=name) for seed, name in enumerate(names)]
    merged = [bar for together in zip(*series, strict=True) for bar in together]
    config = a_config(SmaCross, instruments=names, bars=True, parameters={"fast": 10, "slow": 50})
    return _rate(config, merged, "bars, ten instruments, SMA 10/50", "bars/s", 450e3)
