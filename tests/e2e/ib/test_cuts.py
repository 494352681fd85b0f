"""The line is cut at every message of one order's life: one order, one set of fills, equal books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.exchange.faults import Fault
from tests.e2e.ib.rig import ACCOUNT, a_config, a_life, a_tws, assert_books_equal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EVERY_RUN = ("openOrder", "execDetails", "commissionReport")
BEFORE_THE_ORDER = (
    "hello", "managedAccounts", "nextValidId", "contractDetails", "contractDetailsEnd", "marketRule",
    "openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd", "accountUpdateMultiEnd",
)  # fmt: skip
REST = ("orderStatus", "placeOrder")


async def cut_at(folder: Path, message: str, where: str) -> None:
    async with a_tws(folder) as tws:
        tws.faults.add(Fault(kind=where, method=message))
        async with a_life(a_config(tws, folder / "state")) as life:
            await life.until(lambda: tws.faults.happened.get(where), f"{where} {message}")
            await life.until(lambda: is_settled(life.books()), "the order to be settled")
            assert_books_equal(tws, life)
            assert len(tws.truth.sum.accounts[ACCOUNT].orders) <= 1
            assert len(life.books()["orders"]) == 1


def is_settled(books: dict[str, Any]) -> bool:
    orders = books["orders"]
    return bool(orders) and all(order["status"] in ("filled", "rejected") for order in orders)


@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
@pytest.mark.parametrize("message", EVERY_RUN)
async def test_a_line_cut_in_an_orders_life_costs_no_order_and_no_fill(
    tmp_path: Path, message: str, where: str
) -> None:
    await cut_at(tmp_path, message, where)


@pytest.mark.soak
@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
@pytest.mark.parametrize("message", [*BEFORE_THE_ORDER, *REST])
async def test_a_line_cut_anywhere_else_costs_no_order_and_no_fill(
    tmp_path: Path, message: str, where: str
) -> None:
    await cut_at(tmp_path, message, where)
