"""`tickerd panic` at TWS: what is tickerd's is closed without daemon or books; then the books follow."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.config_sources import load_config
from daemon.deadman_cancels import cancel_everything
from daemon.exchange.ib.order_request import market_order
from daemon.exchange.ib.server import IbServer
from daemon.kill_switch import KILL_FILE
from tests.conftest import REPO_ROOT
from tests.e2e.ib.rig import ACCOUNT, a_config, a_life, a_tws, fault
from tests.e2e.rig import one_object, tickerd

D = Decimal
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
CONFIG = REPO_ROOT / "configs/ib-fake.toml"


def held(tws: IbServer) -> dict[str, Decimal]:
    return {h.contract.listing.symbol: h.quantity for h in tws.holdings.of(ACCOUNT) if h.quantity}


async def panic(settings: list[str]) -> tuple[int, dict[str, Any]]:
    """As the operator runs it."""
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = await asyncio.to_thread(tickerd, "panic", "--config", str(CONFIG), *arguments, "--yes", "--json")
    return done.returncode, one_object(done)


async def test_what_tickerd_holds_is_closed_and_the_next_start_settles_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with a_tws(tmp_path) as tws:
        settings = [f"venues.ib.tws.port={tws.port}", f"daemon.state={state}", "http.port=-1"]
        settings += ["strategies.sma.parameters.fast=1", "strategies.sma.parameters.slow=2"]
        config = load_config(CONFIG, overrides=settings, environ={}).config
        async with a_life(config) as life:
            await life.until(lambda: set(held(tws)) >= {"MSFT", "ESZ6"}, "a stock and the future")
        before = held(tws)
        code, report = await panic(settings)
        assert (code, report["done"]) == (0, True), report
        assert held(tws) == {}
        assert {each["side"]: each["client_order_id"][:6] for each in report["sales"]}.keys() <= {
            "buy",
            "sell",
        }
        assert len(report["sales"]) == len(before)
        assert (state / KILL_FILE).exists()

        sent = len(tws.truth.sum.accounts[ACCOUNT].orders)
        async with a_life(config) as life:
            await life.until(lambda: not positions(life.books()), "the books to be flat")
        truth = tws.truth.sum.accounts[ACCOUNT]
        assert len(truth.orders) == sent, "nothing was sent after the panic"
        books = life.books()
        assert {asset: D(total) for asset, total in books["balances"].items() if D(total)} == {
            asset: total for asset, total in truth.balances.items() if total
        }
        assert D(books["trial_balance"]) == 0


def positions(books: dict[str, Any]) -> list[Any]:
    return [each for each in books["positions"] if D(each["quantity"])]


async def test_the_dead_man_cancels_what_rests_and_closes_nothing(tmp_path: Path) -> None:
    async with a_tws(tmp_path) as tws:
        fault(tws, "trade_by_hand", symbol="AAPL", code=7)
        contract = tws.catalogue.by_symbol["AAPL"]
        resting = msgspec.structs.replace(
            market_order(-99, ACCOUNT, contract, 3), order_type="LMT", limit_price=D(1), time_in_force="GTC"
        )
        tws.desk.place(0, resting, tws.market.symbols)
        said = await cancel_everything(a_config(tws, tmp_path / "state"), {})
        assert "kill switch set" in said
        assert "main: 1 orders cancelled, none open" in said
        assert tws.desk.live() == []
        assert held(tws) == {"AAPL": D(7)}
