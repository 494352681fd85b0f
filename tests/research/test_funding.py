"""Funding of a perpetual: from a venue's file to what a backtest's account has paid."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from actors.errors import BadDataFile
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.research.backtest import run_backtest
from daemon.research.data.catalogue import Catalogue
from daemon.research.data.importing import Wanted, import_file
from daemon.research.runs import Run
from daemon.startup import load_classes

# Long 2 after bar 1 (filled at the open of bar 2: 102), flat after bar 3 (filled at the open of bar 4: 99).
BARS = """timestamp,open,high,low,close,volume
2024-01-01T00:00:00,100,102,99,101,10
2024-01-01T00:01:00,102,104,101,103,10
2024-01-01T00:02:00,103,103,100,101,10
2024-01-01T00:03:00,99,100,97,98,10
"""
HEADER = "symbol,fundingTime,fundingRate,markPrice\n"
MINUTE_1, MINUTE_2, MINUTE_3, MINUTE_4 = (1_704_067_200_000 + n * 60_000 for n in range(1, 5))
# Before the fill; while held, at the venue's mark 104 and at our own, the close 101; after the end.
RATES = [f"{MINUTE_1},0.5,100", f"{MINUTE_2},0.01,104", f"{MINUTE_3},-0.001,", f"{MINUTE_4},0.5,100"]
CONFIG = """
[venues.files]
kind = "simulated"

[accounts.paper]
venue = "files"
mode = "paper"
base_currency = "USDT"
limits = { price_age_max_seconds = "off", price_collar = "off" }

[accounts.paper.simulated]
account_type = "margin"
opening_balances = { USDT = 10000 }
maker_fee = 0
taker_fee = 0

[accounts.paper.simulated.margin]
currency = "USDT"

[strategies.s]
use = "tests.research.strategies_for_tests:UpAndDown"
account = "paper"
instruments = ["BTCUSDT-PERP@files"]
bars = ["1m"]
sizing = { method = "fixed_quantity", amount = 2 }

[instruments."BTCUSDT-PERP@files"]
base = "BTC"
quote = "USDT"
kind = "perpetual"

[[backtest.data]]
path = "bars.csv"
instrument = "BTCUSDT-PERP@files"
interval = "1m"

[[backtest.data]]
instrument = "BTCUSDT-PERP@files"
"""


def a_config(folder: Path, funding: str) -> Config:
    (folder / "bars.csv").write_text(BARS)
    (folder / "test.toml").write_text(CONFIG + funding)
    return load_config(folder / "test.toml", environ={}).config


def funding_csv(folder: Path, *symbols: str) -> Path:
    rows = [f"{symbol},{rate}" for symbol in symbols or ("BTCUSDT",) for rate in RATES]
    path = folder / "funding.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def run(config: Config) -> Run:
    return run_backtest(config, load_classes(config))


def assert_two_payments(result: Run) -> None:
    # 2 × 104 × 0.01 paid, 2 × 101 × 0.001 received; 2 × (99 − 102) lost
    paid = Decimal("2.08") - Decimal("0.202")
    account = result.info.accounts["paper"]
    assert account.balances == {"USDT": 10_000 - 6 - paid}
    assert account.trial_balance == 0
    assert result.frames.trades["funding"].to_list() == [pytest.approx(float(paid))]
    assert result.frames.trades["net"].to_list() == [pytest.approx(-6.0 - float(paid))]


def test_a_perpetual_pays_and_receives_what_the_file_says_while_it_is_held(tmp_path: Path) -> None:
    funding_csv(tmp_path)
    assert_two_payments(run(a_config(tmp_path, 'path = "funding.csv"')))


def test_funding_in_parquet_is_the_same_as_in_csv(tmp_path: Path) -> None:
    pl.read_csv(funding_csv(tmp_path)).write_parquet(tmp_path / "funding.parquet")
    assert_two_payments(run(a_config(tmp_path, 'path = "funding.parquet"\nkind = "funding"')))


def test_imported_funding_comes_with_the_bars_of_the_catalogue(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (tmp_path / "bars.csv").write_text(BARS)
    wanted = Wanted(instrument="BTCUSDT-PERP@files")
    for path in (funding_csv(tmp_path), tmp_path / "bars.csv"):
        import_file(Catalogue(root), path, wanted)
        import_file(Catalogue(root), path, wanted)  # the same again changes nothing
    config = a_config(tmp_path, f'path = "{root}"\ncatalogue = true')
    backtest = msgspec.structs.replace(config.backtest, data=config.backtest.data[1:])
    assert_two_payments(run(msgspec.structs.replace(config, backtest=backtest)))


def test_a_file_of_several_perpetuals_is_refused(tmp_path: Path) -> None:
    funding_csv(tmp_path, "BTCUSDT", "ETHUSDT")
    with pytest.raises(BadDataFile, match=r"several instruments \(BTCUSDT, ETHUSDT\): import it"):
        run(a_config(tmp_path, 'path = "funding.csv"'))


def test_a_rate_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "funding.csv").write_text(HEADER + f"BTCUSDT,{MINUTE_2},1.5,100\n")
    with pytest.raises(BadDataFile, match=r"row 2: rate 1\.5.* cannot be a funding rate"):
        run(a_config(tmp_path, 'path = "funding.csv"'))
