"""Our figures against those of other libraries: run beside ours, and recorded in the shared data.

Where definitions differ the difference is written down as a factor, so the comparison stays exact.
"""

from __future__ import annotations

import csv
import gzip
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from math import isnan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.analytics import returns as figures
from actors.analytics.drawdowns import drawdowns, max_drawdown, ulcer_index
from actors.analytics.series import YEAR_NS, FloatArray, IntArray, equity_of
from actors.analytics.trades import (
    expectancy,
    payoff_ratio,
    profit_factor,
    streaks,
    system_quality,
    win_rate,
)
from actors.model.calendar import DAY_NS, SECOND_NS

CASES = ("goog_close", "btcusdt_2020", "gdx_vs_gld", "goog_sma10_30_equity")


@pytest.fixture(autouse=True)
def _their_warnings_are_theirs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def empyrical() -> Any:
    return import_module("empyrical")


@pytest.fixture(scope="module")
def quantstats() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("quantstats.stats")


def random_returns(seed: int, count: int = 600) -> tuple[FloatArray, FloatArray]:
    """Returns with fat tails and a benchmark they hang on."""
    chance = np.random.default_rng(seed)
    benchmark = 0.0004 + 0.008 * chance.standard_t(4, count)
    return 0.0002 + 1.3 * benchmark + 0.004 * chance.standard_normal(count), benchmark


def evenly(count: int, periods_per_year: float) -> IntArray:
    """Times at which growth by elapsed time equals growth by number of periods."""
    return (np.arange(count) * (YEAR_NS / periods_per_year)).astype(np.int64)


def dated(rates: FloatArray) -> Any:
    pandas = import_module("pandas")
    return pandas.Series(rates, index=pandas.date_range("2020-01-01", periods=len(rates), freq="D"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_empyrical(seed: int, empyrical: Any) -> None:
    rates, benchmark = random_returns(seed)
    equity, year = equity_of(rates), 252
    times = evenly(len(equity), year)
    ours_and_theirs = [
        (figures.total_return(equity), empyrical.cum_returns_final(rates)),
        (figures.cagr(equity, times), empyrical.annual_return(rates)),
        (figures.volatility(rates, year), empyrical.annual_volatility(rates)),
        (figures.sharpe(rates, year, 0.0001), empyrical.sharpe_ratio(rates, risk_free=0.0001)),
        (figures.sortino(rates, year), empyrical.sortino_ratio(rates)),
        (figures.sortino(rates, year, 0.0003), empyrical.sortino_ratio(rates, required_return=0.0003)),
        (figures.downside_deviation(rates, year), empyrical.downside_risk(rates)),
        (figures.calmar(equity, times), empyrical.calmar_ratio(rates)),
        (figures.omega(rates), empyrical.omega_ratio(rates)),
        (figures.tail_ratio(rates), empyrical.tail_ratio(rates)),
        (figures.value_at_risk(rates), empyrical.value_at_risk(rates)),
        (figures.conditional_value_at_risk(rates), empyrical.conditional_value_at_risk(rates)),
        (figures.beta(rates, benchmark), empyrical.beta(rates, benchmark)),
        (figures.alpha(rates, benchmark, year, 0.0001), empyrical.alpha(rates, benchmark, 0.0001)),
        (figures.information_ratio(rates, benchmark, 1), empyrical.excess_sharpe(rates, benchmark)),
        (max_drawdown(equity), empyrical.max_drawdown(rates)),
    ]
    for place, (ours, theirs) in enumerate(ours_and_theirs):
        assert ours == pytest.approx(float(theirs), rel=1e-9, abs=1e-12), f"figure {place}, seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_quantstats(seed: int, quantstats: Any) -> None:
    rates, benchmark = random_returns(seed)
    equity, year, series = equity_of(rates), 252, dated(rates)
    times = evenly(len(equity), year)
    count, runs = len(rates), streaks(rates)
    ours_and_theirs = [
        (figures.cagr(equity, times), quantstats.cagr(series, periods=year)),
        (figures.sharpe(rates, year), quantstats.sharpe(series, periods=year)),
        (figures.sortino(rates, year), quantstats.sortino(series, periods=year)),
        (figures.volatility(rates, year), quantstats.volatility(series, periods=year)),
        (figures.calmar(equity, times), quantstats.calmar(series, periods=year)),
        (figures.omega(rates), quantstats.omega(series, periods=year)),
        (figures.skew(rates), quantstats.skew(series)),
        (figures.kurtosis(rates), quantstats.kurtosis(series)),
        (
            figures.information_ratio(rates, benchmark, 1),
            quantstats.information_ratio(series, dated(benchmark)),
        ),
        (max_drawdown(equity), quantstats.max_drawdown(series)),
        (win_rate(rates), quantstats.win_rate(series)),
        (profit_factor(rates), quantstats.profit_factor(series)),
        (payoff_ratio(rates), quantstats.payoff_ratio(series)),
        (runs.won_max, quantstats.consecutive_wins(series)),
        (runs.lost_max, quantstats.consecutive_losses(series)),
    ]
    for place, (ours, theirs) in enumerate(ours_and_theirs):
        assert ours == pytest.approx(float(theirs), rel=1e-9, abs=1e-12), f"figure {place}, seed {seed}"
    # Theirs divides by the returns less one, ours by all points of the curve.
    ours = ulcer_index(equity)
    assert ours is not None
    assert ours * sqrt((count + 1) / (count - 1)) == pytest.approx(
        float(quantstats.ulcer_index(series)), rel=1e-9
    )


def recorded(shared_data: Path, case: str) -> tuple[dict[str, Any], FloatArray, FloatArray | None, IntArray]:
    """A case with its returns, its benchmark if it has one, and the times of its equity curve."""
    folder = shared_data / "reference" / "metrics"
    found = json.loads((folder / "results.json").read_text())["cases"]
    (result,) = [entry for entry in found if entry["id"] == case]
    rows = list(
        csv.DictReader(gzip.decompress((folder / result["returns_file"]).read_bytes()).decode().splitlines())
    )
    rates = np.array([float(row["return"]) for row in rows])
    benchmark = np.array([float(row["benchmark"]) for row in rows]) if "benchmark" in rows[0] else None
    days = [
        int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp()) * SECOND_NS for row in rows
    ]
    return result, rates, benchmark, np.array([days[0] - DAY_NS, *days])


@pytest.mark.parametrize("case", CASES)
def test_figures_equal_the_recorded_results(case: str, shared_data: Path) -> None:
    result, rates, benchmark, _ = recorded(shared_data, case)
    year, equity = result["periods_per_year"], equity_of(rates)
    times = evenly(len(equity), year)
    theirs = result["empyrical"] | result["quantstats"]
    ours = {
        "cum_return": figures.total_return(equity),
        "annual_return": figures.cagr(equity, times),
        "annual_volatility": figures.volatility(rates, year),
        "sharpe_rf0": figures.sharpe(rates, year),
        "sharpe_rf_1bp_per_period": figures.sharpe(rates, year, 0.0001),
        "sortino_mar0": figures.sortino(rates, year),
        "sortino_mar_1bp": figures.sortino(rates, year, 0.0001),
        "downside_risk_mar0": figures.downside_deviation(rates, year),
        "calmar": figures.calmar(equity, times),
        "max_drawdown": max_drawdown(equity),
        "omega_mar0": figures.omega(rates),
        "tail_ratio": figures.tail_ratio(rates),
        "value_at_risk_5pct": figures.value_at_risk(rates),
        "conditional_value_at_risk_5pct": figures.conditional_value_at_risk(rates),
        "skew": figures.skew(rates),
        "kurtosis": figures.kurtosis(rates),
        "payoff_ratio": payoff_ratio(rates),
        "profit_factor": profit_factor(rates),
        # Their share leaves out the days on which nothing changed.
        "win_rate": win_rate(rates[rates != 0.0]),
        "consecutive_wins": streaks(rates).won_max,
        "consecutive_losses": streaks(rates).lost_max,
    }
    if benchmark is not None:
        ours |= {
            "beta": figures.beta(rates, benchmark),
            "alpha": figures.alpha(rates, benchmark, year),
            "excess_sharpe": figures.information_ratio(rates, benchmark, 1),
        }
    assert ours == {name: pytest.approx(theirs[name], rel=1e-9, abs=1e-12) for name in ours}


@pytest.mark.parametrize("case", CASES)
def test_the_five_worst_drawdowns_and_their_days_equal_the_recorded_ones(
    case: str, shared_data: Path
) -> None:
    result, rates, _, times = recorded(shared_data, case)
    falls = drawdowns(equity_of(rates), times)
    assert len(falls) >= 5 == len(result["quantstats"]["top5_drawdowns"])
    for fall, theirs in zip(falls, result["quantstats"]["top5_drawdowns"], strict=False):
        assert 100 * fall.depth == pytest.approx(theirs["max_drawdown_pct"], rel=1e-9)
        assert day(fall.ts_trough) == theirs["valley"]
        # Theirs begins with the first day below the peak and ends with the last one.
        places = np.searchsorted(times, [fall.ts_peak, fall.ts_recovered or int(times[-1])])
        assert day(int(times[places[0] + 1])) == theirs["start"]
        last = places[1] - 1 if fall.ts_recovered is not None else places[1]
        assert day(int(times[last])) == theirs["end"]


def day(ts: int) -> str:
    return datetime.fromtimestamp(ts // SECOND_NS, tz=UTC).date().isoformat()


def test_published_edge_cases_hold_and_what_they_call_nan_or_inf_is_not_defined(shared_data: Path) -> None:
    published = json.loads((shared_data / "reference" / "metrics" / "empyrical_published.json").read_text())
    years = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}
    checked = 0
    for name, cases in published["expected"].items():
        for entry in cases:
            values = published["series"][entry["returns"]]["values"]
            if None in values or any(isnan(float(value)) for value in values):
                continue  # they leave gaps out in silence, we refuse them
            rates, params = np.array(values, dtype=float), entry["params"]
            against = params.get("risk_free", params.get("required_return", 0.0))
            if isinstance(against, str):
                continue  # a rate of its own for each period is not offered
            ours = _published_figure(name, rates, years[params.get("period", "daily")], against)
            expected = float(entry["expected"])
            if name == "cum_returns_final":
                base = params["starting_value"]
                ours = None if ours is None else ours if base == 0.0 else base * (1.0 + ours)
            if np.isfinite(expected):
                assert ours == pytest.approx(expected, abs=1e-4 if name == "cum_returns_final" else 1e-8), (
                    entry
                )
            elif not (name == "max_drawdown" and not values):
                assert ours is None, entry
            checked += 1
    assert checked >= 25


def _published_figure(name: str, rates: FloatArray, year: int, against: float) -> float | None:
    equity = equity_of(rates)
    if name == "cum_returns_final":
        return figures.total_return(equity)
    if name in ("annual_return", "cagr"):
        return figures.cagr(equity, evenly(len(equity), year))
    if name == "annual_volatility":
        return figures.volatility(rates, year)
    if name == "sharpe_ratio":
        return figures.sharpe(rates, year, against)
    if name == "sortino_ratio":
        return figures.sortino(rates, year, against)
    assert name == "max_drawdown"
    return max_drawdown(equity)


@pytest.mark.parametrize("case", ["goog_sma10_20_readme", "goog_sma10_30_test", "goog_limit_buy"])
def test_figures_of_trades_equal_those_of_backtesting_py(case: str, shared_data: Path) -> None:
    folder = shared_data / "reference" / "backtesting_py"
    found = json.loads((folder / "results.json").read_text())["cases"]
    (stats,) = [entry["stats"] for entry in found if entry["id"] == case]
    rows = list(csv.DictReader((folder / f"{case}.trades.csv").read_text().splitlines()))
    results = [float(row["PnL"]) for row in rows]
    shares = [float(row["ReturnPct"]) for row in rows]
    assert len(rows) == stats["# Trades"]
    assert system_quality(results) == pytest.approx(stats["SQN"], rel=1e-6)
    # The two below are of each trade's return there.
    assert profit_factor(shares) == pytest.approx(stats["Profit Factor"], rel=1e-6)
    mean = expectancy(shares)
    assert mean is not None
    assert 100 * mean == pytest.approx(stats["Expectancy [%]"], rel=1e-6)
    won = win_rate(results)
    assert won is not None
    assert 100 * won == pytest.approx(stats["Win Rate [%]"], rel=1e-9)


@pytest.mark.parametrize("case", ["goog_sma10_20_readme", "goog_sma10_30_test", "goog_limit_buy"])
def test_growth_by_calendar_time_and_drawdown_equal_those_of_backtesting_py(
    case: str, shared_data: Path
) -> None:
    folder = shared_data / "reference" / "backtesting_py"
    found = json.loads((folder / "results.json").read_text())["cases"]
    (stats,) = [entry["stats"] for entry in found if entry["id"] == case]
    rows = csv.reader(
        gzip.decompress((folder / f"{case}.equity.csv.gz").read_bytes()).decode().splitlines()[1:]
    )
    points = [(datetime.fromisoformat(text).replace(tzinfo=UTC), float(value)) for text, value in rows]
    times = [int(moment.timestamp()) * SECOND_NS for moment, _ in points]
    equity = [value for _, value in points]
    growth, fall = figures.cagr(equity, times), max_drawdown(equity)
    assert growth is not None
    assert fall is not None
    assert 100 * fall == pytest.approx(stats["Max. Drawdown [%]"], rel=1e-7)
    assert 100 * growth == pytest.approx(stats["CAGR [%]"], rel=1e-6)
