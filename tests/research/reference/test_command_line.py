"""The same case from a configuration file by `tickerd backtest`: both ways are one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.__main__ import main
from tests.research.reference.references import DATA, HERE, cases, needs_references

CASES = cases("backtrader")
CONFIG = """
[venues.files]
kind = "simulated"

[accounts.test]
venue = "files"
mode = "paper"
base_currency = "USD"
limits = {{ price_age_max_seconds = "off" }}

[accounts.test.simulated]
opening_balances = {{ USD = 10_000 }}
charges = [{{ name = "commission", rate = "0.001" }}]

[instruments."GOOG@files"]
kind = "equity"
base = "GOOG"
quote = "USD"
lot_size = 1

[strategies.cross]
use = "{strategies}/cross_fixed.py:CrossFixed"
account = "test"
instruments = ["GOOG@files"]
bars = ["1d"]
parameters = {{ slow = 30 }}

[backtest]
equity_interval = "1d"
loss_interval = "1d"

[[backtest.data]]
path = "{data}/equity_daily/backtesting_py/GOOG.csv.gz"
instrument = "GOOG@files"
"""
pytestmark = needs_references


@pytest.mark.slow
def test_the_command_line_gives_the_published_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES["goog_sma10_30_long10_comm"]
    config = tmp_path / "backtest.toml"
    config.write_text(CONFIG.format(strategies=HERE / "strategies", data=DATA))
    code = main(["backtest", str(config), "--set", f"daemon.state={tmp_path}", "--json"])
    written = capsys.readouterr()
    assert code == 0, written.err + written.out
    told = json.loads(written.out)
    assert (told["fills"], told["trades"]) == (case["fills"], case["closed_trades"])
    assert told["accounts"]["test"]["equity_end"] == pytest.approx(case["final_value"], abs=1e-6)
