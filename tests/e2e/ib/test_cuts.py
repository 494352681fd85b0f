"""Line cut or daemon killed at every message of an order's life: one order, one set of fills."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daemon.exchange.faults import Fault
from tests.e2e.ib.rig import (
    BEFORE_THE_ORDER,
    OF_THE_ORDER,
    a_config,
    a_life,
    a_tws,
    one_order_was_booked,
    printed,
    until,
)
from tests.e2e.rig import a_daemon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EVERY_RUN = ("openOrder", "execDetails", "commissionReport")
REST = (*BEFORE_THE_ORDER, "orderStatus", "placeOrder")
STALL_MS = 60_000
"""Longer than the daemon has to live."""


async def cut_at(folder: Path, message: str, where: str) -> None:
    async with a_tws(folder) as tws:
        tws.faults.add(Fault(kind=where, method=message))
        async with a_life(a_config(tws, folder / "state")) as life:
            await life.until(lambda: tws.faults.happened.get(where), f"{where} {message}")
            await one_order_was_booked(tws, life)


async def killed_at(folder: Path, message: str, where: str) -> None:
    state = folder / "state"
    async with a_tws(folder) as tws:
        config = a_config(tws, state)
        stall_ms = STALL_MS if where == "stall_before" else 0
        tws.faults.add(Fault(kind=where, method=message, milliseconds=stall_ms))
        with a_daemon(folder / "tickerd.toml", state, "http.port=-1") as daemon:
            await until(lambda: tws.faults.happened.get(where), f"{where} {message}")
            await asyncio.to_thread(daemon.status)  # what had come before the stall is taken by now
            daemon.kill()
        async with a_life(config) as life:
            await one_order_was_booked(tws, life)
    assert printed("replay", "--state", str(state), "--verify")["identical"] is True


@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
@pytest.mark.parametrize("message", EVERY_RUN)
async def test_a_line_cut_in_an_orders_life_costs_no_order_and_no_fill(
    tmp_path: Path, message: str, where: str
) -> None:
    await cut_at(tmp_path, message, where)


@pytest.mark.soak
@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
@pytest.mark.parametrize("message", REST)
async def test_a_line_cut_anywhere_else_costs_no_order_and_no_fill(
    tmp_path: Path, message: str, where: str
) -> None:
    await cut_at(tmp_path, message, where)


@pytest.mark.parametrize("message", ["openOrder", "commissionReport"])
async def test_a_daemon_killed_in_an_orders_life_books_it_once(tmp_path: Path, message: str) -> None:
    await killed_at(tmp_path, message, "stall_before")


@pytest.mark.soak
@pytest.mark.parametrize(
    "message", [m for m in (*BEFORE_THE_ORDER, *OF_THE_ORDER) if m not in ("openOrder", "commissionReport")]
)
async def test_a_daemon_killed_before_any_other_message_books_it_once(tmp_path: Path, message: str) -> None:
    await killed_at(tmp_path, message, "stall_before")


@pytest.mark.soak
@pytest.mark.parametrize("where", ["lose_request", "stall_before"])
async def test_a_daemon_killed_when_it_has_sent_the_order_books_it_once(tmp_path: Path, where: str) -> None:
    await killed_at(tmp_path, "placeOrder", where)
