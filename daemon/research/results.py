"""What a backtest did: an actor at the end of the graph that only listens, and the figures made of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import AccountSnapshot, TradeClosed
from actors.messages.control import StrategyFailed
from actors.messages.orders import OrderDenied, OrderFilled, OrderRejected, SubmitOrder
from actors.model.money import ZERO


class Results(CoreActor):
    """Results: listens to settled facts and keeps them."""

    name = "results"

    def __init__(self) -> None:
        self.orders = 0
        self.orders_by_strategy: dict[str, int] = {}
        self.equity_start: dict[str, float] = {}
        self.denied: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.fills: list[OrderFilled] = []
        self.trades: list[TradeClosed] = []
        self.failures: list[StrategyFailed] = []
        self.drawdown: dict[str, float] = {}

    def on_submit(self, command: SubmitOrder) -> None:
        self.orders += 1
        name = command.terms.strategy
        self.orders_by_strategy[name] = self.orders_by_strategy.get(name, 0) + 1

    def on_denied(self, event: OrderDenied) -> None:
        self.denied[event.code] = self.denied.get(event.code, 0) + 1

    def on_rejected(self, event: OrderRejected) -> None:
        self.rejected[event.code] = self.rejected.get(event.code, 0) + 1

    def on_filled(self, event: OrderFilled) -> None:
        self.fills.append(event)

    def on_trade_closed(self, event: TradeClosed) -> None:
        self.trades.append(event)

    def on_strategy_failed(self, event: StrategyFailed) -> None:
        self.failures.append(event)

    def on_snapshot(self, event: AccountSnapshot) -> None:
        self.drawdown[event.account] = min(self.drawdown.get(event.account, 0.0), event.drawdown)


class AccountResult(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the end of a backtest, in its base currency."""

    currency: str
    equity_start: float
    equity_end: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    max_drawdown: float
    """Fraction of the running peak, ≤ 0; seen at snapshots."""
    balances: dict[str, Decimal]
    trial_balance: Decimal


class StrategyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy did; quote currency."""

    orders: int
    fills: int
    trades: int
    won: int
    """Trades with realised P&L after fees above zero."""
    realised_pnl: Decimal
    fees: Decimal


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `tickerd backtest` prints."""

    inputs: int
    orders: int
    fills: int
    trades: int
    start: str
    end: str
    seconds: float
    inputs_per_second: float
    denied: dict[str, int]
    rejected: dict[str, int]
    accounts: dict[str, AccountResult]
    strategies: dict[str, StrategyResult]
    failures: list[str]


def by_strategy(results: Results, orders: dict[str, int]) -> dict[str, StrategyResult]:
    """Figures per strategy, from its fills and closed trades."""
    names = dict.fromkeys([*orders, *(fill.strategy for fill in results.fills)])
    found: dict[str, Any] = {}
    for name in names:
        trades = [trade for trade in results.trades if trade.strategy == name]
        found[name] = StrategyResult(
            orders=orders.get(name, 0),
            fills=sum(fill.strategy == name for fill in results.fills),
            trades=len(trades),
            won=sum(trade.realised_pnl - trade.fees > ZERO for trade in trades),
            realised_pnl=sum((trade.realised_pnl for trade in trades), ZERO),
            fees=sum((trade.fees for trade in trades), ZERO),
        )
    return found
