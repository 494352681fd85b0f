"""Interactive Brokers: the real daemon, a process of its own, on the socket of the fake TWS in this one.

Socket to socket: from just before the fake hands a tick to its line until it has read the order that follows
from it. The client library decodes the one and encodes the other on the way; how long that takes is measured
apart, on the same messages, in this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from actors.venues.ib.library import Library, load_library
from actors.venues.ib.listener import Listener
from daemon.exchange.ib import replies
from daemon.exchange.ib.line import Line
from daemon.exchange.ib.server import IbServer
from daemon.exchange.ib.settings import DEMO_ACCOUNT, IbSettings
from daemon.exchange.ib.wire import SERVER_VERSION, frame
from daemon.exchange.market_data.events import Top
from daemon.exchange.settings import Synthetic
from tests.benchmarks.daemon_rows import a_process, other_cores, run
from tests.benchmarks.harness import Effort, Row, percentiles
from tests.benchmarks.strategies import MARK_SIZE

GAPS_SECONDS = (0.002, 0.010)
CYCLE_SECONDS = 0.08
"""An order and its cancel in so long: TWS takes fifty messages a second."""
PLACE_ORDER = "3"
BID = 1
WARM = 10
REQUEST = 7


class TimedTws(IbServer):
    """Notes when an order has come, before it looks at it. Its market stands still: we make the ticks."""

    def __init__(self) -> None:
        super().__init__(IbSettings(symbols=("AAPL",), market=Synthetic(rate=0.001)))
        self.placed_at: list[float] = []
        self.came = asyncio.Event()
        self._take = self.sessions.on_frame
        self.sessions.on_frame = self._on_frame  # type: ignore[method-assign]

    def _on_frame(self, line: Line, fields: list[str]) -> None:
        if fields[0] == PLACE_ORDER:
            self.placed_at.append(perf_counter())
            self.came.set()
        self._take(line, fields)

    def tick(self, number: int, sizes: tuple[str, str]) -> None:
        """A new best bid, to every line that has asked for it; the ask is only told where its size is new."""
        bid = f"{230 + number % 100 / 100:.2f}"
        top = Top(
            symbol="AAPL", update_id=number, bid_price=bid, bid_size=sizes[0], ask_price="232.00",
            ask_size=sizes[1],
        )  # fmt: skip
        self.quotes.on_top(self.market.symbols["AAPL"], top)


def _config(port: int) -> str:
    return f"""
[http]
port = -1
[venues.ib]
kind = "ib"
tws = {{ port = {port} }}
[accounts.test]
venue = "ib"
mode = "testnet"
account_id = "{DEMO_ACCOUNT.name}"
base_currency = "USD"
limits = {{ order_rate_max = 100_000, gross_exposure_max = 1e9 }}
[strategies.it]
use = "tests.benchmarks.strategies:OnMark"
account = "test"
instruments = ["AAPL@ib"]
parameters = {{ quantity = "1" }}
"""


async def _socket_to_socket(state: Path, orders: int, gap: float) -> list[float]:
    ticks = round(CYCLE_SECONDS / gap)
    async with TimedTws() as tws, a_process(state, _config(tws.port), {}):
        sent: list[float] = []
        for number in range(orders * ticks):
            place = number % ticks
            marked = str(MARK_SIZE)
            sizes = marked if place == 2 else "100", marked if place == ticks // 2 else "200"
            await asyncio.sleep(gap)
            if place == 2:
                tws.came.clear()
                sent.append(perf_counter())
            tws.tick(number, sizes)
            if place == ticks - 1:
                async with asyncio.timeout(10):
                    await tws.came.wait()
        return [placed - at for at, placed in zip(sent, tws.placed_at, strict=True)]


class _Swallows:
    """A transport that goes nowhere."""

    def write(self, data: bytes) -> None:
        """Forget it."""

    def is_closing(self) -> bool:
        """Never."""
        return False


def _a_client(library: Library) -> Any:
    """A client behind its handshake whose listener hears and does nothing."""
    nobody = SimpleNamespace(
        on_claim=_nothing, on_end=_nothing, on_time=_nothing, on_closed=_nothing, on_fault=_nothing
    )
    listener = Listener(nobody)
    listener.answers[REQUEST] = _nothing
    client = library.Client(listener)
    client.conn.transport = _Swallows()
    client.connState = client.CONNECTED
    client._serverVersion = client.decoder.serverVersion = SERVER_VERSION
    client._apiReady = True
    return client


def _nothing(*values: object) -> None:
    """The end of a measurement."""


async def _library(count: int, gap: float) -> tuple[str, list[float], list[float]]:
    """Seconds for decoding one tick, and for encoding one order, with so long between them."""
    library = load_library()
    client = _a_client(library)
    client.MaxRequests = 0
    tick = frame(replies.tick_price(REQUEST, BID, "230.12", "100"))
    contract = library.Contract(conId=265598, exchange="SMART", secType="STK", symbol="AAPL", currency="USD")
    order = library.Order(
        orderId=1, action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=227.81, tif="GTC",
        account=DEMO_ACCOUNT.name, orderRef="T000000000000001", transmit=True,
    )  # fmt: skip
    decoded = await _timed(count, gap, lambda: client._onSocketHasData(tick))
    encoded = await _timed(count, gap, lambda: client.placeOrder(1, contract, order))
    return library.name, decoded, encoded


async def _timed(count: int, gap: float, work: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(count):
        await asyncio.sleep(gap)
        began = perf_counter()
        work()
        found.append(perf_counter() - began)
    return found


def rows(effort: Effort) -> Iterator[Row]:
    """Tick on the socket to order on the socket, and the library's share of it."""
    where = "on another core" if other_cores() else "on the same cores"
    for gap in GAPS_SECONDS:
        with TemporaryDirectory() as folder:
            seconds = run(_socket_to_socket(Path(folder), effort.of(300, least=60), gap))
        note = f"gap {gap * 1e3:g} ms, loopback, process-crash, the fake {where}"
        yield from percentiles(f"socket → socket at TWS, {gap * 1e3:g} ms", seconds[WARM:], [None] * 3, note)
        name, decoded, encoded = run(_library(effort.of(500, least=100), gap))
        note = f"gap {gap * 1e3:g} ms, {name} alone"
        yield from percentiles("… of it decoding the tick", decoded[WARM:], [None] * 3, note)[:2]
        yield from percentiles("… of it encoding the order", encoded[WARM:], [None] * 3, note)[:2]
