"""Both shipped strategies trade stocks and a future through TWS; books equal the venue's to the cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.core.frames import StepReader
from actors.messages.control import BrokerStarted, BrokerStopped
from actors.messages.orders import CancelOrder, ReplaceOrder, SubmitOrder
from actors.store.layout import tape_folder
from actors.store.tape_reader import TapeReader
from daemon.config_sources import load_config
from daemon.exchange.ib.orders import IbOrder
from tests.conftest import REPO_ROOT
from tests.e2e.ib.rig import ACCOUNT, Life, a_config, a_life, a_tws, assert_books_equal, fault, offer, printed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_stocks_and_a_future_are_traded_and_replayed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with a_tws(tmp_path) as tws:
        settings = [f"venues.ib.tws.port={tws.port}", f"daemon.state={state}", "http.port=-1"]
        settings += ["strategies.sma.parameters.fast=1", "strategies.sma.parameters.slow=2"]
        config = load_config(REPO_ROOT / "configs/ib-fake.toml", overrides=settings, environ={}).config
        async with a_life(config) as life:
            truth = tws.truth.sum.accounts[ACCOUNT]
            traded = {"AAPL", "MSFT", "ESZ6"}
            await life.until(lambda: {t.symbol for t in truth.trades} >= traded, "trades in all three")
        assert_books_equal(tws, life)
        assert sum(trade.fee for trade in truth.trades) >= len(traded)
    assert printed("replay", "--state", str(state), "--verify")["identical"] is True


async def test_a_nightly_reset_loses_nothing(tmp_path: Path) -> None:
    """Orders work, one is filled in part and in part again, somebody trades by hand; the gateway is away."""
    async with a_tws(tmp_path) as tws:
        config = a_config(tws, tmp_path / "state", "Waiting")
        async with a_life(config) as life:
            truth = tws.truth.sum.accounts[ACCOUNT]
            await life.until(lambda: len(truth.trades) >= 3, "some trades")
            high, low = [order for order in tws.desk.live() if order.request.limit_price]
            assert high.request.limit_price is not None
            offer(tws, high.request.limit_price, 4)
            await life.until(lambda: of(life, high)["filled"] == "4", "the first part in the books")

            fault(tws, "reset", milliseconds=1_500)
            fault(tws, "trade_by_hand", symbol="AAPL", code=9)
            await life.until(lambda: not tws.sessions.lines, "the line to be gone")
            offer(tws, high.request.limit_price, 3)
            await life.until(lambda: bool(tws.sessions.lines), "the line to be back")
            await life.until(lambda: of(life, high)["filled"] == "7", "the second part in the books")
            assert (of(life, high)["status"], of(life, low)["status"]) == ("partially_filled", "accepted")
            before = len(truth.trades)
            await life.until(lambda: len(truth.trades) >= before + 2, "trading to go on")
            offer(tws, high.request.limit_price, 3)
            await life.until(lambda: of(life, high)["status"] == "filled", "the order to be filled")
        assert_books_equal(tws, life)
        assert (of(life, low)["status"], of(life, low)["filled"]) == ("cancelled", "0")
    assert sent_while_down(tmp_path / "state") == []


def sent_while_down(state: Path) -> list[str]:
    """Orders with a command that left between the end of a line and the beginning of the next."""
    sent: list[str] = []
    is_down, read = False, StepReader()
    for step in TapeReader(tape_folder(state)).steps():
        is_down = is_down and not isinstance(step.message, BrokerStarted)
        messages = read.messages(step.sent) if is_down and step.sent else []
        commands = [m for m in messages if isinstance(m, SubmitOrder | CancelOrder | ReplaceOrder)]
        sent += [command.client_order_id for command in commands]
        is_down = is_down or isinstance(step.message, BrokerStopped)
    return sent


def of(life: Life, order: IbOrder) -> dict[str, Any]:
    """The order in our books."""
    rows = life.books()["orders"]
    return next(row for row in rows if row["client_order_id"] == order.request.order_ref)
