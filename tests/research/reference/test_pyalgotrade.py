"""pyalgotrade's samples: fills, final values, Sharpe ratios and drawdowns as published."""

from __future__ import annotations

from typing import Any

import polars as pl

from actors.analytics.series import FloatArray
from daemon.research.result import Result
from tests.research.reference.references import (
    HERE,
    backtest,
    cases,
    daily,
    day_of,
    final_cash,
    moment,
    needs_references,
    show,
)

CASES = cases("pyalgotrade")
WIKI, YAHOO = "equity_daily/wiki/WIKI-{}-quandl.csv", "equity_daily/yahoo/{}"
NO_CASH_NO_FILL = "venues.files.simulated.bars.market_rest=all_or_none"
FINE: dict[str, Any] = {"tick_size": "0.000000001"}
"""Adjusted prices lie on no grid."""
pytestmark = needs_references


def sharpe_over(percent: int) -> str:
    return f'backtest.metrics=["{HERE}/their_figures.py:sharpe_over_{percent}_percent"]'


def aapl(*, adjusted: bool) -> pl.DataFrame:
    return pl.concat([daily(WIKI.format(f"AAPL-{year}"), adjusted=adjusted) for year in (2011, 2012)])


def expected(case: str) -> dict[str, Any]:
    return dict(CASES[case]["expected"])


def test_the_tutorials_fills_and_final_value_are_ours() -> None:
    result = backtest(
        "price_cross.py:PriceCross",
        daily(WIKI.format("ORCL-2000"), adjusted=True),
        symbol="ORCL",
        cash=1_000,
        parameters={"length": 15, "quantity": "10", "crosses": False},
        settings=[NO_CASH_NO_FILL],
        **FINE,
    )
    published = expected("tutorial_sma15_orcl2000")
    ours = [
        {"date": str(row["ts"].date()), "side": row["side"], "price": round(row["price"], 2)}
        for row in result.fills.iter_rows(named=True)
    ]
    show("tutorial_sma15_orcl2000", fills=len(ours), equity=result.metrics["equity_end"])
    assert ours == published["fills"]
    assert round(result.metrics["equity_end"], 2) == published["final_portfolio_value"]


def cross(bars: pl.DataFrame, symbol: str, length: int) -> Result:
    return backtest(
        "price_cross.py:PriceCross",
        bars,
        symbol=symbol,
        cash=1_000_000,
        parameters={"length": length},
        settings=[NO_CASH_NO_FILL, sharpe_over(5)],
        **FINE,
    )


def test_a_cross_of_163_days_has_the_published_sharpe_ratio() -> None:
    figures = cross(aapl(adjusted=True), "AAPL", 163).metrics
    show("sma_crossover_aapl_163", equity=figures["equity_end"], sharpe=figures["sharpe_over_5_percent"])
    assert round(figures["sharpe_over_5_percent"], 2) == expected("sma_crossover_aapl_163")["sharpe"]
    assert round(figures["equity_end"], 2) == 1_565_167.20  # as recomputed beside the published figure


def test_the_strategy_analyzers_figures_are_ours() -> None:
    bars = daily(YAHOO.format("orcl-2000-yahoofinance.csv"), adjusted=True)
    result, published = cross(bars, "ORCL", 20), expected("strategy_analyzer_orcl2000_sma20")
    figures, net = result.metrics, result.trades["net"].to_numpy()
    won, lost = net[net > 0], net[net <= 0]
    share = 100 * net / (result.trades["quantity"] * result.trades["entry_price"]).to_numpy()
    ours = {
        "final_portfolio_value": round(figures["equity_end"], 1),
        "cumulative_return_pct": round(100 * figures["total_return"], 2),
        "sharpe": round(figures["sharpe_over_5_percent"], 2),
        "max_drawdown_pct": round(-100 * figures["max_drawdown"], 2),
        "longest_drawdown_days": longest_fall(result),
        "total_trades": len(net),
        **told("profit", net),
        "max_profit": round(net.max()),
        "min_profit": round(net.min()),
        **told("return", share, "_pct"),
        "max_return_pct": round(share.max()),
        "min_return_pct": round(share.min()),
        "profitable": len(won),
        "profitable_avg": round(won.mean()),
        "profitable_std": round(won.std()),
        "unprofitable": len(lost),
        "unprofitable_avg": round(lost.mean()),
        "unprofitable_std": round(lost.std()),
        "unprofitable_max": round(lost.min()),
        "unprofitable_min": round(lost.max()),
    }
    show("strategy_analyzer_orcl2000_sma20", **ours)
    del published["std_note"]  # says that they divide by n
    assert ours == published


def told(what: str, values: FloatArray, unit: str = "") -> dict[str, int]:
    """Mean and deviation, which divides by n."""
    return {f"avg_{what}{unit}": round(values.mean()), f"{what}_std{unit}": round(values.std())}


def longest_fall(result: Result) -> int:
    """Days from a peak to the last day below it."""
    curve = result.equity["equity"].to_numpy()
    days = [day_of(moment) for moment in result.equity["ts"]]
    peak, since, longest = curve[0], days[0], 0
    for day, equity in zip(days, curve, strict=True):
        if equity >= peak:
            peak, since = equity, day
        else:
            longest = max(longest, (day - since).days)
    return longest


def test_vwap_momentum_has_the_published_sharpe_ratio() -> None:
    figures = backtest(
        "momentum.py:VwapMomentum",
        aapl(adjusted=False),
        symbol="AAPL",
        cash=1_000_000,
        settings=[NO_CASH_NO_FILL, sharpe_over(5)],
        tick_size="0.0001",
    ).metrics
    show("vwap_momentum_aapl", equity=figures["equity_end"], sharpe=figures["sharpe_over_5_percent"])
    assert round(figures["sharpe_over_5_percent"], 2) == expected("vwap_momentum_aapl")["sharpe"]


def test_the_books_index_fund_has_the_published_sharpe_ratio_and_drawdown() -> None:
    bars = daily(YAHOO.format("sharpe-ratio-test-ige.csv.gz"), adjusted=True, interval="1d")
    result = backtest(
        "whole_weight.py:OneShare",
        bars,
        symbol="IGE",
        cash="42.09",
        settings=[
            "venues.files.simulated.bars.market_orders=same_close",
            "venues.files.simulated.bars.zero_volume=fill",
            sharpe_over(4),
        ],
    )
    figures, published = result.metrics, expected("ernie_chan_ige")
    sharpe = figures["sharpe_over_4_percent"]
    show(
        "ernie_chan_ige",
        equity=figures["equity_end"],
        sharpe=sharpe,
        drawdown=figures["max_drawdown"],
        days=longest_fall(result),
    )
    assert result.fills["price"].to_list() == [42.09]
    assert round(sharpe, 4) == published["sharpe_annual"]
    assert round(sharpe / 252**0.5, 4) == published["sharpe_per_period"]
    assert round(-figures["max_drawdown"], 5) == published["max_drawdown"]
    assert longest_fall(result) == published["longest_drawdown_days"]
    assert figures["equity_end"] == published["final_cash"]


def test_orders_of_given_minutes_fill_at_the_next_open() -> None:
    bars = daily("equity_minute/ninjatrader/nt-spy-minute-2011.csv.gz")
    inside = pl.col("timestamp").is_between(
        pl.datetime(2011, 1, 3, 14, 30, time_zone="UTC"),
        pl.datetime(2011, 1, 3, 21, time_zone="UTC"),
        closed="left",
    )
    bars = bars.filter(inside)  # the file stamps a bar by its end
    moments = {"buys": ("15:00", "15:30", "15:38", "15:47"), "sells": ("15:16", "15:31", "15:42")}
    result = backtest(
        "by_the_clock.py:ByTheClock",
        bars,
        symbol="SPY",
        cash=1_000,
        parameters={
            name: [moment(f"2011-01-03T{each}") for each in times] for name, times in moments.items()
        },
    )
    published = expected("minute_trades_spy_20110103")
    fills = result.fills["price"].to_list()
    pairs = [[fills[n], fills[n + 1] if n + 1 < len(fills) else None] for n in range(0, len(fills), 2)]
    net = result.trades["net"].to_numpy()
    show("minute_trades_spy_20110103", pairs=pairs, cash=final_cash(result), mean=net.mean())
    assert pairs == published["entry_exit"]
    assert (len(net), (net > 0).sum(), (net < 0).sum()) == (
        3,
        published["profitable"],
        published["unprofitable"],
    )
    assert round(net.mean(), 2) == published["mean_pnl"]
    assert round(net.std(ddof=1), 2) == published["std_pnl_sample"]
    assert round(net.std(), 2) == published["std_pnl_population"]
    assert float(final_cash(result)) == published["final_cash"]
