"""All figures of one account of a run, made from its tables by `actors.analytics`; None is *not defined*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import polars

from actors.analytics import groups
from actors.analytics.groups import TradeFigures, trade_figures
from actors.analytics.holdings import exposure_average, time_in_market, turnover
from actors.analytics.returns import sharpe
from actors.analytics.series import (
    FloatArray,
    Times,
    daily_returns,
    numbers,
    periods_per_year,
    returns_of,
    years_between,
)
from actors.analytics.significance import Interval, bootstrap_interval, monte_carlo
from actors.analytics.summary import (
    BenchmarkFigures,
    EquityFigures,
    benchmark_figures,
    doubts,
    equity_figures,
)
from actors.analytics.trade_columns import NO_TAG, Labels, TradeColumns
from actors.analytics.trades import (
    Streaks,
    TradeResult,
    expectancy,
    payoff_ratio,
    r_multiples,
    streaks,
    system_quality,
)
from actors.errors import InvalidSeries
from actors.model.calendar import DAY_NS, Calendar, ListedSessions
from daemon.research.exposure import FILL_COLUMNS, POSITION_COLUMNS, exposure_of
from daemon.research.frames import codes_of, times_array, times_of
from daemon.research.metrics import OwnFigures, OwnMetric, own_figures
from daemon.research.participation import CAPACITY_COLUMNS, Capacity, capacity_of

YEAR_NS = 366 * DAY_NS
BLOCK_DAYS = 5.0
"""Mean length of the blocks that the bootstrap keeps together: a trading week."""
RUNS_MAX = 1_000
DRAWS_MAX = 2_000_000
"""Of the Monte Carlo over trades, all runs together; long lists get fewer runs."""
RETURNS_FOR_INTERVAL_MIN = 20
RUIN_SHARE = 0.5
"""Of the first equity: who has lost half rarely goes on."""

_MONEY = ("realised_pnl", "fees", "slippage", "borrow", "funding")
_LABELS = ("strategy", "instrument", "direction", "tag")


class Tables(Protocol):
    """The tables of one account, of which only what is asked for is made: they may be long."""

    def some(self, name: str, columns: Sequence[str]) -> polars.DataFrame:
        """Some columns of a table."""


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """What the same trades, drawn again with replacement, could have come to: returns on the equity that each
    was opened with, compounded."""

    runs: int
    final_equity_p05: float
    final_equity_p50: float
    final_equity_p95: float
    max_drawdown_p05: float
    """Deeper than this in one run of twenty; fraction ≤ 0."""
    max_drawdown_p50: float
    ruin_probability: float
    """Share of the runs that fell to `RUIN_SHARE` of the start or below."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One account in numbers, its currency."""

    equity: EquityFigures | None
    """None where equity was lost before the end, or nothing was sampled."""
    return_interval_ns: int
    """Period of the returns: a day, or the interval of the bars where that is longer."""
    calendar: str
    """Whose trading days `equity.periods_per_year` counts."""
    sharpe_interval: Interval | None
    """95 %, stationary block bootstrap."""
    trades: TradeFigures
    payoff_ratio: float | None
    streaks: Streaks
    expectancy_r: float | None
    """Mean of the R multiples, over trades that had a stop."""
    system_quality_r: float | None
    time_in_market: float | None
    exposure_average: float | None
    """Positions from fill to fill, each at its last fill's or sample's price, over equity as last sampled."""
    turnover: float | None
    adverse_average: float | None
    favourable_average: float | None
    chances: Chances | None
    by_strategy: dict[str, TradeFigures]
    by_instrument: dict[str, TradeFigures]
    by_side: dict[str, TradeFigures]
    by_tag: dict[str, TradeFigures]
    by_month: dict[str, TradeFigures]
    by_weekday: dict[str, TradeFigures]
    monthly_returns: dict[str, float | None]
    weekday_returns: dict[str, float]
    own: dict[str, float | None]
    """Metrics of the user's own, by the name of their function."""
    capacity: Capacity | None = None
    """None where no fill's bar is known."""
    benchmark: str | None = None
    """Instrument that the account is compared with: the first that it trades, held throughout."""
    against: BenchmarkFigures | None = None
    doubts: list[str]
    """What is too good, or rests on too little, to be believed."""


def figures_of(
    tables: Tables,
    *,
    calendar: Calendar,
    interval_ns: int,
    seed: int = 0,
    own: Mapping[str, OwnMetric] | None = None,
    benchmark: str | None = None,
    marks: Sequence[float] = (),
    still_open: Sequence[int] = (),
) -> Figures:
    """Figures of the rows of one account.

    Args:
        benchmark: Instrument that holding is compared with; `marks` are its prices at the rows, NaN for none.
        still_open: When each round trip that has not ended began, ns.
        interval_ns: Of the largest bars that nothing smaller feeds; a day at least counts.
    """
    equity = tables.some("equity", ("ts", "equity"))
    curve = equity["equity"].to_numpy().astype(np.float64)
    # A row closes its period: what ends at midnight belongs to the day before.
    times = times_array(equity["ts"]) - 1
    trades, spans = _columns_of(tables), tables.some("trades", ("ts_opened", "ts_closed"))
    interval = max(interval_ns, DAY_NS)
    of_equity = _of_equity(curve, times, calendar, interval)
    of_own = own_figures(own, curve, times, trade_results(tables)) if own else OwnFigures({}, [])
    multiples = _multiples(tables.some("trades", ("net", "risk")))
    net, of_trades = numbers(trades.net, "trades"), trade_figures(trades)
    is_sound = of_equity is not None
    return Figures(
        equity=of_equity,
        return_interval_ns=interval,
        calendar=calendar.name,
        sharpe_interval=_sharpe_interval(curve, times, of_equity, interval, seed),
        trades=of_trades,
        payoff_ratio=payoff_ratio(net),
        streaks=streaks(net),
        expectancy_r=expectancy(multiples),
        system_quality_r=system_quality(multiples),
        time_in_market=_in_market(spans, still_open, times) if len(times) else None,
        exposure_average=_exposure(equity, tables) if is_sound else None,
        turnover=turnover(_notionals(tables), curve, times) if is_sound else None,
        adverse_average=_mean(tables.some("trades", ("adverse",)).to_series()),
        favourable_average=_mean(tables.some("trades", ("favourable",)).to_series()),
        chances=_chances(net, times_array(spans["ts_opened"]), curve, times, seed),
        **_grouped(trades),
        monthly_returns=groups.monthly_returns(curve, times) if is_sound else {},
        weekday_returns=groups.weekday_returns(curve, times) if is_sound else {},
        own=of_own.figures,
        capacity=capacity_of(tables.some("fills", CAPACITY_COLUMNS)),
        benchmark=benchmark,
        against=_against(curve, times, marks, of_equity, interval),
        doubts=[*_doubts(of_equity, of_trades, times), *of_own.doubts],
    )


def _notionals(tables: Tables) -> FloatArray:
    return tables.some("fills", ("notional",)).to_series().fill_null(0.0).to_numpy()


def _exposure(equity: polars.DataFrame, tables: Tables) -> float | None:
    """None for an account that was lost while it held something."""
    positions, fills = tables.some("positions", POSITION_COLUMNS), tables.some("fills", FILL_COLUMNS)
    try:
        return exposure_average(*exposure_of(equity, positions, fills))
    except InvalidSeries:
        return None


def _multiples(trades: polars.DataFrame) -> FloatArray:
    with_stop = trades.filter(polars.col("risk") > 0.0)
    return r_multiples(with_stop["net"].to_numpy(), with_stop["risk"].to_numpy())


def _in_market(spans: polars.DataFrame, still_open: Sequence[int], times: Times) -> float | None:
    begin, end = int(times[0]), int(times[-1])
    open_since = np.asarray(still_open, dtype=np.int64)
    opened = np.concatenate((times_array(spans["ts_opened"]), open_since))
    closed = np.concatenate((times_array(spans["ts_closed"]), np.full_like(open_since, end)))
    return time_in_market(opened, closed, begin, end)


def _doubts(of_equity: EquityFigures | None, of_trades: TradeFigures, times: Times) -> list[str]:
    if of_equity is None:
        return []
    years = years_between(int(times[0]), int(times[-1]))
    return doubts(of_equity, of_trades.count, of_trades.win_rate, years)


def _grouped(trades: TradeColumns) -> dict[str, Any]:
    """The same figures by everything that trades are grouped by."""
    return {
        "by_strategy": groups.by_strategy(trades),
        "by_instrument": groups.by_instrument(trades),
        "by_side": groups.by_side(trades),
        "by_tag": groups.by_tag(trades),
        "by_month": groups.by_month(trades),
        "by_weekday": groups.by_weekday(trades),
    }


def _columns_of(tables: Tables) -> TradeColumns:
    """The table of trades in the form that analytics take."""

    def of(name: str) -> polars.Series:
        return tables.some("trades", (name,)).to_series()

    def money(name: str) -> FloatArray:
        # What is not known cost nothing; and a zero has no sign.
        return of(name).fill_null(0.0).to_numpy() + 0.0

    return TradeColumns(
        strategy=_labels(of("strategy")),
        instrument=_labels(of("instrument")),
        direction=_labels(of("direction")),
        tag=_labels(of("tag")),
        # As with equity: what a bar that ends at midnight has filled belongs to the day before.
        ts_closed=times_array(of("ts_closed")) - 1,
        realised_pnl=money("realised_pnl"),
        fees=money("fees"),
        slippage=money("slippage"),
        borrow=money("borrow"),
        funding=money("funding"),
    )


def _labels(column: polars.Series) -> Labels:
    return Labels(*codes_of(column.fill_null(NO_TAG)))


def trade_results(tables: Tables) -> list[TradeResult]:
    """The same trade by trade, for figures of the user's own."""
    trades = tables.some("trades", (*_LABELS, "ts_opened", "ts_closed", *_MONEY, "risk"))
    columns: list[Any] = [trades[name].to_list() for name in _LABELS]
    columns += [[ts - 1 for ts in times_of(trades, name)] for name in ("ts_opened", "ts_closed")]
    columns += [trades[name].to_list() for name in (*_MONEY, "risk")]
    return [
        TradeResult(
            strategy=strategy, instrument=instrument, direction=direction, tag=tag, ts_opened=opened,
            ts_closed=closed, realised_pnl=pnl, fees=fees, slippage=slippage or 0.0, borrow=borrow or 0.0,
            funding=funding or 0.0, risk=risk,
        )
        for strategy, instrument, direction, tag, opened, closed, pnl, fees, slippage, borrow, funding, risk
        in zip(*columns, strict=True)
    ]  # fmt: skip


def _of_equity(curve: FloatArray, times: Times, calendar: Calendar, interval: int) -> EquityFigures | None:
    if len(curve) < 2:
        return None
    # Whole days: a session that the edge cuts would count as one.
    first, last = int(times[0]) // DAY_NS * DAY_NS, -(-int(times[-1]) // DAY_NS) * DAY_NS
    begin, end = first, max(last, first + YEAR_NS)
    if isinstance(calendar, ListedSessions) and end > calendar.opens[-1]:
        begin, end = min(first, calendar.opens[-1] - YEAR_NS), calendar.opens[-1]  # nobody knows what comes
    periods = periods_per_year(calendar, interval, begin, end)
    try:
        if interval > DAY_NS:
            return equity_figures(curve, times, periods or 0.0, zone=None)
        return equity_figures(curve, times, periods or 0.0)
    except InvalidSeries:
        return None


def _sharpe_interval(
    curve: FloatArray, times: Times, of_equity: EquityFigures | None, interval: int, seed: int
) -> Interval | None:
    if of_equity is None or of_equity.return_count < RETURNS_FOR_INTERVAL_MIN:
        return None
    rates = returns_of(curve) if interval > DAY_NS else daily_returns(curve, times)
    periods = of_equity.periods_per_year
    return bootstrap_interval(
        rates, lambda drawn: sharpe(drawn, periods), np.random.default_rng(seed), block_length=BLOCK_DAYS
    )


def _against(
    curve: FloatArray, times: Times, marks: Sequence[float], of_equity: EquityFigures | None, interval: int
) -> BenchmarkFigures | None:
    """From the first price on; None without two returns."""
    held = np.asarray(marks, dtype=np.float64)
    if of_equity is None or len(held) != len(curve) or not np.isfinite(held).any():
        return None
    first = int(np.argmax(np.isfinite(held)))
    both = [series[first:] for series in (curve, held)]
    if len(both[0]) < 2:
        return None
    moments = np.asarray(times)[first:]
    rates = [returns_of(each) if interval > DAY_NS else daily_returns(each, moments) for each in both]
    return benchmark_figures(rates[0], rates[1], of_equity.periods_per_year)


def _chances(net: FloatArray, opened: Times, curve: FloatArray, times: Times, seed: int) -> Chances | None:
    """None without trades, or where one was opened with nothing."""
    if not len(net) or not len(curve) or curve[0] <= 0.0:
        return None
    places = np.searchsorted(np.asarray(times), opened, side="right") - 1
    stakes = curve[np.maximum(places, 0)]
    if (stakes <= 0.0).any():
        return None
    start, runs = float(curve[0]), max(1, min(RUNS_MAX, DRAWS_MAX // len(net)))
    chance = np.random.default_rng(seed)
    paths = monte_carlo(net / stakes, start, chance, runs=runs, floor=RUIN_SHARE * start)
    assert paths is not None, "there are trades"
    return Chances(
        runs=runs,
        final_equity_p05=paths.quantile("final_equity", 0.05),
        final_equity_p50=paths.quantile("final_equity", 0.5),
        final_equity_p95=paths.quantile("final_equity", 0.95),
        max_drawdown_p05=paths.quantile("max_drawdown", 0.05),
        max_drawdown_p50=paths.quantile("max_drawdown", 0.5),
        ruin_probability=paths.ruin_probability,
    )


def _mean(column: polars.Series) -> float | None:
    mean = column.mean()
    return float(mean) if isinstance(mean, float) else None
