"""How a run ends: whole, interrupted, failed; kept, repeated, closed out; and what it says about it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.errors import ConfigError
from daemon.config import Config, DataFile, StrategySection
from daemon.research.api import Backtester
from daemon.research.audit import no_outside
from daemon.research.backtest import run_backtest
from daemon.research.frames import times_of
from daemon.research.generated import generated_bars
from daemon.research.results import EquityLog
from daemon.research.runs import Run
from daemon.startup import load_classes
from tests.research.strategies_for_tests import Raising
from tests.research.test_backtest import ROWS, a_config, a_file

MINUTE = 60_000_000_000


def changed(config: Config, **fields: Any) -> Config:
    return msgspec.structs.replace(config, backtest=msgspec.structs.replace(config.backtest, **fields))


def with_strategy(config: Config, **fields: Any) -> Config:
    section: StrategySection = msgspec.structs.replace(config.strategies["s"], **fields)
    return msgspec.structs.replace(config, strategies={"s": section})


def daily(file: DataFile) -> DataFile:
    return msgspec.structs.replace(file, interval="1d")


def run(config: Config, **more: Any) -> Run:
    return run_backtest(config, load_classes(config), **more)


def test_positions_are_closed_at_the_last_price_where_that_is_wanted(tmp_path: Path) -> None:
    done = run(changed(a_config(a_file(tmp_path, ROWS)), at_end="close"))
    account = done.info.accounts["test"]
    # 10000 - 2*102 - .204 + 2*99 - .198 - 2*104 - .208 + 2*106 - .212
    assert account.balances == {"USDT": Decimal("9997.178"), "BTC": Decimal(0)}
    assert account.equity_end == pytest.approx(9997.178, abs=1e-9)
    trades = done.frames.trades
    assert trades["exit_price"].to_list() == [99.0, 106.0]
    assert trades["net"].to_list() == pytest.approx([-6.402, 3.58])
    assert done.info.state == "complete"
    assert done.info.strategies["s"].won == 1


def test_excursions_and_slippage_are_those_of_the_bars(tmp_path: Path) -> None:
    trade = run(a_config(a_file(tmp_path, ROWS))).frames.trades.row(0, named=True)
    # Bought at the open of bar 2 (102), sold at the open of bar 4 (99): bars 2 and 3 reach from 100 to 104.
    assert trade["adverse"] == pytest.approx(99 / 102 - 1)
    assert trade["favourable"] == pytest.approx(104 / 102 - 1)
    # Decided at 101 and bought at 102, decided at 101 and sold at 99, two of them.
    assert trade["slippage"] == pytest.approx(2 * (102 - 101) + 2 * (101 - 99))
    assert trade["risk"] is None


def test_what_was_risked_is_the_way_to_the_first_stop(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, ROWS), use="WithStop")
    trade = run(config).frames.trades.row(0, named=True)
    # Two bought at 102 with a stop at 98, which bar 4 reaches.
    assert (trade["exit_price"], trade["risk"], trade["tag"]) == (98.0, 8.0, "guarded")


def test_equity_is_sampled_behind_everything_of_its_moment(tmp_path: Path) -> None:
    config = changed(a_config(a_file(tmp_path, ROWS), fee="0"), equity_interval="1m")
    equity = run(config).frames.equity
    # Two bought at 102 in bar 2 and marked at 103 and 101, sold at 99; two bought at 104, marked at 106.
    expected = [10000.0, 10002.0, 9998.0, 9994.0, 9994.0, 9998.0]
    assert equity["equity"].to_list() == pytest.approx(expected)
    first = times_of(equity)[0]
    assert times_of(equity) == [first + n * MINUTE for n in range(6)]
    assert equity["gross_exposure"].to_list() == pytest.approx([0, 206, 202, 0, 0, 212])


def test_a_strategy_has_all_that_it_filled_and_not_only_closed_trades(tmp_path: Path) -> None:
    done = run(a_config(a_file(tmp_path, ROWS)))
    account, strategy = done.info.accounts["test"], done.info.strategies["s"]
    assert (strategy.fills, strategy.trades) == (3, 1)
    assert (strategy.realised_pnl, strategy.fees) == (account.realised_pnl, account.fees)
    assert strategy.fees == pytest.approx(0.204 + 0.198 + 0.208)


def test_days_count_to_the_day_they_end_and_to_no_other(tmp_path: Path) -> None:
    # 1 January 2024 is a Monday: bought on Tuesday, sold on Thursday the 4th, whose bar ends on Friday.
    days = [row.replace(f"01T00:0{n}:00", f"0{n + 1}") for n, row in enumerate(ROWS)]
    done = run(a_config(daily(a_file(tmp_path, days)), bars="1d"))
    figures = done.info.accounts["test"].figures
    assert list(figures.by_weekday) == ["Thursday"]
    assert list(figures.weekday_returns) == ["Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


def test_a_first_input_at_the_end_of_a_period_is_in_it(tmp_path: Path) -> None:
    days = [row.replace(f"01T00:0{n}:00", f"0{n + 1}") for n, row in enumerate(ROWS)]
    equity = run(a_config(daily(a_file(tmp_path, days)), use="Cross", bars="1d")).frames.equity
    # Nothing happens within the hour behind the first bar, so there is no sample of it.
    first, second, *_ = times_of(equity)
    assert second - first == 24 * 60 * MINUTE


def test_too_many_samples_are_thinned_and_the_first_stays() -> None:
    log = EquityLog("USD")
    log.times.extend([5, 10, 20, 30, 40])
    log.marks.extend([9.0, 8.0, 7.0, 6.0, 5.0])
    for column in log.figures.values():
        column.extend([1.0, 2.0, 3.0, 4.0, 5.0])
    log.thin(20)
    assert log.times.tolist() == [5, 20, 40]
    assert log.figures["equity"].tolist() == [1.0, 3.0, 5.0]
    assert log.marks.tolist() == [9.0, 7.0, 5.0]


def test_metrics_of_ones_own_stand_beside_ours(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "def last_over_first(equity, times, trades):\n    return float(equity[-1] / equity[0])\n"
        "def undefined(equity, times, trades):\n    return None\n"
    )
    config = changed(a_config(a_file(tmp_path, ROWS)), metrics=(f"{own}:last_over_first", f"{own}:undefined"))
    figures = run(config).info.accounts["test"].figures
    assert figures.own == {"last_over_first": pytest.approx(9997.39 / 10000), "undefined": None}
    with pytest.raises(ConfigError, match="has no function nothing"):
        run(changed(config, metrics=(f"{own}:nothing",)))


def test_a_metric_that_raises_is_named_with_its_line_and_costs_only_its_own_figure(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "def bad(equity, times, trades):\n    return trades[10].net\n"
        "def text(equity, times, trades):\n    return 'much'\n"
        "def good(equity, times, trades):\n    return 1\n"
    )
    names = tuple(f"{own}:{name}" for name in ("bad", "text", "good"))
    info = run(changed(a_config(a_file(tmp_path, ROWS)), metrics=names)).info
    assert info.state == "complete"
    assert info.accounts["test"].figures.own == {"bad": None, "text": None, "good": 1.0}
    assert any("mine.py:bad raised IndexError" in each and "at mine.py:2" in each for each in info.warnings)
    assert any("metric text gave 'much', which is no number" in each for each in info.warnings)


def test_off_loop_work_is_answered_after_its_latency(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, ROWS), use="Asking")
    orders = run(changed(config, off_loop_latency_ms=90_000)).frames.orders
    asked = times_of(run(config).frames.orders)[0]
    assert orders["tag"].to_list() == ["answered"]
    assert times_of(orders)[0] - asked == 90_000_000_000 - 100_000_000


def test_a_strategy_that_reaches_for_the_network_fails_with_its_line(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, ROWS), use="Calling")
    with no_outside():
        info = run(config).info
    assert info.state == "failed"
    assert info.failures[0].startswith("s.on_bar: OutsideRefused at strategies_for_tests.py:")
    assert info.failures_told()[0].startswith(f"{info.failures[0]}: ")
    assert "is refused while strategies run" in info.tracebacks[0]


def test_what_a_failing_strategy_did_before_is_kept(tmp_path: Path) -> None:
    done = run(a_config(a_file(tmp_path, ROWS), use="Raising"))
    assert done.info.state == "failed"
    assert "input 3, 2024-01-01T00:03:00+00:00" in done.info.failures[0]
    assert done.frames.fills.height == 1
    assert done.frames.equity.height >= 2


def test_an_interrupted_run_has_figures_of_what_is_known() -> None:
    tester = Backtester(Raising, generated_bars(9_000))
    config = with_strategy_of(tester)
    done = run_backtest(config, load_classes(config), is_stopped=lambda: True)
    assert done.info.state == "interrupted"
    assert 0 < done.info.inputs < 9_000
    assert done.info.accounts["test"].figures.equity is not None


def with_strategy_of(tester: Backtester) -> Config:
    section = msgspec.structs.replace(
        tester.config.strategies["strategy"], use="actors.strategies.library.sma_cross:SmaCross"
    )
    return msgspec.structs.replace(tester.config, strategies={"strategy": section})
