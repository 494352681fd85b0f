"""Executions that are stated anew: other figures, busts, late commissions; live and across restarts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from actors.store.database import database_path
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.exchange.ib.server import IbServer
from tests.e2e.ib.rig import (
    ACCOUNT,
    Life,
    a_life,
    a_tws,
    assert_books_equal,
    fault,
    printed,
    write_config,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
D = Decimal
FUTURE, STOCK = "ESZ6@ib", "AAPL@ib"
BOTH = [STOCK, pytest.param(FUTURE, marks=pytest.mark.soak)]
Fill = tuple[Decimal, Decimal, Decimal, bool]
"""Quantity, price, fee, whether the fee is known."""


def a_config(tws: IbServer, state: Path, instrument: str = STOCK) -> Config:
    path = write_config(state.parent, tws.port)
    overrides = [
        f"daemon.state={state}", f'strategies.one.instruments=["{instrument}"]',
        "strategies.one.parameters.quantity=2", "venues.ib.tws.commission_seconds=0.2",
    ]  # fmt: skip
    return load_config(path, overrides=overrides, environ={}).config


def fills(state: Path) -> list[Fill]:
    if not database_path(state).exists():
        return []
    with closing(sqlite3.connect(database_path(state), timeout=5.0)) as connection:
        rows = connection.execute("SELECT quantity, price, fee, fee_known FROM fills").fetchall()
    return [(D(quantity), D(price), D(fee), bool(known)) for quantity, price, fee, known in rows]


async def stands(tws: IbServer, life: Life) -> None:
    """The newest word on the one execution is booked, and the books are the venue's to the cent."""
    (trade,) = tws.truth.sum.accounts[ACCOUNT].trades
    wanted = [(trade.quantity, trade.price, trade.fee, True)]
    await life.until(lambda: fills(life.state) == wanted, "the newest word in the books")
    assert_books_equal(tws, life)
    books = life.books()
    (order,), (position,) = books["orders"], books["positions"]
    assert D(position["quantity"]) == D(order["filled"]) == trade.quantity
    assert order["status"] == "filled"


def assert_told(state: Path, *kinds: str) -> None:
    """These kinds of alerts, and that no cash, position or order was ever in doubt."""
    with closing(sqlite3.connect(database_path(state))) as connection:
        told = {row[0] for row in connection.execute("SELECT kind FROM alerts")}
    assert told >= set(kinds)
    assert not told & {"difference_found", "step_failed", "halted"}
    assert printed("replay", "--state", str(state), "--verify")["identical"] is True


@pytest.mark.parametrize("instrument", BOTH)
async def test_later_words_are_booked_as_they_come(tmp_path: Path, instrument: str) -> None:
    """The commission is given up and comes; then quantity and price, twice in a row; then a bust."""
    state = tmp_path / "state"
    async with a_tws(tmp_path) as tws:
        fault(tws, "swallow_report", method="commissionReport", count=1_000_000)
        async with a_life(a_config(tws, state, instrument)) as life:
            await life.until(lambda: fills(state), "the fill without its fee")
            assert [fill[2:] for fill in fills(state)] == [(D(0), False)]
            tws.faults.clear(None)
            await stands(tws, life)
            fault(tws, "correct_quantity", code=1)
            await stands(tws, life)
            for ticks in (5, -3):
                fault(tws, "correct_execution", code=ticks)
            await stands(tws, life)
            fault(tws, "bust_execution")
            await stands(tws, life)
        corrections = life.books()["corrections"]
    revisions = [each["revision"] for each in corrections]
    assert revisions == sorted(set(revisions))
    assert [each["quantity"] for each in corrections][:2] == ["2", "1"]
    assert corrections[-1]["quantity"] == "0"
    assert_told(state, "fee_unknown", "fill_corrected")


@pytest.mark.parametrize("instrument", BOTH)
async def test_later_words_of_while_we_were_away_are_booked_by_the_newest(
    tmp_path: Path, instrument: str
) -> None:
    """A commission; then price and quantity, of which TWS lists the newest revision only; then a bust."""
    state = tmp_path / "state"
    async with a_tws(tmp_path) as tws:
        config = a_config(tws, state, instrument)
        fault(tws, "swallow_report", method="commissionReport", count=1_000_000)
        async with a_life(config) as life:
            await life.until(lambda: fills(state), "the fill without its fee")
        tws.faults.clear(None)
        async with a_life(config) as life:
            await stands(tws, life)
        fault(tws, "correct_execution", code=7)
        fault(tws, "correct_quantity", code=1)
        async with a_life(config) as life:
            await stands(tws, life)
        fault(tws, "bust_execution")
        async with a_life(config) as life:
            await stands(tws, life)
    assert_told(state, "fee_unknown", "fill_corrected")
