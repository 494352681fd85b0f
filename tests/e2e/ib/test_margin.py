"""Orders wait for TWS's word on margin: the daemon dies while one waits; nothing unchecked leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from daemon.config_sources import load_config
from daemon.exchange.faults import Fault
from tests.e2e.ib.rig import (
    ACCOUNT,
    a_life,
    a_tws,
    assert_books_equal,
    printed,
    until,
    write_config,
)
from tests.e2e.rig import Daemon, a_daemon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LIMITS = """
[accounts.main.limits]
margin_check = true
margin_cushion_min = 0.1
margin_answer_seconds = 30
"""


async def held_orders(daemon: Daemon) -> list[dict[str, Any]]:
    """As `tickerd ctl orders` shows them."""
    found = await asyncio.to_thread(daemon.ask, "orders")
    status = await asyncio.to_thread(daemon.ask, "status")
    assert (status["held_orders"], status["open_orders"]) == (len(found), 0)
    assert isinstance(found, list)
    return found


async def test_a_daemon_killed_while_an_order_waits_denies_it_and_asks_about_the_next(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with a_tws(tmp_path) as tws:
        path = write_config(tmp_path, tws.port, "Insistent")
        path.write_text(path.read_text() + LIMITS)
        tws.faults.add(Fault(kind="lose_request", method="whatIf"))
        with a_daemon(path, state, "http.port=-1") as daemon:
            await until(lambda: tws.faults.happened.get("lose_request"), "the question")
            (held,) = await held_orders(daemon)
            assert (held["state"], held["quantity"]) == ("held: margin asked", "10")
            daemon.kill()
        truth = tws.truth.sum.accounts[ACCOUNT]
        assert truth.orders == {}
        config = load_config(path, overrides=[f"daemon.state={state}"], environ={}).config
        async with a_life(config) as life:
            await life.until(lambda: truth.trades, "the next order to fill")
            await life.until(
                lambda: any(o["status"] == "filled" for o in life.books()["orders"]), "its booking"
            )
        assert_books_equal(tws, life)
        orders = {order["client_order_id"]: order["status"] for order in life.books()["orders"]}
        assert orders.pop(held["client_order_id"]) == "denied"
        assert list(orders.values()) == ["filled"]
        assert [order.client_order_id for order in truth.orders.values()] == list(orders)
    assert printed("replay", "--state", str(state), "--verify")["identical"] is True
