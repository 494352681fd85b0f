"""Each fault of the exchange in each part of an order's life: its truth and our export agree to the unit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import monotonic

import pytest

from daemon.exchange.binance.faults import KINDS as ALL_KINDS
from daemon.exchange.settings import DEMO_ACCOUNT, ExchangeAccount
from tests.chaos.matrix.table import AT_ONCE, PHASES, SEEN, Cell, Phase, cell
from tests.chaos.matrix.trader import HABITS
from tests.e2e.faults.rig import Rig, Trading, judge, trading

KINDS = tuple(ALL_KINDS)
PATIENCE_SECONDS = 20.0
TRADER = Trading(
    use=f"{Path(__file__).with_name('matrix') / 'trader.py'}:PhaseTrader",
    instruments=tuple(f"{symbol}@binance" for symbol in HABITS),
    accounts=(
        ExchangeAccount(
            name=DEMO_ACCOUNT.name,
            key=DEMO_ACCOUNT.key,
            secret=DEMO_ACCOUNT.secret,
            balances={
                "USDT": Decimal(10_000_000),
                **{symbol.removesuffix("USDT"): Decimal(1_000_000) for symbol in HABITS},
            },
        ),
    ),
)


CELLS = {(kind, name): found for kind in KINDS for name in PHASES if (found := cell(kind, name)) is not None}
GROUPS = [
    *((kind, (name,)) for (kind, name), each in CELLS.items() if each.cuts_the_line),
    *((kind, tuple(name for name in PHASES if (kind, name) in CELLS))
      for kind in KINDS if not any(CELLS[key].cuts_the_line for key in CELLS if key[0] == kind)),
]  # fmt: skip
"""What one session goes through: all parts of life, unless the fault may lose orders of other parts."""


def test_the_table_knows_every_fault_and_every_part_of_life() -> None:
    assert set(AT_ONCE) == {name for name, kind in ALL_KINDS.items() if kind.is_at_once}
    assert {phase.symbol for phase in PHASES.values()} == set(HABITS)
    assert sum(len(names) for _, names in GROUPS) == len(CELLS)
    missing = {(kind, name) for kind in KINDS for name in PHASES} - CELLS.keys()
    assert missing == {*(("hide_order", name) for name in SEEN), ("rename_on_cancel", "filling")}


@pytest.mark.soak
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("kind", "names"), GROUPS, ids=[f"{k}-{n[0] if len(n) == 1 else 'each'}" for k, n in GROUPS]
)
async def test_a_fault_in_any_part_of_a_life_leaves_the_books_right(
    kind: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    async with trading(tmp_path, trader=TRADER) as rig:
        for name in names:
            await play(rig, f"{kind}, {name}", CELLS[kind, name], PHASES[name])
        await rig.until_settled()
    judge(tmp_path).all_is_well()


async def play(rig: Rig, name: str, chosen: Cell, phase: Phase) -> None:
    """Bring an order there, let the fault strike, and be active again."""
    happened = rig.exchange.services.faults.happened
    strikes, reached = happened.get(chosen.fault["kind"], 0), moment(rig, phase)
    for each in chosen.before:
        await rig.fault(**each)
    if chosen.fault["kind"] in AT_ONCE:
        await until(rig, f"the moment for {name}", reached)
        await rig.fault(**chosen.fault)
    else:
        number = await rig.fault(**chosen.fault)
        if chosen.then:
            await until(rig, f"the moment for {name}", reached)
        for each in chosen.then:
            await rig.fault(**each)
        waiting = rig.exchange.services.faults.waiting
        await until(rig, name, lambda: all(fault.id != number for fault in waiting()))
    assert happened.get(chosen.fault["kind"], 0) > strikes
    await rig.clear_faults()
    if chosen.fault["kind"] == "clock_skew":
        await rig.trade_on(10, 0)
        await rig.fault("clock_skew", milliseconds=0)
    await rig.until_settled()


def moment(rig: Rig, phase: Phase) -> Callable[[], bool]:
    """Whether, since now, an order has come into that part of its life."""
    before = seen(rig, phase)
    return lambda: seen(rig, phase) > before


def seen(rig: Rig, phase: Phase) -> int:
    """How often orders of the phase's symbol have been there, as the exchange knows it."""
    if phase.before:
        return rig.exchange.services.faults.happened.get(phase.before[-1]["kind"], 0)
    account = rig.exchange.services.truth.sum.account("demo")
    if phase.report == "TRADE":
        return sum(trade.symbol == phase.symbol for trade in account.trades)
    orders = [order for order in account.orders.values() if order.symbol == phase.symbol]
    return sum(order.status == "cancelled" for order in orders) if phase.report == "CANCELED" else len(orders)


async def until(rig: Rig, what: str, holds: Callable[[], bool]) -> None:
    """Wait for something at the exchange, looking as often as the loop allows."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        left = [(fault.kind, fault.method) for fault in rig.exchange.services.faults.waiting()]
        assert monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}; still waiting: {left}"
        await asyncio.sleep(0.001)
