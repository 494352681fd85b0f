"""A backtest: hand-worked fills and equity, no look-ahead, refusals that name the next step."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from actors.errors import BadDataFile, ConfigError
from actors.portfolio.sizing import Sizing
from actors.risk.limits import RiskLimits
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import (
    AccountSection,
    BacktestSection,
    Config,
    DataFile,
    InstrumentSection,
    StrategySection,
    VenueSection,
)
from daemon.research.backtest import run_backtest
from daemon.research.runs import RunInfo
from daemon.startup import load_classes

BTC = "BTCUSDT@files"
HEADER = "timestamp,open,high,low,close,volume\n"
# Long after bar 1 (filled at the open of bar 2: 102), flat after bar 3 (filled at the open of bar 4: 99),
# long after bar 5 (filled at the open of bar 6: 104); the last close is 106.
ROWS = [
    "2024-01-01T00:00:00,100,102,99,101,10",
    "2024-01-01T00:01:00,102,104,101,103,10",
    "2024-01-01T00:02:00,103,103,100,101,10",
    "2024-01-01T00:03:00,99,100,97,98,10",
    "2024-01-01T00:04:00,98,103,98,102,10",
    "2024-01-01T00:05:00,104,107,103,106,10",
]


def a_config(
    *files: DataFile, use: str = "UpAndDown", fee: str = "0.001", bars: str = "1m", cash: str = "10000"
) -> Config:
    return Config(
        venues={"files": VenueSection(kind="simulated")},
        accounts={
            "test": AccountSection(
                venue="files",
                mode="paper",
                base_currency="USDT",
                limits=RiskLimits(price_age_max_seconds=None),
                simulated=SimulatedVenueSettings(
                    opening_balances={"USDT": Decimal(cash)},
                    maker_fee=Decimal(fee),
                    taker_fee=Decimal(fee),
                    fee_currency="USDT",
                ),
            )
        },
        instruments={BTC: InstrumentSection(base="BTC", quote="USDT")},
        strategies={
            "s": StrategySection(
                use=f"tests.research.strategies_for_tests:{use}",
                account="test",
                instruments=(BTC,),
                bars=(bars,),
                sizing=Sizing(method="fixed_quantity", amount=Decimal(2)),
            )
        },
        backtest=BacktestSection(data=files),
    )


def a_file(folder: Path, rows: list[str], name: str = "bars.csv") -> DataFile:
    path = folder / name
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return DataFile(path=str(path), instrument=BTC, interval="1m")


def run(config: Config) -> RunInfo:
    return run_backtest(config, load_classes(config)).info


def test_fills_fees_and_equity_equal_hand_worked_decimals(tmp_path: Path) -> None:
    result = run(a_config(a_file(tmp_path, ROWS)))
    account = result.accounts["test"]
    # 10000 - 2*102 - .204 + 2*99 - .198 - 2*104 - .208
    assert account.balances == {"USDT": Decimal("9785.390"), "BTC": Decimal(2)}
    assert account.equity_end == pytest.approx(9785.39 + 2 * 106, abs=1e-9)
    assert account.realised_pnl == pytest.approx(2 * (99 - 102))
    assert account.fees == pytest.approx(0.204 + 0.198 + 0.208)
    assert (result.orders, result.fills, result.trades) == (3, 3, 1)
    assert account.trial_balance == 0
    assert result.strategies["s"].realised_pnl == -6.0
    assert result.strategies["s"].won == 0


def test_a_file_cut_off_gives_a_prefix_of_the_decisions(tmp_path: Path) -> None:
    orders = []
    for count in range(1, len(ROWS) + 1):
        result = run(a_config(a_file(tmp_path, ROWS[:count], f"{count}.csv")))
        orders.append(result.orders)
    assert orders == [1, 1, 2, 2, 3, 3]


def test_the_same_run_twice_gives_the_same_result(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, ROWS * 1))
    first, second = run(config), run(config)
    assert first.accounts == second.accounts
    assert first.strategies == second.strategies


def test_larger_bars_are_built_from_the_ones_in_the_file(tmp_path: Path) -> None:
    result = run(a_config(a_file(tmp_path, ROWS), bars="2m"))
    # Two-minute bars: 100→103 up, 103→98 down, 98→106 up; the last has no bar behind it to be filled in.
    assert (result.orders, result.fills) == (3, 2)


def test_a_strategy_that_raises_is_named_with_its_line(tmp_path: Path) -> None:
    result = run(a_config(a_file(tmp_path, ROWS), use="Raising"))
    assert len(result.failures) == 1
    assert "s.on_bar: KeyError at strategies_for_tests.py:" in result.failures[0]
    assert result.fills == 1


def test_time_that_runs_backwards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataFile, match="time runs backwards"):
        run(a_config(a_file(tmp_path, [ROWS[1], ROWS[0], ROWS[2]])))


def test_a_bar_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    once = run(a_config(a_file(tmp_path, ROWS)))
    twice = run(a_config(a_file(tmp_path, [*ROWS[:2], ROWS[1], *ROWS[2:]], "twice.csv")))
    assert (twice.inputs, twice.accounts) == (once.inputs, once.accounts)


def test_two_bars_of_one_time_that_differ_are_refused(tmp_path: Path) -> None:
    other = ROWS[1].replace(",103,10", ",102,10")
    with pytest.raises(BadDataFile, match="two different bars of"):
        run(a_config(a_file(tmp_path, [*ROWS[:2], other, *ROWS[2:]])))


def test_timeframes_that_no_data_can_make_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data makes bars"):
        run(a_config(a_file(tmp_path, ROWS), bars="30s"))


def test_a_range_without_data_is_refused(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, ROWS))
    with pytest.raises(BadDataFile, match="no data in the range"):
        run_backtest(config, load_classes(config), start=1_900_000_000_000_000_000)


def test_nothing_to_test_on_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to test on"):
        run(a_config())


@pytest.mark.slow
def test_a_raw_recording_is_traded_and_the_books_balance(shared_data: Path) -> None:
    recording = shared_data / "raw_ws" / "binance_spot" / "btcusdt_20240808.gz"
    file = DataFile(path=str(recording), instrument=BTC, kind="binance_raw")
    config = a_config(file, bars="1s", fee="0", cash="1000000")
    result = run(config)
    assert result.fills > 50
    assert result.accounts["test"].trial_balance == 0
    assert run(config).accounts == result.accounts
