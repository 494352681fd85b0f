"""backtesting.py 0.6.6 on GOOG: every trade, the equity of every day, and its own Sharpe ratio."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
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
    ends_before_last,
    needs_references,
    prints,
    rows,
    show,
    trips,
)

CASES = cases("backtesting_py")
GOOG = "equity_daily/backtesting_py/GOOG.csv.gz"
OWN_FIGURES = f'backtest.metrics=["{HERE}/their_figures.py:sharpe_of_growth"]'
FINE_TICK: dict[str, Any] = {"tick_size": "0.0000001"}
"""Its limit prices lie on no grid."""
pytestmark = needs_references


def run(case: dict[str, Any]) -> Result:
    bars, given = daily(GOOG), case["backtest_args"]
    name, fee = case["id"], Decimal(str(given.get("commission", 0)))
    parameters: dict[str, Any] = {"slow": 30 if "sma10_30" in name else 20}
    if given.get("finalize_trades"):
        parameters["ends"] = ends_before_last(bars)
    data: Any = bars
    if name == "goog_limit_buy":
        use = "cross_fixed.py:CrossByLimit"
    elif "fixed10" in name:
        use = "cross_fixed.py:CrossFixed"
    else:
        use, data = "cross_whole_equity.py:CrossWholeEquity", [bars, prints(bars)]
        parameters["fee"] = fee
    return backtest(
        use,
        data,
        symbol="GOOG",
        cash=given["cash"],
        fee=fee,
        parameters=parameters,
        settings=[OWN_FIGURES, MARGIN],
        **(FINE_TICK if name == "goog_limit_buy" else {}),
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_trades_equity_and_ratios_of_backtesting_py_are_ours(case: dict[str, Any]) -> None:
    result, stats = run(case), case["stats"]
    days = daily(GOOG)["timestamp"].dt.date().to_list()
    expected = [
        (
            days[int(row["EntryBar"])],
            days[int(row["ExitBar"])],
            *map(float, (row["Size"], row["EntryPrice"], row["ExitPrice"])),
        )
        for row in rows(f"backtesting_py/{case['trades_file']}")
    ]
    ours = trips(result)
    assert [trip[:3] for trip in ours] == [trip[:3] for trip in expected]
    assert [trip[3:] for trip in ours] == [pytest.approx(trip[3:], abs=1e-6) for trip in expected]
    equity = close_of_day(result)
    theirs = {
        date.fromisoformat(row[""]): float(row["Equity"])
        for row in rows(f"backtesting_py/{case['equity_file']}")
    }
    assert {day: equity[day] for day in theirs} == pytest.approx(theirs, abs=1e-6)
    figures = result.metrics
    show(
        case["id"],
        trades=len(ours),
        equity=figures["equity_end"],
        **{n: figures[n] for n in ("max_drawdown", "win_rate", "sharpe_of_growth", "sharpe")},
    )
    assert figures["equity_end"] == pytest.approx(stats["Equity Final [$]"], abs=1e-6)
    assert 100 * figures["max_drawdown"] == pytest.approx(stats["Max. Drawdown [%]"], abs=1e-9)
    assert 100 * figures["win_rate"] == pytest.approx(stats["Win Rate [%]"], abs=1e-9)
    assert figures["sharpe_of_growth"] == pytest.approx(stats["Sharpe Ratio"], abs=1e-9)
    assert figures["closed_fees"] == pytest.approx(stats.get("Commissions [$]", 0.0), abs=1e-6)
