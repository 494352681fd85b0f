"""The generated data as tickerd's own messages, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actors.messages.market import Bar, MarketData, Quote
from tests.benchmarks.harness import INSTRUMENT, MINUTE_NS, Effort, bars, quotes
from tests.benchmarks.peers.given import COLUMNS, Given, write_columns

WORKLOADS = {
    "A": "1,000,000 bars, SMA 10/50, long or flat, 1 bp",
    "A2": "the same with SMA 500/2500",
    "N": "1,000,000 bars to a strategy that does nothing",
    "B": "10 instruments × 100,000 bars, SMA 10/50",
    "C": "1,000,000 quotes, EMA, a limit order every 1,000, cancelled after 500",
}


def write_workload(workload: str, folder: Path, effort: Effort) -> None:
    """Generate a workload's data for everybody."""
    place = folder / workload
    place.mkdir(parents=True, exist_ok=True)
    if workload == "C":
        _write(place / INSTRUMENT, "quotes", quotes(effort.of(1_000_000)))
    elif workload == "B":
        for number in range(10):
            name = f"C{number}USDT@binance"
            _write(place / name, "bars", bars(effort.of(100_000), seed=number, instrument=name))
    else:
        _write(place / INSTRUMENT, "bars", bars(effort.of(1_000_000)))


def _write(path: Path, kind: str, messages: Sequence[MarketData]) -> None:
    values = [[getattr(message, name) for message in messages] for name in COLUMNS[kind]]
    write_columns(path, kind, [message.ts_event for message in messages], values)


def messages_of(data: Given) -> list[MarketData]:
    """All inputs of a workload, merged by time, instruments in turn."""
    series: list[list[MarketData]] = []
    for name, columns in data.series.items():
        rows = zip(columns["ts"], *(columns[each] for each in COLUMNS[data.kind]), strict=True)
        if data.kind == "quotes":
            series.append([
                Quote(instrument=name, ts_event=ts, bid_price=bp, bid_size=bs, ask_price=ap, ask_size=az)
                for ts, bp, bs, ap, az in rows
            ])  # fmt: skip
        else:
            series.append([
                Bar(
                    instrument=name, ts_event=ts, interval_ns=MINUTE_NS,
                    open=o, high=h, low=lo, close=c, volume=v,
                )
                for ts, o, h, lo, c, v in rows
            ])  # fmt: skip
    return [message for together in zip(*series, strict=True) for message in together]
