"""The same figures by month, weekday, tag, side, strategy or instrument, and what each cost took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta, tzinfo

import msgspec
import numpy as np

from actors.analytics.series import (
    FloatArray,
    Floats,
    IntArray,
    Times,
    day_ends,
    local_days,
    numbers,
    returns_of,
)
from actors.analytics.trade_columns import Labels, TradeColumns, Trades, by_label, columns_of
from actors.analytics.trades import expectancy, profit_factor, system_quality, win_rate

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = date(1970, 1, 1)


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


def trade_figures(trades: Trades) -> TradeFigures:
    """All trades as one group."""
    return _figures(columns_of(trades), None)


def _figures(trades: TradeColumns, places: IntArray | None) -> TradeFigures:
    """Of the trades at these places; None: of all."""

    def of(column: FloatArray) -> FloatArray:
        return column if places is None else column[places]

    gross, fees, slippage = of(trades.realised_pnl), of(trades.fees), _sum(of(trades.slippage))
    borrow, funding = of(trades.borrow), of(trades.funding)
    net = numbers(gross - fees - borrow - funding, "trades")
    return TradeFigures(
        count=len(net),
        gross=_sum(gross) + slippage,
        slippage=slippage,
        fees=_sum(fees),
        borrow=_sum(borrow),
        funding=_sum(funding),
        net=float(net.sum()),
        win_rate=win_rate(net),
        profit_factor=profit_factor(net),
        expectancy=expectancy(net),
        system_quality=system_quality(net),
    )


def _sum(values: FloatArray) -> float:
    """From the first to the last, as one adds by hand; a whole zero of nothing."""
    return 0.0 + float(np.cumsum(values)[-1]) if len(values) else 0


def by(trades: Trades, label: Callable[[TradeColumns], Labels]) -> dict[str, TradeFigures]:
    """Figures for each label, in the order of the labels."""
    columns = columns_of(trades)
    return {name: _figures(columns, places) for name, places in by_label(label(columns)).items()}


def by_strategy(trades: Trades) -> dict[str, TradeFigures]:
    """Attribution to strategies."""
    return by(trades, lambda columns: columns.strategy)


def by_instrument(trades: Trades) -> dict[str, TradeFigures]:
    """Attribution to instruments."""
    return by(trades, lambda columns: columns.instrument)


def by_side(trades: Trades) -> dict[str, TradeFigures]:
    """Long against short."""
    return by(trades, lambda columns: columns.direction)


def by_tag(trades: Trades) -> dict[str, TradeFigures]:
    """By what the strategy called them."""
    return by(trades, lambda columns: columns.tag)


def by_month(trades: Trades, zone: tzinfo = UTC) -> dict[str, TradeFigures]:
    """By the month in which they closed, as 2024-03."""
    return by(trades, lambda columns: _of_days(columns.ts_closed, zone, _month))


def by_weekday(trades: Trades, zone: tzinfo = UTC) -> dict[str, TradeFigures]:
    """By the weekday on which they closed, Monday first; days without trades are left out."""
    found = by(trades, lambda columns: _of_days(columns.ts_closed, zone, _weekday))
    return {day: found[day] for day in WEEKDAYS if day in found}


def _of_days(times: IntArray, zone: tzinfo, name: Callable[[int], str]) -> Labels:
    """What the day of each time is called."""
    days, place = np.unique(local_days(times, zone), return_inverse=True)
    names: dict[str, int] = {}
    codes = [names.setdefault(name(day), len(names)) for day in days.tolist()]
    return Labels(list(names), np.array(codes, dtype=np.int64)[place])


def _month(day: int) -> str:
    return f"{_EPOCH + timedelta(days=day):%Y-%m}"


def _weekday(day: int) -> str:
    return WEEKDAYS[(day + 3) % 7]  # 1970-01-01 was a Thursday


def monthly_returns(equity: Floats, times: Times, zone: tzinfo = UTC) -> dict[str, float | None]:
    """Return of each month that the curve touches, as 2024-03; the first counts from the first point.

    Returns:
        None for a month that begins without money; months without a point are left out.
    """
    curve, moments = day_ends(equity, times, zone)
    if not len(curve):
        return {}
    labels = [_month(day) for day in local_days(moments, zone).tolist()]
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
