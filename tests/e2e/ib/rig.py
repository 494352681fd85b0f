"""The whole daemon against the fake TWS, both in this process, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from actors.messages.market import Quote
from daemon.__main__ import main
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.exchange.faults import Fault
from daemon.exchange.ib.admin import IbAdmin
from daemon.exchange.ib.server import IbServer
from daemon.exchange.ib.settings import IbSettings
from daemon.exchange.settings import ExchangeAccount, Synthetic
from daemon.exchange.truth import TrueAccount
from daemon.service import Service
from tests.conftest import REPO_ROOT

ACCOUNT = "DU1000001"
TRADERS = REPO_ROOT / "tests/e2e/ib/traders.py"
PATIENCE_SECONDS = 40.0
BEFORE_THE_ORDER = (
    "hello", "managedAccounts", "nextValidId", "contractDetails", "contractDetailsEnd", "marketRule",
    "openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd", "accountUpdateMultiEnd",
)  # fmt: skip
"""What TWS says from the connection until the order may be sent."""
OF_THE_ORDER = ("openOrder", "orderStatus", "execDetails", "commissionReport")
"""What it says of an order."""
D = Decimal


@asynccontextmanager
async def a_tws(folder: Path, **more: Any) -> AsyncIterator[IbServer]:
    """Brisk, with one paper account."""
    account = ExchangeAccount(name=ACCOUNT, key="", secret="", balances={"USD": D(1_000_000)})
    settings = IbSettings(
        accounts=(account,), symbols=("AAPL", "MSFT", "ESZ6"), market=Synthetic(seed=7, rate=60.0),
        truth=folder / "truth.jsonl", **more,
    )  # fmt: skip
    async with IbServer(settings) as server:
        yield server


CONFIG = """
[http]
port = -1
[venues.ib]
kind = "ib"
[venues.ib.tws]
port = {port}
pause_seconds = 0.05
pause_cap_seconds = 0.3
connect_seconds = 2.0
answer_seconds = 2.0
[accounts.main]
venue = "ib"
mode = "testnet"
account_id = "{account}"
base_currency = "USD"
answer_seconds = 2.0
reconcile_minutes = 0.05
[strategies.one]
use = "{traders}:{trader}"
account = "main"
instruments = ["AAPL@ib"]
"""


def write_config(folder: Path, port: int, trader: str = "OneOrder", account: str = ACCOUNT) -> Path:
    """One account, one strategy."""
    path = folder / "tickerd.toml"
    path.write_text(CONFIG.format(port=port, account=account, traders=TRADERS, trader=trader))
    return path


def a_config(tws: IbServer, state: Path, trader: str = "OneOrder") -> Config:
    """The same, read; the file is beside the state folder."""
    path = write_config(state.parent, tws.port, trader)
    return load_config(path, overrides=[f"daemon.state={state}"], environ={}).config


def printed(*arguments: str) -> dict[str, Any]:
    """What a verb prints with `--json`, run in this process."""
    shown = StringIO()
    with redirect_stdout(shown):
        assert main([*arguments, "--json"]) == 0
    found = json.loads(shown.getvalue())
    assert isinstance(found, dict)
    return found


class Life:
    """One life of the daemon."""

    def __init__(self, service: Service, running: asyncio.Task[Any], state: Path) -> None:
        self.service, self.running, self.state = service, running, state

    def books(self) -> dict[str, Any]:
        """What `tickerd db export` shows."""
        if not (self.state / "tickerd.db").exists():
            return {"orders": [], "fills": [], "balances": {}, "trial_balance": "0"}
        return printed("db", "export", "--state", str(self.state))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Until it holds, while the daemon runs."""

        def holds() -> object:
            if self.running.done():
                self.running.result()
            return condition()

        try:
            await until(holds, what)
        except AssertionError as error:
            orders = Counter(order["status"] for order in self.books()["orders"])
            raise AssertionError(f"{error}; orders: {orders}") from None


async def until(condition: Callable[[], object], what: str) -> None:
    """Until it holds."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110  (of a process, which has no event)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {PATIENCE_SECONDS:g} s for {what}") from None


@asynccontextmanager
async def a_life(config: Config) -> AsyncIterator[Life]:
    """The daemon runs; at the end it is stopped as by SIGTERM."""
    service = Service(config, {})
    running = asyncio.create_task(service.run())
    try:
        yield Life(service, running, Path(config.daemon.state))
    finally:
        service.stop.set()
        await asyncio.wait([running], timeout=20)
        if running.done():
            running.result()


def fault(tws: IbServer, kind: str, **more: object) -> None:
    """Make something go wrong."""
    happening = msgspec.convert({"kind": kind, **more}, type=Fault)
    tws.faults.add(happening)
    IbAdmin(tws).happen(happening)


def offer(tws: IbServer, price: Decimal, size: int, symbol: str = "AAPL") -> None:
    """Somebody sells so much at this price, for a moment."""
    now = tws.clock.now_ns()
    quote = Quote(
        ts_event=now, instrument=f"{symbol}@ib", bid_price=float(price) - 1, bid_size=1.0,
        ask_price=float(price), ask_size=float(size),
    )  # fmt: skip
    tws.desk.tell(tws.engine.on_quote(quote, now))


async def one_order_was_booked(tws: IbServer, life: Life) -> None:
    """Whatever happened to its life, it is settled: once here, at most once there, all figures equal."""
    await life.until(lambda: is_settled(life.books()), "the order to be settled")
    assert_books_equal(tws, life)
    assert len(tws.truth.sum.accounts[ACCOUNT].orders) <= 1
    assert len(life.books()["orders"]) == 1


def is_settled(books: dict[str, Any]) -> bool:
    """Whether there are orders, and none is open."""
    orders = books["orders"]
    return bool(orders) and all(order["status"] in ("filled", "rejected") for order in orders)


def assert_books_equal(tws: IbServer, life: Life) -> None:
    """Orders, fills, cash and positions, each once and to the last unit."""
    assert_equal(life.books(), tws.truth.sum.accounts[ACCOUNT])


def assert_equal(books: dict[str, Any], truth: TrueAccount) -> None:
    """The same, of an exchange that may be another process."""
    ours = {each["venue_order_id"]: each for each in books["orders"] if each["venue_order_id"]}
    sent = {key: order for key, order in truth.orders.items() if order.client_order_id}
    assert set(ours) == set(sent)
    assert {key: ours[key]["client_order_id"] for key in ours} == {
        k: o.client_order_id for k, o in sent.items()
    }
    fills = [
        (f["venue_order_id"], f["trade_id"], D(f["quantity"]), D(f["price"]), D(f["fee"]))
        for f in books["fills"]
    ]
    true = [
        (t.venue_order_id, t.trade_id, t.quantity, t.price, t.fee) for t in truth.trades if t.client_order_id
    ]
    assert sorted(fills) == sorted(true)
    assert {asset: D(total) for asset, total in books["balances"].items() if D(total)} == {
        asset: total for asset, total in truth.balances.items() if total
    }
    assert D(books["trial_balance"]) == 0
