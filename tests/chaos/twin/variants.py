"""The core as shipped, and ones that break one rule each: the judge must catch every one of them.

No setting of tickerd leads here; the changes are made on the built graph, or in this harness's own driver.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from actors.messages.orders import FillReport
from actors.model.ids import ClientOrderIds
from actors.oms.actor import OmsActor
from actors.oms.order import Order
from actors.portfolio.sizing import Sizing
from actors.risk.limits import RiskLimits
from daemon.config import AccountSection, Config, StrategySection
from daemon.graph import BarSources, Core, build_core
from tests.chaos.twin.exchange import ACCOUNT, BTC, INSTRUMENT
from tests.chaos.twin.trader import HardTrader

STRATEGIES = ("one", "two")
_USE = f"{HardTrader.__module__}:{HardTrader.__qualname__}"
_CONFIG = Config(
    accounts={
        ACCOUNT: AccountSection(
            venue="binance",
            mode="testnet",
            base_currency="USDT",
            limits=RiskLimits(order_rate_max=None, price_age_max_seconds=60.0, position_max=Decimal(200)),
            reconcile_minutes=0.25,
            snapshot_seconds=3_600.0,
        )
    },
    strategies={
        name: StrategySection(use=_USE, account=ACCOUNT, instruments=(BTC,), sizing=Sizing())
        for name in STRATEGIES
    },
)


def shipped_core(store_id: str) -> Core:
    """The graph as the daemon builds it."""
    return build_core(
        _CONFIG,
        instruments={BTC: INSTRUMENT},
        classes=dict.fromkeys(STRATEGIES, HardTrader),
        sources=BarSources(),
        ids=ClientOrderIds(store_id=store_id, epoch=1),
    )


class Variant(NamedTuple):
    """A core to build, and what the driver does differently."""

    name: str
    core: Callable[[str], Core] = shipped_core
    sends_first: bool = False
    """Commands leave before their step is written."""
    publishes_early: bool = False
    """A checkpoint counts before what it stands on is recorded."""


SAFE = Variant("safe")


def _oms_changed(change: Callable[[Any], None]) -> Callable[[str], Core]:
    """A core whose oms is changed right after it was built."""

    def build(store_id: str) -> Core:
        core = shipped_core(store_id)
        oms: OmsActor = core.oms
        change(oms)
        return core

    return build


def _asks_nothing(oms: Any) -> None:
    """An order without an answer is left as it is."""
    oms._desk.begin_asking = lambda order: None


def _forgets_trades(oms: Any) -> None:
    """A fill is booked as often as it is told."""
    actions = oms._life._actions
    book: Callable[[Order, FillReport], None] = actions["book"]

    def book_again(order: Order, fill: FillReport) -> None:
        order.trades.clear()
        book(order, fill)

    actions["book"] = book_again


def _follows_stream(oms: Any) -> None:
    """A fill of the stream moves the paging mark past everything before it."""
    take = oms._take

    def take_and_move(report: Any) -> None:
        take(report)
        if isinstance(report, FillReport):
            marks = oms._desk.accounts[report.account].marks
            marks[report.instrument] = str(max(int(marks.get(report.instrument) or 0), int(report.trade_id)))

    oms._take = take_and_move


def _trusts_absence(oms: Any) -> None:
    """The first two answers that do not know an order are proof enough, however fresh it is."""
    desk = oms._desk
    desk.rules = {
        name: msgspec.structs.replace(rules, clock_margin_ms=-rules.receive_window_ms, not_received_gap_ms=0)
        for name, rules in desk.rules.items()
    }


UNSAFE = (
    Variant("send before the write", sends_first=True),
    Variant("no query on unknown", core=_oms_changed(_asks_nothing)),
    Variant("no trade-id check", core=_oms_changed(_forgets_trades)),
    Variant("checkpoint published too early", publishes_early=True),
    Variant("paging mark moved by stream fills", core=_oms_changed(_follows_stream)),
    Variant("absence taken as proof too soon", core=_oms_changed(_trusts_absence)),
)
