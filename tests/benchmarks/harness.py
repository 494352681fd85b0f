"""What every benchmark row shares: data, timing, and how a row looks."""

from __future__ import annotations

import gc
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import perf_counter

import msgspec

from actors.messages.market import Bar, Quote

INSTRUMENT = "BTCUSDT@binance"
MINUTE_NS = 60_000_000_000
START_NS = 1_700_000_040_000_000_000 // MINUTE_NS * MINUTE_NS


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure."""

    what: str
    value: float
    unit: str
    budget: float | None = None
    """From the design; higher is better for rates, lower for everything else."""
    detail: str = ""


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    scale: float = 1.0
    """Share of the full number of inputs and samples."""
    is_long: bool = False
    """Whether rows that take minutes are wanted."""

    def of(self, count: int, *, least: int = 1000) -> int:
        """So many of a full count."""
        return max(min(least, count), round(count * self.scale))


def quotes(count: int, *, seed: int = 1, gap_ns: int = 100_000_000) -> list[Quote]:
    """A seeded random walk of best bids and asks on a grid of 0.01."""
    random = Random(seed)
    made, ticks = [], 6_000_000
    for number in range(count):
        ticks += random.randint(-3, 3)
        bid = ticks / 100
        made.append(
            Quote(
                instrument=INSTRUMENT,
                ts_event=START_NS + number * gap_ns,
                bid_price=bid,
                bid_size=random.randint(1, 500) / 100,
                ask_price=bid + 0.01,
                ask_size=random.randint(1, 500) / 100,
            )
        )
    return made


def bars(count: int, *, seed: int = 1, instrument: str = INSTRUMENT) -> list[Bar]:
    """One-minute bars of a seeded random walk; the open is the close before."""
    random = Random(seed)
    made, price = [], 60_000.0
    for number in range(count):
        close = round(price * (1 + random.gauss(0, 0.0005)), 2)
        high, low = max(price, close) + random.randint(0, 20), min(price, close) - random.randint(0, 20)
        made.append(
            Bar(
                instrument=instrument,
                ts_event=START_NS + (number + 1) * MINUTE_NS,
                interval_ns=MINUTE_NS,
                open=price,
                high=high,
                low=low,
                close=close,
                volume=float(random.randint(1, 1000)),
            )
        )
        price = close
    return made


def median_seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    """Median wall time of one call, garbage collected before each."""
    times = []
    for _ in range(runs):
        gc.collect()
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return statistics.median(times)


def percentiles(
    what: str, seconds: Sequence[float], budgets: Sequence[float | None], detail: str
) -> list[Row]:
    """Rows of p50, p99 and p99.9 in microseconds; the largest and how many there were stand in the note."""
    ordered = sorted(seconds)
    shares = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    return [
        Row(
            what=f"{what}, {name}",
            value=percentile(ordered, share) * 1e6,
            unit="µs",
            budget=budget,
            detail=f"{detail}; n {len(ordered)}, max {ordered[-1] * 1e6:,.0f} µs",
        )
        for (name, share), budget in zip(shares, budgets, strict=True)
    ]


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def resident_mb() -> float:
    """Resident memory of this process, MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def circumstances() -> str:
    """Interpreter, pinning and how busy the machine is, which every published figure must name."""
    cores = sorted(os.sched_getaffinity(0))
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    load = os.getloadavg()[0]
    return f"{interpreter}, on core {cores} of {os.cpu_count()}, load average {load:.1f}"
