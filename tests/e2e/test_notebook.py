"""From notebook to paper trading: the very file that a backtest runs in Python is what the daemon trades."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.e2e.rig import a_daemon, an_exchange, environment, exported, of_account, replayed, write_config
from tests.e2e.test_paper import PAPER

pytestmark = pytest.mark.slow

NOTEBOOK = """
from actors import Bar, Strategy
from daemon.research import Backtester
from daemon.research.generated import generated_bars
from helpers.averages import average


class Noted(Strategy):
    fast: int = 2
    slow: int = 4

    def on_setup(self) -> None:
        self.fast_average = self.ctx.indicator(average(self.fast))
        self.slow_average = self.ctx.indicator(average(self.slow))

    def on_bar(self, bar: Bar) -> None:
        if self.fast_average.value > self.slow_average.value:
            self.ctx.long(tag="up")
        else:
            self.ctx.flat()


if __name__ == "__main__":
    tester = Backtester(Noted, generated_bars(300), cash=10_000)
    result = tester.run(fast=3, slow=8)
    print(result.trades.height, round(result.metrics["sharpe"], 6), result.info.state)
"""

STRATEGY = """
[strategies.noted]
use = "{file}:Noted"
account = "demo"
instruments = ["BTCUSDT@binance"]
bars = ["1s"]
sizing = {{ method = "fixed_quantity", amount = 0.01 }}
"""


def test_the_strategy_of_a_notebook_runs_unchanged_on_paper(tmp_path: Path) -> None:
    file = tmp_path / "notebook.py"
    file.write_text(NOTEBOOK)
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "averages.py").write_text("from actors import EMA as average\n")
    ran = subprocess.run(
        [sys.executable, file],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(REPO_ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    trades, _, state = ran.stdout.split()
    assert (int(trades) > 5, state) == (True, "complete")

    with an_exchange(tmp_path) as exchange:
        own = of_account("paper", STRATEGY.format(file=file))
        config = write_config(tmp_path, exchange, PAPER, *own)
        with a_daemon(config, tmp_path / "state") as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(1, "noted")
            assert daemon.stop() == 0
        helper = tmp_path / "helpers" / "averages.py"
        assert replayed(tmp_path / "state").get("changed") is None
        helper.write_text(helper.read_text() + "# another word\n")
        assert replayed(tmp_path / "state")["changed"] == ["noted"]
    books = exported(tmp_path / "state")
    assert {order["strategy"] for order in books["orders"]} == {"noted"}
    assert books["trial_balance"] == "0"
