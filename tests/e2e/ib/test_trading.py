"""Both shipped strategies trade stocks and a future through TWS; books equal the venue's to the cent."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config_sources import load_config
from tests.conftest import REPO_ROOT
from tests.e2e.ib.rig import ACCOUNT, a_config, a_life, a_tws, assert_books_equal, fault, printed

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
    """A working order, a partial fill and an order by hand, and then the gateway is gone for a while."""
    async with a_tws(tmp_path) as tws:
        config = a_config(tws, tmp_path / "state", "Restless")
        async with a_life(config) as life:
            truth = tws.truth.sum.accounts[ACCOUNT]
            await life.until(lambda: len(truth.trades) >= 3, "some trades")
            fault(tws, "reset", milliseconds=1_500)
            requests = truth.requests
            fault(tws, "trade_by_hand", symbol="AAPL", code=9)
            await life.until(lambda: not tws.sessions.lines, "the line to be gone")
            await life.until(lambda: tws.sessions.lines, "the line to be back")
            assert truth.requests == requests, "something was sent into a dead line"
            await life.until(lambda: len(truth.trades) >= 8, "trading to go on")
        assert_books_equal(tws, life)
