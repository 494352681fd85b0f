"""backtrader 1.9.78.123 on GOOG: every fill with its commission, what each year came to, and its quality."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from daemon.research.result import Result
from tests.research.reference.references import (
    HERE,
    MARGIN,
    backtest,
    cases,
    close_of_day,
    daily,
    needs_references,
    rows,
    show,
)

CASES = cases("backtrader")
OWN_FIGURES = f'backtest.metrics=["{HERE}/their_figures.py:sharpe_by_population"]'
pytestmark = needs_references


def run(case: dict[str, Any]) -> Result:
    settings = [OWN_FIGURES]
    rest: dict[str, Any] = {}
    use = "cross_fixed.py:CrossFixed"
    if case["id"] == "goog_bracket10":
        use, rest = "bracket.py:Bracket", {"tick_size": "0.0000001"}
        settings += [MARGIN, "venues.files.simulated.bars.path=pessimistic"]
    return backtest(
        use,
        daily("equity_daily/backtesting_py/GOOG.csv.gz"),
        symbol="GOOG",
        cash=case["cash"],
        fee=str(case["commission"]),
        parameters={"slow": 30},
        settings=settings,
        **rest,
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fills_years_and_figures_of_backtrader_are_ours(case: dict[str, Any]) -> None:
    result = run(case)
    figures = result.metrics
    expected = [
        (
            row["date"],
            row["side"].lower(),
            abs(float(row["size"])),
            float(row["price"]),
            float(row["commission"]),
        )
        for row in rows(f"backtrader/{case['fills_file']}")
    ]
    ours = [
        (str(row["ts"].date()), row["side"], row["quantity"], row["price"], row["fee"])
        for row in result.fills.iter_rows(named=True)
    ]
    assert [fill[:3] for fill in ours] == [fill[:3] for fill in expected]
    assert [fill[3:] for fill in ours] == [pytest.approx(fill[3:], abs=1e-6) for fill in expected]
    show(
        case["id"], fills=len(ours), trades=result.info.trades, equity=figures["equity_end"],
        **{name: figures[name] for name in ("max_drawdown", "system_quality", "sharpe_by_population")},
    )  # fmt: skip
    assert figures["equity_end"] == pytest.approx(case["final_value"], abs=1e-6)
    assert (result.info.trades, result.trades.filter(result.trades["net"] > 0).height) == (
        case["closed_trades"], case["won"],
    )  # fmt: skip
    assert result.trades["net"].sum() == pytest.approx(case["net_pnl_closed"], abs=1e-6)
    assert -100 * figures["max_drawdown"] == pytest.approx(case["max_drawdown_pct"], abs=1e-9)
    # Its deviation of the trades divides by n, ours by n − 1.
    trades = case["closed_trades"]
    assert figures["system_quality"] * sqrt(trades / (trades - 1)) == pytest.approx(case["sqn"], abs=1e-9)
    assert figures["sharpe_by_population"] == pytest.approx(case["sharpe_daily_annualised_rf0"], abs=1e-9)
    assert of_years(result, case["cash"]) == pytest.approx(case["annual_returns"], abs=1e-9)


def of_years(result: Result, cash: float) -> dict[str, float]:
    """From the last day of a year to that of the next."""
    last: dict[str, float] = {}
    for day, equity in close_of_day(result).items():
        last[str(day.year)] = equity
    values = [float(cash), *last.values()]
    return {year: values[n + 1] / values[n] - 1.0 for n, year in enumerate(last)}
