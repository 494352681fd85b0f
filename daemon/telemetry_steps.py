"""Counts what passed through the core: one look-up per message of a step, nothing for market data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actors.messages.account import AccountSnapshot, DifferenceFound
from actors.messages.base import Message
from actors.messages.control import StrategyFailed
from actors.messages.orders import OrderDenied, OrderFilled, OrderRejected, SubmitOrder
from daemon.telemetry import AccountFigures, Telemetry


class StepTelemetry:
    """Follows the record like the store does, and keeps the counters of `Telemetry`."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._counters: dict[type[Message], Callable[[Any], None]] = {
            SubmitOrder: self._on_submit,
            OrderDenied: self._on_denied,
            OrderRejected: self._on_rejected,
            OrderFilled: self._on_filled,
            DifferenceFound: self._on_difference,
            StrategyFailed: self._on_strategy_failed,
            AccountSnapshot: self._on_snapshot,
        }

    def on_step(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        self._telemetry.seq = seq
        counters = self._counters
        for each in sent:
            if (count := counters.get(each.__class__)) is not None:
                count(each)

    def _on_submit(self, command: SubmitOrder) -> None:
        _count(self._telemetry.orders_sent, command.account)

    def _on_denied(self, event: OrderDenied) -> None:
        _count(self._telemetry.orders_denied, (event.account, event.code))

    def _on_rejected(self, event: OrderRejected) -> None:
        _count(self._telemetry.orders_rejected, (event.account, event.code))

    def _on_filled(self, event: OrderFilled) -> None:
        _count(self._telemetry.fills, event.account)

    def _on_difference(self, event: DifferenceFound) -> None:
        _count(self._telemetry.differences, (event.account, event.kind))

    def _on_strategy_failed(self, event: StrategyFailed) -> None:
        _count(self._telemetry.strategy_failures, (event.account, event.strategy))

    def _on_snapshot(self, event: AccountSnapshot) -> None:
        figures = self._telemetry.accounts.get(event.account)
        if figures is None:
            figures = self._telemetry.accounts[event.account] = AccountFigures(currency=event.currency)
        for field in ("equity", "cash", "unrealised_pnl", "realised_pnl", "fees", "drawdown"):
            setattr(figures, field, getattr(event, field))


def _count(counts: dict[Any, int], key: object) -> None:
    counts[key] = counts.get(key, 0) + 1
