"""The same figures by month, weekday, tag, side, strategy or instrument, and what each cost took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec
import numpy as np

from actors.analytics.series import Floats, Times, day_ends, local_days, numbers, returns_of
from actors.analytics.trades import (
    TradeResult,
    expectancy,
    net_results,
    profit_factor,
    system_quality,
    win_rate,
)
from actors.model.calendar import SECOND_NS

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_TAG = "(none)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TradeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A group of trades in numbers; money in account currency."""

    count: int
    gross: float
    """Before all costs, slippage too: `net` = gross − slippage − fees − borrow − funding."""
    slippage: float
    fees: float
    borrow: float
    funding: float
    net: float
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    system_quality: float | None


def trade_figures(trades: Sequence[TradeResult]) -> TradeFigures:
    """All trades as one group."""
    net = net_results(trades)
    slippage = sum(trade.slippage for trade in trades)
    return TradeFigures(
        count=len(trades),
        gross=sum(trade.realised_pnl for trade in trades) + slippage,
        slippage=slippage,
        fees=sum(trade.fees for trade in trades),
        borrow=sum(trade.borrow for trade in trades),
        funding=sum(trade.funding for trade in trades),
        net=float(net.sum()),
        win_rate=win_rate(net),
        profit_factor=profit_factor(net),
        expectancy=expectancy(net),
        system_quality=system_quality(net),
    )


def by(trades: Sequence[TradeResult], key: Callable[[TradeResult], str]) -> dict[str, TradeFigures]:
    """Figures for each value of the key, in the order of the keys."""
    groups: dict[str, list[TradeResult]] = {}
    for trade in trades:
        groups.setdefault(key(trade), []).append(trade)
    return {name: trade_figures(groups[name]) for name in sorted(groups)}


def by_strategy(trades: Sequence[TradeResult]) -> dict[str, TradeFigures]:
    """Attribution to strategies."""
    return by(trades, lambda trade: trade.strategy)


def by_instrument(trades: Sequence[TradeResult]) -> dict[str, TradeFigures]:
    """Attribution to instruments."""
    return by(trades, lambda trade: trade.instrument)


def by_side(trades: Sequence[TradeResult]) -> dict[str, TradeFigures]:
    """Long against short."""
    return by(trades, lambda trade: trade.direction)


def by_tag(trades: Sequence[TradeResult]) -> dict[str, TradeFigures]:
    """By what the strategy called them."""
    return by(trades, lambda trade: NO_TAG if trade.tag is None else trade.tag)


def by_month(trades: Sequence[TradeResult], zone: tzinfo = UTC) -> dict[str, TradeFigures]:
    """By the month in which they closed, as 2024-03."""
    return by(trades, lambda trade: f"{_local(trade.ts_closed, zone):%Y-%m}")


def by_weekday(trades: Sequence[TradeResult], zone: tzinfo = UTC) -> dict[str, TradeFigures]:
    """By the weekday on which they closed, Monday first; days without trades are left out."""
    found = by(trades, lambda trade: WEEKDAYS[_local(trade.ts_closed, zone).weekday()])
    return {day: found[day] for day in WEEKDAYS if day in found}


def monthly_returns(equity: Floats, times: Times, zone: tzinfo = UTC) -> dict[str, float | None]:
    """Return of each month that the curve touches, as 2024-03; the first counts from the first point.

    Returns:
        None for a month that begins without money; months without a point are left out.
    """
    curve, moments = day_ends(equity, times, zone)
    if not len(curve):
        return {}
    labels = [f"{_EPOCH + timedelta(days=int(day)):%Y-%m}" for day in local_days(moments, zone)]
    ends = {label: float(value) for label, value in zip(labels, curve, strict=True)}
    before, found = float(numbers(equity)[0]), {}
    for label, value in ends.items():
        found[label] = value / before - 1.0 if before > 0.0 else None
        before = value
    return found


def weekday_returns(equity: Floats, times: Times, zone: tzinfo = UTC) -> dict[str, float]:
    """Mean return of the days that end on each weekday, Monday first; days without any are left out."""
    curve, moments = day_ends(equity, times, zone)
    if len(curve) < 2:
        return {}
    weekdays = (local_days(moments, zone)[1:] + 3) % 7  # 1970-01-01 was a Thursday
    rates = returns_of(curve)
    return {WEEKDAYS[day]: float(rates[weekdays == day].mean()) for day in np.unique(weekdays)}


def _local(ts: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ts // SECOND_NS, tz=zone)
