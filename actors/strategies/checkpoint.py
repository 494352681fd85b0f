"""What checkpoints keep of the strategy host."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.messages.control import DayClose, OffLoopResult, Scope, StrategyTimer, TradingState
from actors.messages.corrections import FillCorrected
from actors.messages.market import Bar
from actors.messages.orders import Direction, OrderFilled
from actors.strategies.orders import Order
from actors.views.holdings import HoldingsState


class FeedState(msgspec.Struct, array_like=True):
    """Closed bars of one instrument and timeframe."""

    instrument: str
    interval_ns: int
    last_end: int
    bars: list[Bar]


class RunnerState(msgspec.Struct, array_like=True, kw_only=True):
    """One strategy."""

    is_started: bool
    is_stopped: bool
    has_failed: bool
    state: msgspec.Raw
    """The strategy's own struct."""
    feeds: list[FeedState]
    indicators: list[list[Any]]
    """In the order of `on_setup`."""
    orders: list[Order]
    wishes: list[tuple[str, Direction, float]]
    refused: list[str]
    timers: list[tuple[str, int]]
    missed: list[StrategyTimer]
    missed_day: DayClose | None
    has_day_timer: bool
    requests: list[int]
    answers: list[OffLoopResult]
    fills: list[OrderFilled | FillCorrected]


class HostState(msgspec.Struct, array_like=True, kw_only=True):
    """The whole host."""

    states: list[tuple[Scope, TradingState]]
    backfilled: list[tuple[str, int]]
    last_request_id: int
    holdings: HoldingsState
    runners: dict[str, RunnerState]
