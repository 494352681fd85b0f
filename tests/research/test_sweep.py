"""Sweeps: how far they are, in which order their cells stand, and how much of the best one is luck."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.analytics.returns import sharpe
from actors.analytics.series import daily_returns
from actors.analytics.significance import deflated_sharpe
from actors.errors import UsageError
from daemon.research import Backtester
from daemon.research.frames import times_of
from daemon.research.sweep import Sweep, sweep_cells
from tests.conftest import REPO_ROOT
from tests.research.strategies_for_tests import Cross
from tests.research.test_api import some_bars

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tester() -> Backtester:
    return Backtester(Cross, some_bars())


@pytest.fixture(scope="module")
def swept(tester: Backtester) -> Sweep:
    return tester.sweep({"fast": [2, 3, 5, 0], "slow": [8, 13]})


def test_progress_is_told_after_each_cell(tester: Backtester) -> None:
    told: list[tuple[int, int]] = []
    sweep_cells(
        tester.config, tester._classes, {"fast": [3, 0], "slow": [8]}, start=None, end=None,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(1, 2), (2, 2)]


def test_cells_are_ranked_by_the_figure_asked_for_and_failed_ones_are_last(swept: Sweep) -> None:
    for figure in ("sharpe", "total_return"):
        ranked = swept.ranked(figure)
        values = ranked[figure].to_list()
        assert values[:6] == sorted(values[:6], reverse=True)
        assert values[6:] == [None, None]
        assert ranked.row(0, named=True)["fast"] == swept.best(figure).parameters["fast"]
    assert swept.ranked("max_drawdown", smallest_first=True)["max_drawdown"].is_sorted(nulls_last=True)
    with pytest.raises(UsageError, match="no cell has a figure 'luck'"):
        swept.ranked("luck")


def test_the_deflated_ratio_of_a_sweep_is_that_of_its_returns(tester: Backtester, swept: Sweep) -> None:
    best, found = swept.best(), swept.deflated()
    assert found is not None
    assert found.trials == 6
    ratios, chosen = [], None
    for cell in swept.cells[:6]:
        result = tester.run(**cell.parameters)
        times = [time - 1 for time in times_of(result.equity)]
        returns = daily_returns(result.equity["equity"].to_numpy(), times)
        ratios.append(sharpe(returns, 1.0) or 0.0)
        chosen = returns if cell.parameters == best.parameters else chosen
    assert chosen is not None
    assert found.probability == pytest.approx(deflated_sharpe(chosen, ratios), rel=1e-9)
    said = repr(swept)
    assert "8 cells, 2 failed; best Sharpe at fast=" in said
    assert f"the best of 6 trials (variance {found.variance:.3g})" in said


def test_a_single_trial_owes_nothing_to_having_tried(tester: Backtester) -> None:
    found = tester.sweep({"fast": [3]}).deflated()
    assert found is not None
    assert (found.trials, found.variance, found.expected_best) == (1, 0.0, 0.0)


SCRIPT = """
from actors import Bar, Strategy
from daemon.research import Backtester
from daemon.research.generated import generated_bars
from rises import rises

class Up(Strategy):
    strength: float = 1.0

    def on_bar(self, bar: Bar) -> None:
        if rises(bar):
            self.ctx.long(strength=self.strength)

def work() -> None:
    tester = Backtester(Up, generated_bars(50), cash=10_000)
    one, two = (tester.sweep({"strength": [0.5, 1.0]}, workers=n).frame for n in (1, 2))
    print(two["state"].to_list(), one.equals(two))
"""
GUARD = 'if __name__ == "__main__":'


@pytest.mark.parametrize(
    ("call", "says"),
    [("\nwork()", f"script.py, whose line 19 would start it again: put what it does under `{GUARD}`"),
     (f"\nimport time\ntime.time()\n{GUARD}\n    work()", "script.py:20: time.time() would make"),
     (f"\n{GUARD}\n    work()", "['complete', 'complete'] True")],
)  # fmt: skip
def test_a_script_may_sweep_over_processes_behind_its_guard(tmp_path: Path, call: str, says: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + call + "\n")
    (tmp_path / "rises.py").write_text("def rises(bar):\n    return bar.close > bar.open\n")
    ran = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env={"PYTHONPATH": str(REPO_ROOT)}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert says in ran.stdout + ran.stderr
