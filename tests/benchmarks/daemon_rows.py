"""The real daemon, a process of its own, on sockets of a small venue in this one.

Socket to socket: from just before the venue hands a tick to its socket until it has read the order from
another. Loopback, WebSocket framing, JSON and signing on the way are in it. Pinned, the daemon has the core
named and the venue the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count as counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter
from typing import Any

import uvloop
from aiohttp import web

from actors.errors import TradingError
from daemon.control_client import call
from tests.benchmarks.harness import Effort, Row, percentiles, quotes
from tests.benchmarks.sealed import sealed_bytes
from tests.benchmarks.strategies import MARK_SIZE
from tests.conftest import REPO_ROOT
from tests.fakes.binance_server import API_KEY, BTCUSDT, SECRET, BinanceServer, Json

GAP_SECONDS = 0.002
TICKS_PER_ORDER = 8
QUOTES_PER_SECOND = 10_000
INSTRUMENTS = 50
SAMPLE_SECONDS = (20.0, 60.0)
LONG_SAMPLE_SECONDS = (60.0, 600.0)


class TimedVenue(BinanceServer):
    """Notes when an order has come, before it looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.placed_at: list[float] = []

    async def _on_request(self, socket: web.WebSocketResponse, request: Json) -> None:
        if request["method"] == "order.place":
            self.placed_at.append(perf_counter())
        await super()._on_request(socket, request)


@asynccontextmanager
async def _a_daemon(
    venue: BinanceServer, state: Path, strategy: str, symbols: Sequence[str], *, busy_poll: bool = False
) -> AsyncIterator[Process]:
    """Trading on this venue; stopped at the end."""
    config = f"""
[daemon]
busy_poll = {json.dumps(busy_poll)}
[http]
port = -1
[venues.binance]
rest_url = "{venue.rest_url}"
stream_url = "{venue.stream_url}"
trading_url = "{venue.trading_url}"
[accounts.test]
venue = "binance"
mode = "testnet"
base_currency = "USDT"
api_key = "BENCH_KEY"
api_secret = "BENCH_SECRET"
limits = {{ order_rate_max = 100_000, gross_exposure_max = 1e9 }}
[strategies.it]
use = "tests.benchmarks.strategies:{strategy}"
account = "test"
instruments = {json.dumps([f"{symbol}@binance" for symbol in symbols])}
"""
    async with a_process(state, config, {"BENCH_KEY": API_KEY, "BENCH_SECRET": SECRET}) as process:
        async with asyncio.timeout(30):
            await venue.until(lambda: any(names for _, names in venue.streams))
        yield process


@asynccontextmanager
async def a_process(state: Path, config: str, environ: Mapping[str, str]) -> AsyncIterator[Process]:
    """`tickerd run`, once all its accounts are active; this process leaves it the core it is pinned to."""
    path = state / "tickerd.toml"
    path.write_text(config)
    with (state / "daemon.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "daemon", "run", "--config", str(path), "--state", str(state)),
            cwd=REPO_ROOT, env={**os.environ, **environ}, stdout=PIPE, stderr=log,
        )  # fmt: skip
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, other_cores() or mine)
    try:
        async with asyncio.timeout(30):
            await _until_active(process, state)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        os.sched_setaffinity(0, mine)


def other_cores() -> set[int]:
    """Cores that this process is not pinned to; none when it is not pinned."""
    return set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)


async def _until_active(process: Process, state: Path) -> None:
    while True:
        if process.returncode is not None:
            raise RuntimeError(f"the daemon ended:\n{(state / 'daemon.log').read_text()}")
        try:
            status = await asyncio.to_thread(call, state, "status", {}, timeout_seconds=5.0)
            if all(account["state"] == "active" for account in status["accounts"]):
                return
        except (TradingError, OSError):
            pass
        await asyncio.sleep(0.1)


def _tick(symbol: str, number: int, price: float, sizes: tuple[str, str]) -> str:
    data = {
        "u": number, "s": symbol,
        "b": f"{price:.2f}", "B": sizes[0], "a": f"{price + 0.01:.2f}", "A": sizes[1],
    }  # fmt: skip
    return json.dumps({"stream": f"{symbol.lower()}@bookTicker", "data": data})


async def _socket_to_socket(state: Path, orders: int, *, busy_poll: bool) -> list[float]:
    venue = TimedVenue()
    async with venue, _a_daemon(venue, state, "OnMark", ["BTCUSDT"], busy_poll=busy_poll):
        venue.balances = [{"asset": "USDT", "free": "1000000", "locked": "0"}]
        sent: list[float] = []
        for number in range(orders * TICKS_PER_ORDER):
            place = number % TICKS_PER_ORDER
            sizes = str(MARK_SIZE) if place == 2 else "1.5", str(MARK_SIZE) if place == 6 else "2.5"
            text = _tick("BTCUSDT", number + 1, 60_000 + number % 100 / 100, sizes)
            await asyncio.sleep(GAP_SECONDS)
            if place == 2:
                sent.append(perf_counter())
            await venue.say(text)
            venue.requests.clear()
        async with asyncio.timeout(5):
            await venue.until(lambda: len(venue.placed_at) >= orders)
        return [placed - at for at, placed in zip(sent, venue.placed_at, strict=True)]


async def _under_load(state: Path, samples: Sequence[float]) -> tuple[list[float], int]:
    """Resident MB of the daemon at these seconds, and how many quotes it was sent."""
    symbols = [f"C{number:02d}USDT" for number in range(INSTRUMENTS)]
    async with BinanceServer() as venue:
        venue.symbols = [{**BTCUSDT, "symbol": symbol, "baseAsset": symbol[:3]} for symbol in symbols]
        async with _a_daemon(venue, state, "Idle", symbols) as process:
            seconds_left, resident, sent = list(samples), [], counter(1)
            walks = [quotes(2_000, seed=seed) for seed in range(INSTRUMENTS)]
            begin = monotonic()
            number = 0
            while seconds_left:
                due = begin + number / QUOTES_PER_SECOND
                await asyncio.sleep(max(0.0, due - monotonic()))
                for _ in range(QUOTES_PER_SECOND // 100):
                    number = next(sent)
                    place = number % INSTRUMENTS
                    quote = walks[place][number // INSTRUMENTS % 2_000]
                    sizes = f"{quote.bid_size:.5f}", f"{quote.ask_size:.5f}"
                    await venue.say(_tick(symbols[place], number, quote.bid_price, sizes))
                if monotonic() - begin >= seconds_left[0]:
                    seconds_left.pop(0)
                    resident.append(_resident_mb(process.pid))
        return resident, number


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(work: Any) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def rows(effort: Effort) -> Iterator[Row]:
    """Socket to socket; memory and disk under load."""
    where = "on another core" if other_cores() else "on the same cores"
    for busy_poll in (False, True):
        with TemporaryDirectory() as folder:
            orders = effort.of(1_000, least=200)
            seconds = run(_socket_to_socket(Path(folder), orders, busy_poll=busy_poll))
        note = f"gap {GAP_SECONDS * 1e3:g} ms, loopback, the venue {where}"
        note += ", busy polling" if busy_poll else ""
        yield from percentiles("socket → socket, process-crash", seconds[10:], [150.0, 600.0, None], note)
    samples: Sequence[float] = LONG_SAMPLE_SECONDS if effort.is_long else SAMPLE_SECONDS
    if effort.scale < 1:
        samples = tuple(max(3.0, each * effort.scale) for each in samples)
    with TemporaryDirectory() as folder:
        state = Path(folder)
        resident, sent = run(_under_load(state, samples))
        yield from (
            Row(
                what=f"resident memory after {after:g} s",
                value=found,
                unit="MB",
                budget=120.0,
                detail=f"{INSTRUMENTS} instruments, {QUOTES_PER_SECOND:,} quotes/s over sockets",
            )
            for after, found in zip(samples, resident, strict=True)
        )
        yield _on_disk(state, sent)


def _on_disk(state: Path, sent: int) -> Row:
    size = sealed_bytes(state)
    return Row(
        what="sealed tape a quote sent",
        value=size / sent,
        unit="bytes",
        budget=20.0,
        detail=f"{sent:,} quotes of {INSTRUMENTS} random walks; live arrival times",
    )
