"""What the cases share: their files, the market data as tables, and a run as a list to compare."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from daemon.research import Backtester, DataManager
from daemon.research.result import Result

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[3] / "shared" / "data"
REFERENCE = DATA / "reference"
needs_references = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"the shared reference data are not here: {REFERENCE}"
)
FREE_LIMITS = (
    "accounts.test.limits.price_collar=off",
    "accounts.test.limits.market_margin=0",
    "accounts.test.limits.order_rate_max=off",
    "backtest.loss_interval=1d",
    "backtest.equity_interval=1d",
)
"""Other engines have no risk gate, and look at equity once a day."""
MARGIN = "accounts.test.simulated.account_type=margin"
OPENS, CLOSES = timedelta(hours=14, minutes=30), timedelta(hours=21)
"""Of New York's session in winter, UTC; for daily data any two times in this order will do."""


def cases(engine: str) -> dict[str, dict[str, Any]]:
    """Case → what the file says; empty where the shared data are not here, and the tests are skipped."""
    for name in ("results", "published"):
        path = REFERENCE / engine / f"{name}.json"
        if path.exists():
            return {case["id"]: case for case in json.loads(path.read_text())["cases"]}
    return {}


def rows(path: str) -> list[dict[str, str]]:
    """A reference table, by columns as it names them."""
    raw = (REFERENCE / path).read_bytes()
    text = gzip.decompress(raw) if path.endswith(".gz") else raw
    return list(csv.DictReader(io.StringIO(text.decode())))


def daily(path: str, *, adjusted: bool = False, interval: str | None = None) -> pl.DataFrame:
    """Bars of a file of the shared data, oldest first."""
    return DataManager().load_data(DATA / path, adjusted=adjusted, interval=interval).sort("timestamp")


def prints(bars: pl.DataFrame) -> pl.DataFrame:
    """A day's open as three trades, a second apart, and its close as one: enough to hear the opening price,
    to get out at it, and to get in at it."""
    moments = [(OPENS + timedelta(seconds=n), "open") for n in range(3)] + [(CLOSES, "close")]
    return pl.concat(
        bars.select(
            pl.col("timestamp") + moment,
            pl.col(name).alias("price"),
            pl.lit(1e9).alias("size"),
        )
        for moment, name in moments
    ).sort("timestamp")


def ends_before_last(bars: pl.DataFrame, step: timedelta = timedelta(days=1)) -> int:
    """End of the last bar but one, ns UTC: what is decided then is done at the open of the last bar."""
    return int(bars["timestamp"].dt.epoch("ns")[-2]) + step // timedelta(microseconds=1) * 1_000


def backtest(
    strategy: str,
    data: Any,
    *,
    symbol: str,
    settings: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    start: str | None = None,
    end: str | None = None,
    **rest: Any,
) -> Result:
    """Run `file:Class` of the folder `strategies` on one instrument, with nothing of our own in the way."""
    name = f"{symbol}@files"
    tester = Backtester(
        f"{HERE}/strategies/{strategy}",
        {name: data},
        parameters=parameters,
        settings=[
            f'instruments."{name}".kind={"spot" if symbol.startswith("BTC") else "equity"}',
            *FREE_LIMITS,
            *settings,
        ],
        **{"lot_size": "1", "fee": 0, **rest},
    )
    result = tester.run(start, end)
    assert result.info.state == "complete", result.info.failures
    assert not result.info.denied, result.info.denied
    return result


def trips(result: Result) -> list[tuple[date, date, float, float, float]]:
    """Closed trades: day in, day out, signed quantity, price in, price out."""
    return [
        (
            row["ts_opened"].date(),
            row["ts_closed"].date(),
            row["quantity"] * (1 if row["direction"] == "long" else -1),
            row["entry_price"],
            row["exit_price"],
        )
        for row in result.trades.iter_rows(named=True)
    ]


def day_of(moment: Any) -> date:
    """The day that a time of a table lies in; midnight ends a day."""
    day: date = (moment - timedelta(microseconds=1)).date()
    return day


def close_of_day(result: Result) -> dict[date, float]:
    """Equity at the end of each day."""
    return {day_of(row["ts"]): row["equity"] for row in result.equity.iter_rows(named=True)}


def final_cash(result: Result) -> Decimal:
    """To nine digits, which no case needs more of."""
    return round(Decimal(result.equity["cash"][-1]), 9)


def show(title: str, **figures: Any) -> None:
    """With `-s`: what the table of comparisons is written from."""
    print(title, figures, file=sys.stderr)


def moment(text: str) -> int:
    """An ISO time in UTC as nanoseconds."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000_000
