"""Sessions of an exchange in a backtest: holidays, half days, orders outside hours, DAY orders, years."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from actors import Bar, Strategy
from actors.errors import ConfigError
from actors.model.calendar import ListedSessions
from daemon.calendars import listed
from daemon.research import Backtester
from daemon.research.result import Result

SETTINGS = ["venues.files.simulated.hours.calendar=instrument", "accounts.test.limits.price_collar=off"]


def ns(text: str) -> int:
    """`2024-11-27 21:00`, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


class Daring(Strategy):
    """At the bars that end at these times buys at market; and far below, for the day."""

    times: tuple[str, ...] = ()
    days: tuple[str, ...] = ()

    def on_bar(self, bar: Bar) -> None:
        moment = datetime.fromtimestamp(bar.ts_event // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%M")
        if moment in self.times:
            self.ctx.market("buy", Decimal(1))
        if moment in self.days:
            self.ctx.limit("buy", Decimal(1), Decimal(90), time_in_force="day")


def bars(first: str, last: str, interval: str, low: float = 99.0) -> pl.DataFrame:
    times = pl.datetime_range(
        datetime.fromisoformat(first), datetime.fromisoformat(last), interval, closed="left", eager=True
    )
    prices = {"open": 100.0, "high": 101.0, "low": low, "close": 100.0, "volume": 1e6}
    stamped = pl.DataFrame({"timestamp": times.dt.replace_time_zone("UTC")})
    return stamped.with_columns(pl.lit(price).alias(name) for name, price in prices.items())


def thanksgiving(**more: Any) -> Result:
    """Half hours day and night around 28 November 2024, a holiday in New York; the 29th ends at 18:00 UTC."""
    data = bars("2024-11-27", "2024-12-03", "30m")
    return Backtester(Daring, data, calendar="XNYS", settings=SETTINGS).run(**more)


@pytest.mark.slow
def test_sessions_of_an_exchange_are_its_own() -> None:
    new_york = listed("XNYS")
    assert new_york.session_of(ns("2024-11-28 16:00")) is None
    friday = new_york.next_session(ns("2024-11-27 21:00"))
    assert (friday.open, friday.close) == (ns("2024-11-29 14:30"), ns("2024-11-29 18:00"))
    assert new_york.session_of(friday.open) == new_york.session_of(friday.close - 1) == friday
    assert new_york.session_of(friday.close) is None
    assert new_york.next_close(friday.close) == ns("2024-12-02 21:00")


def test_a_calendar_that_ends_says_so() -> None:
    short = ListedSessions(name="XTST", opens=(0, 100), closes=(50, 150))
    assert short.next_session(60) == short.session_of(100)
    with pytest.raises(ConfigError, match="calendar XTST ends on 1970-01-01"):
        short.next_session(150)


@pytest.mark.slow
def test_orders_of_a_holiday_wait_for_the_next_session() -> None:
    fills = thanksgiving(times=["2024-11-27 21:00", "2024-11-28 16:00", "2024-11-29 18:00"]).fills
    opened = [ns("2024-11-29 14:30"), ns("2024-11-29 14:30"), ns("2024-12-02 14:30")]
    half = 1_800 * 10**9
    assert [int(ts) // half for ts in fills["ts"].dt.epoch("ns")] == [ts // half for ts in opened]


@pytest.mark.slow
def test_day_orders_end_with_their_session_half_days_included() -> None:
    orders = thanksgiving(days=["2024-11-27 15:00", "2024-11-28 16:00", "2024-11-29 18:00"]).orders
    ends = [int(ts) for ts in orders["ts_closed"].dt.epoch("ns")]
    assert orders["status"].to_list() == ["expired"] * 3
    assert ends == [ns("2024-11-27 21:00") + 1, ns("2024-11-29 18:00") + 1, ns("2024-12-02 21:00") + 1]


@pytest.mark.slow
def test_a_day_order_meets_the_daily_bar_of_its_session() -> None:
    data = bars("2024-11-25", "2024-12-05", "1d", low=80.0)
    data = data.filter(~pl.col("timestamp").dt.day().is_in([28, 30, 1]))
    result = Backtester(Daring, data, calendar="XNYS", settings=SETTINGS).run(days=["2024-11-28 00:00"])
    assert result.fills["price"].to_list() == [Decimal(90)]
    assert int(result.fills["ts"].dt.epoch("ns")[0]) <= ns("2024-11-30 00:00")


@pytest.mark.slow
def test_years_are_counted_on_the_calendar() -> None:
    data = bars("2023-01-01", "2023-02-15", "1d").filter(pl.col("timestamp").dt.weekday() < 6)
    found = {
        name: Backtester(Daring, data, calendar=name).run().metrics["periods_per_year"]
        for name in ("XNYS", "weekdays", "24/7")
    }
    assert found["XNYS"] == pytest.approx(250, abs=1)
    assert found["weekdays"] == pytest.approx(260, abs=1.5)
    assert found["24/7"] == pytest.approx(365.25, abs=0.01)


@pytest.mark.slow
def test_a_calendar_named_in_the_configuration_is_found(tmp_path: Path) -> None:
    bars("2024-11-27", "2024-11-28", "1h").write_parquet(tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match="there is no calendar 'XNOS'"):
        Backtester(Daring, tmp_path / "a.parquet", calendar="XNOS").run()
    with pytest.raises(ConfigError, match="calendar XBOM is known from 1997-01-01 on"):
        Backtester(Daring, bars("1990-01-01", "1990-02-01", "1d"), calendar="XBOM").run()
