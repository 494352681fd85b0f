"""Backtests from Python: frames in, frames out, sweeps that lose nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import daemon.research
from actors.errors import BadDataFile, ConfigError, TradingError, UsageError
from actors.venues.simulated.charges import Charge
from daemon.research import Backtester, DataManager
from daemon.research.sweep import Task, over_processes
from tests.research.strategies_for_tests import Cross, Dying, Holding, UpAndDown

HOUR = "1h"


def some_bars(count: int = 300, seed: int = 3) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(chance.normal(0.0, 0.01, count)))
    open_ = np.concatenate(([100.0], close[:-1]))
    times = pl.Series(np.arange(count) * 3_600_000_000_000 + 1_704_067_200_000_000_000)
    return pl.DataFrame(
        {
            "timestamp": times.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"),
            "open": open_,
            "high": np.maximum(open_, close) * 1.001,
            "low": np.minimum(open_, close) * 0.999,
            "close": close,
            "volume": np.full(count, 5.0),
        }
    )


def test_a_run_gives_frames_that_agree_with_each_other() -> None:
    result = Backtester(Cross, some_bars(), fee="0.001").run(fast=3, slow=8)
    assert result.info.state == "complete"
    assert result.fills.height == result.info.fills > 10
    assert result.trades.height == result.info.trades
    # What the last bar has decided finds no bar to be filled in.
    assert result.orders["status"].to_list() == ["filled"] * result.fills.height + ["open"]
    paid = float(result.fills["fee"].sum())
    assert paid == pytest.approx(result.info.accounts["test"].fees, rel=1e-9)
    moved = float((pl.Series(result.trades["realised_pnl"]) - result.trades["fees"]).sum())
    assert float(result.trades["net"].sum()) == pytest.approx(moved)
    assert result.metrics["equity_end"] == result.equity["equity"][-1]
    # The last trip is still open: its fees are in all of them, not in those of closed trades.
    assert result.metrics["fees"] == pytest.approx(paid, rel=1e-9)
    assert result.metrics["closed_fees"] == pytest.approx(float(result.trades["fees"].sum()))
    assert (result.trades["adverse"] <= 0.0).all()
    assert (result.trades["favourable"] >= 0.0).all()
    assert set(result.trades["tag"]) == {"up"}


def test_frames_paths_and_pandas_give_the_same_run(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    bars = some_bars()
    bars.write_parquet(tmp_path / "ASSET.parquet")
    index = pandas.DatetimeIndex(bars["timestamp"].dt.replace_time_zone(None).to_numpy(), tz="UTC")
    frame = pandas.DataFrame({name: bars[name].to_numpy() for name in bars.columns[1:]}, index=index)
    equity = [
        Backtester(Cross, data).run(fast=3, slow=8).equity["equity"].to_list()
        for data in (bars, tmp_path / "ASSET.parquet", frame)
    ]
    assert equity[0] == equity[1] == equity[2]


def test_several_instruments_are_traded_together() -> None:
    data = {"A": some_bars(seed=1), "B": some_bars(seed=2)}
    result = Backtester(Cross, data, sizing=None).run(fast=3, slow=8)
    assert set(result.fills["instrument"]) == {"A@files", "B@files"}


def test_a_table_becomes_pandas_with_its_times() -> None:
    pytest.importorskip("pandas")
    result = Backtester(Cross, some_bars()).run(fast=3, slow=8)
    frame = result.to_pandas("equity")
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert frame["equity"].iloc[-1] == result.equity["equity"][-1]


def test_a_table_that_is_not_there_is_told_with_those_that_are() -> None:
    result = Backtester(Cross, some_bars(60)).run(fast=3, slow=8)
    with pytest.raises(UsageError, match="no table 'trade': name one of equity, trades, fills"):
        result.to_pandas("trade")  # type: ignore[arg-type]


def test_a_picture_shows_equity_drawdown_and_market() -> None:
    pytest.importorskip("plotly")
    figure = Backtester(Cross, some_bars()).run(fast=3, slow=8).plot()
    assert [trace.type for trace in figure.data][:3] == ["scatter", "scatter", "candlestick"]
    assert len(figure.data[0].x) > 100


def test_trading_begins_warm_where_there_is_history_before_the_start() -> None:
    tester = Backtester(Cross, some_bars())
    result = tester.run("2024-01-05", fast=3, slow=8)
    first = result.equity["ts"][0]
    assert str(first) == "2024-01-05 00:00:00+00:00"
    assert result.info.inputs == some_bars().height - 4 * 24 + 1
    # The eighth bar of the range is the first at which a cold start could know both averages.
    assert result.orders["ts"][0] <= result.equity["ts"][8]


def test_what_no_strategy_may_do_is_refused_before_it_runs() -> None:
    with pytest.raises(ConfigError, match=r"has no parameter 'fsat'; did you mean 'fast'\?"):
        Backtester(Cross, some_bars()).run(fsat=3)
    with pytest.raises(UsageError, match="needs a strategy and data"):
        Backtester(Cross)
    with pytest.raises(UsageError, match="no column timestamp"):
        Backtester(Cross, pl.DataFrame({"close": [1.0]}))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"strategy": Cross(fast=3, slow=8)}, "is no strategy: give a subclass of Strategy itself"),
        ({"strategy": int}, "is no strategy: give a subclass"),
        ({"cash": "much"}, "cash 'much' is no number"),
        ({"fee": float("nan")}, "fee nan is no number"),
        ({"data": some_bars().head(0)}, "the frame has no rows"),
        ({"data": some_bars().head(1)}, "one bar does not tell its interval"),
    ],
)
def test_wrong_words_are_told_in_a_sentence(words: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"strategy": Cross, "data": some_bars(), **words}
    with pytest.raises(TradingError, match=says):
        Backtester(**given)


def test_equity_begins_with_the_cash_however_slow_the_venue_is() -> None:
    result = Backtester(Cross, some_bars(60), settings=["accounts.test.simulated.latency_ms=5000"]).run()
    assert result.metrics["equity_start"] == result.equity["equity"][0] == 100_000


def test_settings_are_checked_like_a_file() -> None:
    with pytest.raises(ConfigError, match=r"-1.0 is not greater than 0"):
        Backtester(Cross, some_bars(), settings=["accounts.test.limits.price_collar=-1"])
    # Counting market orders at the touch itself is a wish that makes sense.
    Backtester(Cross, some_bars(), settings=["accounts.test.limits.market_margin=0"])


def test_a_fee_schedule_takes_the_place_of_the_fee() -> None:
    each = Charge(name="each", base="order", rate=Decimal(2), per="order")
    result = Backtester(Cross, some_bars(), fee="0.5", charges=[each]).run(fast=3, slow=8)
    assert set(result.fills["fee"]) == {2.0}


def test_bars_and_quotes_of_an_instrument_come_together() -> None:
    bars = some_bars()
    ends = pl.col("timestamp") + pl.duration(hours=1)
    quotes = bars.select(ends, bid_price=pl.col("close") - 0.5, ask_price=pl.col("close") + 0.5)
    result = Backtester(UpAndDown, [quotes, bars], settings=["venues.files.simulated.sizes=unlimited"]).run()
    assert result.fills.height > 10
    # Against quotes an order fills at once at the touch, not at the next open.
    distance = (result.fills["price"] - result.fills["mid_price"]).abs()
    assert distance.to_list() == pytest.approx([0.5] * result.fills.height, abs=0.01)


def test_holding_most_of_a_market_moves_with_most_of_it() -> None:
    result = Backtester(Holding, some_bars(), fee=0).run()
    against = result.metrics["against"]
    assert result.metrics["benchmark"] == "ASSET@files"
    # 95 % are invested at the start, and a larger share once the market has risen.
    assert 0.9 < against["beta"] < 1.0
    assert abs(against["alpha"]) < 0.1


def test_a_sweep_is_the_same_with_one_worker_and_none_of_its_cells_is_lost() -> None:
    tester = Backtester(Cross, some_bars())
    alone = tester.sweep({"fast": [3, 0], "slow": [8, 13]})
    frame = alone.frame
    assert frame.select("fast", "slow").rows() == [(3, 8), (3, 13), (0, 8), (0, 13)]
    assert frame["state"].to_list() == ["complete", "complete", "failed", "failed"]
    assert "SMA" in frame["error"][2]
    assert alone.best("total_return").parameters["fast"] == 3
    single = tester.run(fast=3, slow=13)
    assert frame["result_hash"][1] == single.info.result_hash


@pytest.mark.slow
def test_two_workers_give_the_last_bit_of_one_and_a_dying_cell_loses_itself_alone() -> None:
    tester = Backtester(Cross, some_bars())
    grid = {"fast": [3, 5], "slow": [8, 13]}
    several, one = (tester.sweep(grid, workers=workers).frame.drop("run_id") for workers in (2, 1))
    assert several.equals(one)
    dying = Backtester(Dying, some_bars(40))
    tasks = [Task(dying.config, {"dies": dies}, None, None) for dies in (False, True, False)]
    cells = over_processes(tasks, 1)
    assert [cell.error is None for cell in cells] == [True, False, True]
    assert cells[1].error is not None
    assert "died" in cells[1].error


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(UsageError, match="the grid is empty"):
        Backtester(UpAndDown, some_bars(20)).sweep({"fast": []})


def test_prepared_bars_are_in_order_whole_and_joined() -> None:
    bars = some_bars(6)
    broken = pl.concat([bars[3:], bars[:2], bars[:1], bars[2:3].with_columns(low=pl.lit(1e9))])
    manager = DataManager()
    clean = manager.preprocess_data(broken)
    assert clean["timestamp"].to_list() == [bars["timestamp"][n] for n in (0, 1, 3, 4, 5)]
    filled = manager.preprocess_data(broken, fill=True)
    assert filled.height == 6
    assert filled.row(2)[1:] == (bars["close"][1],) * 4 + (0.0,)
    joined = manager.preprocess_data(bars, timeframe="3h")
    assert joined["open"].to_list() == [bars["open"][0], bars["open"][3]]
    assert joined["volume"].to_list() == [15.0, 15.0]


def test_data_are_loaded_from_files_by_range(tmp_path: Path) -> None:
    some_bars().write_csv(tmp_path / "bars.csv")
    frame = DataManager().load_data(tmp_path / "bars.csv", start="2024-01-02", end="2024-01-03")
    assert frame.height == 24
    with pytest.raises(BadDataFile, match="no rows in the range"):
        DataManager().load_data(tmp_path / "bars.csv", start="2030-01-01")
    with pytest.raises(UsageError, match="needs a source, or an instrument"):
        DataManager().load_data()


def test_the_package_gives_what_it_names_and_nothing_else() -> None:
    assert [getattr(daemon.research, name).__name__ for name in daemon.research.__all__]
    with pytest.raises(AttributeError, match="no attribute 'Backtesterr'"):
        daemon.research.Backtesterr  # noqa: B018


def test_what_is_wrong_with_a_frame_is_said_of_the_frame() -> None:
    bars = some_bars(6).with_columns(high=pl.Series([200.0, 200.0, 50.0, 200.0, 200.0, 200.0]))
    tester = Backtester("actors.strategies.library.sma_cross:SmaCross", bars)
    said = r"^the frame of [A-Z]+@files: row 3: open [0-9.]+, high 50.0"
    with pytest.raises(BadDataFile, match=said):
        tester.run()
    assert re.match(said, tester.sweep({"fast": [3]}).frame["error"][0])
