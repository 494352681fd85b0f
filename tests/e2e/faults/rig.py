"""The real exchange and the real daemon in one loop, over sockets, and a strategy that never rests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import aiohttp

from actors.errors import TradingError
from actors.risk.limits import RiskLimits
from daemon.config import (
    AccountSection,
    Config,
    DaemonSection,
    HttpSection,
    StrategySection,
    VenueSection,
)
from daemon.control_client import call
from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import (
    DEMO_ACCOUNT,
    PROFILES,
    ExchangeAccount,
    ExchangeSettings,
    Profile,
    Synthetic,
    Timings,
)
from daemon.service import Service
from tests.e2e.faults.judge import Verdict

PATIENCE_SECONDS = 15.0
PROOF_SECONDS = 60.0
"""How long an order lost on its way may hold its instrument: the proof that it never arrived takes 46 s."""
STOP_SECONDS = 40.0
LOOK_SECONDS = 1.0
"""Between looks for orders that will hold their instrument for longer than a test lasts."""
INSTRUMENTS = ("BTCUSDT@binance", "ETHUSDT@binance")
SECRETS = {"FAULTS_KEY": "demo-key", "FAULTS_SECRET": "demo-secret"}
TRADER = Path(__file__).with_name("hard_trader.py")


Posted = dict[str, Any]
"""A fault as the admin endpoint takes it."""


def a_fault(kind: str, **fields: Any) -> Posted:
    return {"kind": kind, **fields}


class Trading(NamedTuple):
    """Who trades what in the account."""

    use: str = f"{TRADER}:HardTrader"
    instruments: tuple[str, ...] = INSTRUMENTS
    accounts: tuple[ExchangeAccount, ...] = (DEMO_ACCOUNT,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(name.partition("@")[0] for name in self.instruments)


HARD = Trading()


def a_config(state: Path, port: int, trader: Trading, *, answer_seconds: float) -> Config:
    """No limit that a hard trader could meet."""
    return Config(
        daemon=DaemonSection(state=str(state), drain_seconds=2.0),
        http=HttpSection(port=-1),
        venues={
            "binance": VenueSection(
                rest_url=f"http://127.0.0.1:{port}",
                stream_url=f"ws://127.0.0.1:{port}",
                trading_url=f"ws://127.0.0.1:{port}/ws-api/v3",
                silence_seconds=1.0,
            )
        },
        accounts={
            "demo": AccountSection(
                venue="binance",
                mode="testnet",
                base_currency="USDT",
                api_key="FAULTS_KEY",
                api_secret="FAULTS_SECRET",
                answer_seconds=answer_seconds,
                reconcile_minutes=0.02,
                limits=RiskLimits(order_rate_max=None, gross_exposure_max=Decimal(1_000_000)),
            )
        },
        strategies={
            "hard": StrategySection(
                use=trader.use,
                account="demo",
                instruments=trader.instruments,
            )
        },
    )


class Rig:
    """A running pair; faults go in by the exchange's admin endpoint, orders are counted by its truth."""

    def __init__(self, exchange: ExchangeServer, state: Path, http: aiohttp.ClientSession) -> None:
        self.exchange, self.state = exchange, state
        self._http = http

    async def fault(self, kind: str, **fields: Any) -> int:
        """Post one; its number."""
        url = f"http://127.0.0.1:{self.exchange.admin_port}/faults"
        async with self._http.post(url, json={"kind": kind, **fields}) as answer:
            assert answer.status == 200, await answer.text()
            return int((await answer.json())["id"])

    async def clear_faults(self) -> None:
        """Take back those that have not happened."""
        url = f"http://127.0.0.1:{self.exchange.admin_port}/faults"
        async with self._http.delete(url) as answer:
            assert answer.status == 200

    async def status(self) -> dict[str, Any]:
        """What the operator sees."""
        answer = await asyncio.to_thread(call, self.state, "status", {}, timeout_seconds=10.0)
        assert isinstance(answer, dict)
        return answer

    async def until_happened(self, kind: str, times: int = 1) -> None:
        """Wait until the exchange says that a fault took place so often: at worst until trading goes on."""
        happened = self.exchange.services.faults.happened
        await self.until(f"{times} {kind}", lambda: happened.get(kind, 0) >= times, PROOF_SECONDS)

    @property
    def accepted(self) -> int:
        """Orders at the exchange, ever."""
        return len(self.exchange.services.truth.sum.account("demo").orders)

    def accepted_in(self, symbol: str) -> int:
        """Orders at the exchange in one symbol, ever."""
        orders = self.exchange.services.truth.sum.account("demo").orders.values()
        return sum(order.symbol == symbol for order in orders)

    @property
    def fills(self) -> int:
        """Executions at the exchange, ever."""
        return len(self.exchange.services.truth.sum.account("demo").trades)

    async def until(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds at the exchange."""
        deadline = monotonic() + seconds
        while not holds():
            assert monotonic() < deadline, f"not within {seconds:g} s: {what}; {await self.status()}"
            await asyncio.sleep(0.01)

    async def trade_on(self, orders: int = 25, fills: int = 4) -> None:
        """Until so many more orders were accepted and filled, and some are open now.

        A fault may take orders in both instruments on their way: then nothing new is sent until it is proven
        that they never arrived, and the wait is over.
        """
        orders, fills = self.accepted + orders, self.fills + fills
        open_orders = self.exchange.services.venue.open_orders
        deadline, look_at = monotonic() + PATIENCE_SECONDS, monotonic() + LOOK_SECONDS
        while not (self.accepted >= orders and self.fills >= fills and open_orders("demo")):
            if monotonic() >= look_at:
                look_at = monotonic() + LOOK_SECONDS
                if len(await self.instruments_with_lost_orders()) == len(INSTRUMENTS):
                    return
            assert monotonic() < deadline, f"no {orders} orders and {fills} fills; {await self.status()}"
            await asyncio.sleep(0.01)

    async def transfer(self, direction: str, asset: str, amount: str) -> None:
        """Deposit or withdraw."""
        url = f"http://127.0.0.1:{self.exchange.admin_port}/{direction}"
        body = {"account": "demo", "asset": asset, "amount": amount}
        async with self._http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def unknown(self) -> dict[str, str]:
        """Orders whose outcome the daemon does not know, and their instruments."""
        try:
            rows = await asyncio.to_thread(call, self.state, "orders", {}, timeout_seconds=10.0)
        except TradingError:  # not started yet
            return {}
        return {row["client_order_id"]: row["instrument"] for row in rows if row["state"] == "unknown"}

    async def instruments_with_lost_orders(self) -> set[str]:
        """Where an order is unknown that the exchange has never seen."""
        unknown = await self.unknown()
        return {unknown[name] for name in unknown.keys() - self.accepted_ids()}

    def accepted_ids(self) -> set[str]:
        """Client order ids of all orders at the exchange, ever."""
        orders = self.exchange.services.truth.sum.account("demo").orders.values()
        return {order.client_order_id for order in orders}

    async def until_known(self, client_order_id: str, seconds: float) -> None:
        """Until an order's outcome is known."""
        deadline = monotonic() + seconds
        while client_order_id in await self.unknown():
            assert monotonic() < deadline, f"{client_order_id} is still unknown after {seconds:g} s"
            await asyncio.sleep(0.2)

    async def until_settled(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Until the account trades, and no outcome is unknown that the exchange could tell.

        What never reached the exchange stays unknown for longer than most tests last: the proof takes time.
        """
        deadline = monotonic() + seconds
        while True:
            with suppress(TradingError):
                status, unknown = await self.status(), await self.unknown()
                is_active = status["accounts"][0]["state"] == "active"
                if is_active and self.accepted_ids().isdisjoint(unknown):
                    return
            assert monotonic() < deadline, f"not settled within {seconds:g} s: {unknown} {status}"
            await asyncio.sleep(0.05)


@asynccontextmanager
async def trading(
    folder: Path,
    *,
    answer_seconds: float = 0.3,
    rate: float = 170.0,
    profile: Profile = PROFILES["fast"],
    trader: Trading = HARD,
) -> AsyncIterator[Rig]:
    """Both sides up and orders in flight; stopped cleanly at the end of the block."""
    settings = ExchangeSettings(
        market=Synthetic(seed=1, rate=rate, volatility=0.0005),
        symbols=trader.symbols,
        accounts=trader.accounts,
        profile=profile,
        history_hours=0.1,
        truth=folder / "truth.jsonl",
        timings=Timings(shutdown_notice_seconds=0.2),
    )
    state = folder / "state"
    async with ExchangeServer(settings) as exchange, aiohttp.ClientSession() as http:
        config = a_config(state, exchange.port, trader, answer_seconds=answer_seconds)
        service = Service(config, SECRETS)
        running = asyncio.create_task(service.run())
        rig = Rig(exchange, state, http)
        try:
            await _either(running, rig.until_settled())
            await _either(running, rig.trade_on(10, 2))
            yield rig
        finally:
            service.stop.set()
            async with asyncio.timeout(STOP_SECONDS):
                await running


async def _either(running: asyncio.Task[Any], waiting: Any) -> None:
    """Wait for something, unless the daemon ends first."""
    task = asyncio.ensure_future(waiting)
    await asyncio.wait((running, task), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        task.cancel()
        running.result()
        raise AssertionError("the daemon ended before it traded")
    await task


def judge(folder: Path) -> Verdict:
    """What the session in this folder left behind."""
    return Verdict(folder / "state", folder / "truth.jsonl")


__all__ = ["Rig", "Trading", "judge", "trading"]
