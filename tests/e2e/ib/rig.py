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

from actors.venues.ib.settings import TwsSettings
from daemon.config import AccountSection, Config, DaemonSection, HttpSection, StrategySection, VenueSection
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


def a_config(tws: IbServer, state: Path, trader: str = "OneOrder", **parameters: Any) -> Config:
    """One account, one strategy."""
    return Config(
        daemon=DaemonSection(state=str(state)),
        http=HttpSection(port=-1),
        venues={
            "ib": VenueSection(
                kind="ib",
                tws=TwsSettings(
                    port=tws.port, pause_seconds=0.05, pause_cap_seconds=0.3, connect_seconds=2.0,
                    answer_seconds=2.0,
                ),
            )
        },
        accounts={
            "main": AccountSection(
                venue="ib", mode="testnet", account_id=ACCOUNT, base_currency="USD", answer_seconds=2.0,
                reconcile_minutes=0.05,
            )
        },
        strategies={
            "one": StrategySection(
                use=f"{TRADERS}:{trader}", account="main", instruments=("AAPL@ib",), parameters=parameters
            )
        },
    )  # fmt: skip


class Life:
    """One life of the daemon."""

    def __init__(self, service: Service, running: asyncio.Task[Any], state: Path) -> None:
        self.service, self.running, self.state = service, running, state

    def books(self) -> dict[str, Any]:
        """What `tickerd db export` shows."""
        from daemon.__main__ import main

        if not (self.state / "tickerd.db").exists():
            return {"orders": [], "fills": [], "balances": {}, "trial_balance": "0"}
        shown = StringIO()
        with redirect_stdout(shown):
            main(["db", "export", "--json", "--state", str(self.state)])
        found = json.loads(shown.getvalue())
        assert isinstance(found, dict)
        return found

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Until it holds."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    if self.running.done():
                        self.running.result()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            orders = Counter(order["status"] for order in self.books()["orders"])
            raise AssertionError(f"waited {PATIENCE_SECONDS:g} s for {what}; orders: {orders}") from None


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
