"""Every figure of an account with its label and its unit, as people read it; `n/a` is what is not defined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import floor, log10
from typing import NamedTuple

from msgspec.structs import fields

from actors.analytics import Drawdown, EquityFigures
from actors.analytics.significance import Interval
from actors.ledger.attribution import Attribution
from daemon.research.figures import Figures
from daemon.research.participation import SHARE_MAX, Capacity
from daemon.research.runs import AccountResult

NOT_DEFINED = "n/a"
DAY_NS = 86_400_000_000_000


class Row(NamedTuple):
    """One figure."""

    name: str
    """What templates and comparisons call it."""
    label: str
    text: str
    value: float | None
    better: int = 0
    """1: more is better, -1: less, 0: neither."""
    note: str = ""


class Group(NamedTuple):
    """Figures that belong together."""

    title: str
    rows: list[Row]


def percent(value: float | None, places: int = 2) -> str:
    return NOT_DEFINED if value is None else f"{value * 100:,.{places}f} %"


def number(value: float | None, places: int = 2) -> str:
    return NOT_DEFINED if value is None else f"{value:,.{places}f}"


def significant(value: float | None) -> str:
    """Small or large, never more than three digits behind those that count: 0.00213, 2.13, 2,134."""
    if value is None:
        return NOT_DEFINED
    places = 0 if value == 0.0 or abs(value) >= 100.0 else min(2 - floor(log10(abs(value))), 9)
    return f"{value:,.{places}f}"


def whole(value: float | None) -> str:
    return NOT_DEFINED if value is None else f"{value:,.0f}"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money(value: float | None, currency: str = "") -> str:
    if value is None:
        return NOT_DEFINED
    places = 2 if abs(value) < 1e6 else 0
    return f"{value + 0.0:,.{places}f} {currency}".rstrip()


def days(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return NOT_DEFINED
    amount = nanoseconds / DAY_NS
    if amount >= 1:
        return f"{amount:,.0f} d" if amount >= 10 else f"{amount:,.1f} d"
    return f"{amount * 24:,.1f} h" if amount * 24 >= 1 else f"{amount * 1_440:,.0f} min"


def day(ns: int | None) -> str:
    return "not yet" if ns is None else f"{datetime.fromtimestamp(ns // 10**9, tz=UTC):%Y-%m-%d}"


def groups_of(account: AccountResult) -> list[Group]:
    """All figures of an account; groups without any are left out."""
    figures, currency = account.figures, account.currency
    found = [
        Group("Return", _returns(account, figures.equity)),
        Group("Risk and reward", _ratios(figures) if figures.equity else []),
        Group("Drawdown and tail", _falls(figures.equity) if figures.equity else []),
        Group("Trades", _trades(figures, currency)),
        Group("Costs", _costs(figures, currency)),
        Group("Margin", _margin(account)),
        Group("Holdings", _holdings(figures)),
        Group("Capacity", _capacity(figures.capacity, currency)),
        Group("What chance could have made of it", _chances(figures, currency)),
        Group("Own", [Row(name, name, number(value, 4), value, 1) for name, value in figures.own.items()]),
    ]
    return [group for group in found if group.rows]


def rows_of(account: AccountResult) -> list[Row]:
    """The same without groups."""
    return [row for group in groups_of(account) for row in group.rows]


def headline(account: AccountResult) -> list[Row]:
    """The few that are looked at first."""
    by_name = {row.name: row for row in rows_of(account)}
    wanted = ("total_return", "cagr", "sharpe", "max_drawdown", "trades", "profit_factor")
    return [by_name[name] for name in wanted if name in by_name]


def _returns(account: AccountResult, equity: EquityFigures | None) -> list[Row]:
    currency, net = account.currency, account.equity_end - account.equity_start
    rows = [
        Row(
            "equity_start", "Equity at the start", money(account.equity_start, currency), account.equity_start
        ),
        Row("equity_end", "Equity at the end", money(account.equity_end, currency), account.equity_end, 1),
        Row("net_profit", "Profit and loss", money(net, currency), net, 1),
    ]
    if equity is None:
        return rows
    return [
        *rows,
        Row("total_return", "Total return", percent(equity.total_return), equity.total_return, 1),
        Row("cagr", "Growth a year (CAGR)", percent(equity.cagr), equity.cagr, 1, "365.25 days"),
        Row("volatility", "Volatility a year", percent(equity.volatility), equity.volatility, -1),
        Row("best", "Best period", percent(equity.best), equity.best, 1),
        Row("worst", "Worst period", percent(equity.worst), equity.worst, 1),
    ]


def _ratios(figures: Figures) -> list[Row]:
    equity = figures.equity
    assert equity is not None, "asked only where there is one"
    periods = f"{equity.periods_per_year:,.6g} periods a year, {figures.calendar}"
    return [
        Row("sharpe", "Sharpe ratio", number(equity.sharpe), equity.sharpe, 1,
            _joined(_interval(figures.sharpe_interval), periods)),
        Row("sharpe_probability", "Chance that it is above 0", percent(equity.sharpe_probability, 1),
            equity.sharpe_probability, 1),
        Row("sortino", "Sortino ratio", number(equity.sortino), equity.sortino, 1, periods),
        Row("calmar", "Calmar ratio", number(equity.calmar), equity.calmar, 1),
        Row("omega", "Omega", number(equity.omega), equity.omega, 1),
        Row("tail_ratio", "Tail ratio", number(equity.tail_ratio), equity.tail_ratio, 1),
        Row("skew", "Skew", number(equity.skew), equity.skew, 1),
        Row("kurtosis", "Kurtosis", number(equity.kurtosis), equity.kurtosis),
    ]  # fmt: skip


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.lower:.2f} to {interval.upper:.2f} at 95 %"


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _falls(equity: EquityFigures) -> list[Row]:
    return [
        Row("max_drawdown", "Deepest drawdown", percent(equity.max_drawdown), equity.max_drawdown, 1,
            _dates(equity.worst_drawdown)),
        Row("longest_drawdown", "Longest time below a peak", days(equity.longest_drawdown_ns),
            None if equity.longest_drawdown_ns is None else equity.longest_drawdown_ns / DAY_NS, -1),
        Row("ulcer_index", "Ulcer index", percent(equity.ulcer_index), equity.ulcer_index, -1),
        Row("value_at_risk", "Value at risk, 95 %", percent(equity.value_at_risk), equity.value_at_risk, 1),
        Row("conditional_value_at_risk", "Mean beyond it (CVaR)", percent(equity.conditional_value_at_risk),
            equity.conditional_value_at_risk, 1),
    ]  # fmt: skip


def _dates(fall: Drawdown | None) -> str:
    if fall is None:
        return ""
    return f"{day(fall.ts_peak)}, lowest {day(fall.ts_trough)}, recovered {day(fall.ts_recovered)}"


def _trades(figures: Figures, currency: str) -> list[Row]:
    trades, streaks = figures.trades, figures.streaks
    return [
        Row("trades", "Closed trades", whole(trades.count), trades.count),
        Row("win_rate", "Won", percent(trades.win_rate, 1), trades.win_rate, 1),
        Row("profit_factor", "Profit factor", number(trades.profit_factor), trades.profit_factor, 1),
        Row("payoff_ratio", "Mean win over mean loss", number(figures.payoff_ratio), figures.payoff_ratio, 1),
        Row("expectancy", "Expectancy", money(trades.expectancy, currency), trades.expectancy, 1),
        Row("expectancy_r", "Expectancy in R", number(figures.expectancy_r), figures.expectancy_r, 1),
        Row("system_quality", "System quality (SQN)", number(trades.system_quality),
            trades.system_quality, 1),
        Row("won_max", "Most wins in a row", whole(streaks.won_max), streaks.won_max, 1),
        Row("lost_max", "Most losses in a row", whole(streaks.lost_max), streaks.lost_max, -1),
        Row("adverse", "Mean furthest against (MAE)", percent(figures.adverse_average),
            figures.adverse_average, 1),
        Row("favourable", "Mean furthest in favour (MFE)", percent(figures.favourable_average),
            figures.favourable_average, 1),
    ]  # fmt: skip


def _costs(figures: Figures, currency: str) -> list[Row]:
    trades = figures.trades
    parts = [
        ("gross", "Closed trades before costs", trades.gross, 1),
        ("slippage", "Slippage", -trades.slippage, 1),
        ("fees", "Fees", -trades.fees, 1),
        ("borrow", "Borrowing", -trades.borrow, 1),
        ("funding", "Funding", -trades.funding, 1),
        ("net", "Closed trades after costs", trades.net, 1),
    ]
    return [
        Row(name, label, money(value, currency), value + 0.0, better) for name, label, value, better in parts
    ]


def _margin(account: AccountResult) -> list[Row]:
    """Nothing where nobody was called."""
    if not account.margin_calls:
        return []
    calls, fills = account.margin_calls, account.liquidations
    return [
        Row("margin_calls", "Margin calls", whole(calls), calls, -1),
        Row("liquidations", "Fills that the venue liquidated", whole(fills), fills, -1),
    ]


ATTRIBUTION_TITLE = "Where the result came from, open positions at mark"
COSTS = ("slippage", "fees", "borrow", "funding", "interest")


def attributed(account: AccountResult) -> list[Attribution]:
    """A line for each strategy and instrument, and behind several of one currency their sum."""
    lines = account.attribution
    if len(lines) < 2 or len({line.currency for line in lines}) > 1:
        return lines
    names = [each.name for each in fields(Attribution) if each.type is Decimal]
    sums = {name: sum((getattr(line, name) for line in lines), Decimal(0)) for name in names}
    together = Attribution(strategy="together", instrument="", currency=lines[0].currency, **sums)
    return [*lines, together]


def attribution_of(account: AccountResult) -> tuple[list[str], list[list[str]]]:
    """Headings, and a line for each of `attributed`; a cost that nobody has paid has no column."""
    lines = attributed(account)
    costs = [name for name in COSTS if any(getattr(line, name) for line in lines)]
    dividends = ["dividends"] if any(line.dividends for line in lines) else []
    is_foreign = any(line.currency != account.currency for line in lines)
    rows = [
        [
            f"{line.strategy} {line.instrument}".strip() if line.strategy else "interest on cash owed",
            money(float(line.gross)),
            *(money(-float(getattr(line, name))) for name in costs),
            *(money(float(line.dividends)) for _ in dividends),
            money(float(line.net), line.currency),
            *([_in_account(account, line)] if is_foreign else []),
        ]
        for line in lines
    ]
    converted = [f"in {account.currency}"] if is_foreign else []
    return ["", "gross", *costs, *dividends, "net", *converted], rows


def _in_account(account: AccountResult, line: Attribution) -> str:
    """The net at the rate of the end."""
    rate = account.rates.get(line.currency)
    return money(None if rate is None else float(line.net) * rate, account.currency)


def _holdings(figures: Figures) -> list[Row]:
    return [
        Row("time_in_market", "Time in the market", percent(figures.time_in_market, 1),
            figures.time_in_market),
        Row("exposure", "Mean exposure over equity", percent(figures.exposure_average, 1),
            figures.exposure_average),
        Row("turnover", "Turnover a year", number(figures.turnover, 1), figures.turnover, 0, "times equity"),
    ]  # fmt: skip


def _capacity(found: Capacity | None, currency: str) -> list[Row]:
    if found is None:
        return []
    limit = f"{SHARE_MAX:.0%} of a bar's volume in 95 of 100 bars"
    return [
        Row("volume_share", "Share of a bar's volume, median", _share(found.share_median),
            found.share_median, -1, f"{found.bars:,} bars with fills"),
        Row("volume_share_p95", "… 5 in 100 above", _share(found.share_p95), found.share_p95, -1),
        Row("volume_share_max", "… largest", _share(found.share_max), found.share_max, -1),
        Row("capacity_notional", "Room in a bar", money(found.notional, currency), found.notional, 1, limit),
        Row("capacity_scale", "Room for orders, times ours", significant(found.scale), found.scale, 1, limit),
    ]  # fmt: skip


def _share(value: float) -> str:
    return f"{significant(value * 100)} %"


def _chances(figures: Figures, currency: str) -> list[Row]:
    chances = figures.chances
    if chances is None:
        return []
    runs = f"{chances.runs:,} draws of the same trades"
    rows: Sequence[tuple[str, str, float]] = (
        ("final_equity_p05", "Equity at the end, 5 in 100 below", chances.final_equity_p05),
        ("final_equity_p50", "… median", chances.final_equity_p50),
        ("final_equity_p95", "… 5 in 100 above", chances.final_equity_p95),
    )
    return [
        *(
            Row(name, label, money(value, currency), value, 1, "" if number else runs)
            for number, (name, label, value) in enumerate(rows)
        ),
        Row("chance_drawdown_p05", "Drawdown, 5 in 100 deeper", percent(chances.max_drawdown_p05),
            chances.max_drawdown_p05, 1),
        Row("ruin", "Fell to half of the start", percent(chances.ruin_probability),
            chances.ruin_probability, -1),
    ]  # fmt: skip
