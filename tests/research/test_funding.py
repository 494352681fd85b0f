"""Costs of holding: funding from a venue's file to what an account has paid, and how a run tells of it."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import jsonschema
import msgspec
import polars as pl
import pytest
from rich.console import Console

from actors.errors import BadDataFile
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.research.backtest import run_backtest
from daemon.research.data.catalogue import Catalogue
from daemon.research.data.importing import Wanted, import_file
from daemon.research.report.console import print_run
from daemon.research.report.page import run_page
from daemon.research.report.wording import attributed, attribution_of, rows_of
from daemon.research.report.writing import json_schema, report_json
from daemon.research.result import Result
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


def test_what_each_cost_took_is_in_the_run_and_its_reports(tmp_path: Path) -> None:
    funding_csv(tmp_path)
    result = run(a_config(tmp_path, 'path = "funding.csv"'))
    account = result.info.accounts["paper"]
    (line,) = account.attribution
    assert (line.strategy, line.instrument, line.currency) == ("s", "BTCUSDT-PERP@files", "USDT")
    # Decided at closes of 101, sold at that of 101: at these nothing would have been lost.
    assert (line.gross, line.slippage) == (Decimal(0), Decimal(6))
    assert (line.funding, line.net) == (Decimal("1.878"), Decimal("-7.878"))
    assert float(line.net) == pytest.approx(account.equity_end - account.equity_start)
    frame = Result(result).attribution
    assert frame.select("account", "strategy", "funding", "net").rows() == [("paper", "s", 1.878, -7.878)]
    assert attribution_of(account) == (
        ["", "gross", "slippage", "funding", "net"],
        [["s BTCUSDT-PERP@files", "0.00", "-6.00", "-1.88", "-7.88 USDT"]],
    )
    metrics = Result(result).metrics
    assert (metrics["funding"], metrics["slippage"], metrics["interest"]) == (1.878, 6.0, 0.0)
    screen = StringIO()
    print_run(result, Console(file=screen, width=200))
    for text in (screen.getvalue(), run_page(result)):
        assert "Where the result came from" in text
        assert "-7.88 USDT" in text
    plain = json.loads(report_json(result))
    jsonschema.validate(plain, json_schema())
    assert Decimal(plain["accounts"]["paper"]["attribution"][0]["funding"]) == Decimal("1.878")


def test_margin_calls_liquidations_and_interest_are_told(tmp_path: Path) -> None:
    # 195 bought for 19,890 with 10,000; at 60 equity is 1,800, and 2,925 would be a quarter.
    fall = ["2024-01-02T00:00:00,60,60,60,60,10", "2024-01-02T00:01:00,60,60,60,60,10"]
    (tmp_path / "bars.csv").write_text("\n".join([*BARS.splitlines()[:3], *fall, ""]))
    text = CONFIG.replace("amount = 2", "amount = 195").replace("-PERP", "").replace("perpetual", "equity")
    text = text[: text.rindex("[[backtest.data]]")].replace("margin]", "margin]\ninterest = 0.36")
    (tmp_path / "test.toml").write_text(text)
    result = run(load_config(tmp_path / "test.toml", environ={}).config)
    account = result.info.accounts["paper"]
    assert (account.margin_calls, account.liquidations) == (1, 1)
    assert any("margin was called 1 times" in warning for warning in result.info.warnings)
    trading, interest = account.attribution
    # 9,890 owed over one day at 36 % of 360 days
    assert (interest.strategy, interest.interest, interest.net) == (None, Decimal("9.89"), Decimal("-9.89"))
    assert float(trading.net + interest.net) == pytest.approx(account.equity_end - account.equity_start)
    names = {row.name: row.text for row in rows_of(account)}
    assert (names["margin_calls"], names["liquidations"]) == ("1", "1")
    assert [row[0] for row in attribution_of(account)[1][1:]] == ["interest on cash owed", "together"]
    assert attributed(account)[-1].net == trading.net + interest.net


def test_what_came_in_another_currency_is_told_in_the_accounts_own_too(tmp_path: Path) -> None:
    funding_csv(tmp_path)
    result = run(a_config(tmp_path, 'path = "funding.csv"'))
    account = msgspec.structs.replace(result.info.accounts["paper"], currency="EUR", rates={"USDT": 0.5})
    headings, rows = attribution_of(account)
    assert (headings[-2:], rows[0][-2:]) == (["net", "in EUR"], ["-7.88 USDT", "-3.94 EUR"])
    info = msgspec.structs.replace(result.info, accounts={"paper": account})
    told = Result(Run(info, result.frames))
    assert told.attribution.select("rate", "net_in_account").rows() == [(0.5, pytest.approx(-3.939))]
    assert told.metrics["funding"] == pytest.approx(0.939)
    unknown = msgspec.structs.replace(account, rates={"USDT": None})
    assert attribution_of(unknown)[1][0][-1] == "n/a"
