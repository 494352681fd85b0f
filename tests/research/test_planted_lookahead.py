"""Look-ahead as users really write it is refused or found; the same look without the bug is not.

Each strategy reads the file that it is tested on, or one made of it, and compares.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from actors.own_code.guards import ForbiddenCall
from daemon.research.api import Backtester
from daemon.research.generated import generated_bars
from daemon.research.lookahead import Finding, check_lookahead

pytestmark = pytest.mark.slow

STRATEGY = """
import polars as pl
import numpy as np
import helper
from actors import Bar, State, Strategy
{top}

class Seen(State):
    bars: int = 0
    answer: float = 0.0

class Mine(Strategy):
    state: Seen

    def on_setup(self) -> None:
        {setup}

    def on_bar(self, bar: Bar) -> None:
        i = self.state.bars
        self.state.bars += 1
        now = bar.ts_event
        if {rule}:
            self.ctx.long()
        else:
            self.ctx.flat()

    def on_result(self, answer) -> None:
        self.state.answer = answer.value or 0.0
"""
HELPER = """
from functools import lru_cache
import csv
import numpy as np
import pandas as pd
import polars as pl
{helper}
"""
DAY = 86_400_000_000_000
READ = "t = pl.read_csv('bars.csv', try_parse_dates=True)"
ROLLED = "def rolled(**how):\n    return pd.read_csv('bars.csv')['close'].rolling(5, **how).mean().to_numpy()"
CLOSES = """
@lru_cache
def closes():
    with open('bars.csv') as rows:
        return tuple(float(row['close']) for row in csv.DictReader(rows))
"""
PATH = """
from pathlib import Path
def top():
    return max(float(row.split(',')[4]) for row in Path('bars.csv').read_text().splitlines()[1:])
"""
GC = "import gc\ndef bars():\n    return gc.get_objects()"
DAILY = """
def days(label):
    frame = pd.read_csv('bars.csv', parse_dates=['timestamp'], index_col='timestamp')
    return frame['close'].resample('1D', label=label, closed='left').last()
def of_day(table, now, behind):
    return table.get(pd.Timestamp(now - 1).floor('D') - pd.Timedelta(days=behind), float('nan'))
"""
BUGS = {
    "maximum of the whole series": ("", "self.top = helper.top()", "bar.close < 0.98 * self.top",
        "def top():\n    return pl.read_csv('bars.csv')['close'].max()"),
    "maximum by a path object": ("", "self.top = helper.top()", "bar.close < 0.98 * self.top",
        PATH),
    "a cache of the module": ("", "self.closes = helper.closes()", "bar.close < max(self.closes)", CLOSES),
    "centred rolling mean": ("", "self.mean = helper.rolled(center=True)", "bar.close < self.mean[i]",
        ROLLED),
    "one bar too far": ("", f"{READ}; self.c = t['close'].to_numpy()",
        "self.c[min(i + 1, len(self.c) - 1)] > bar.close", ""),
    "one bar too far without a check": ("", f"{READ}; self.c = t['close'].to_numpy()",
        "self.c[i + 1] > bar.close", ""),
    "one bar too far in an array without times": ("", "self.c = np.load('closes.npy')",
        "self.c[min(i + 1, len(self.c) - 1)] > bar.close", ""),
    "a day labelled by its beginning": ("", "self.days = helper.days('left')",
        "helper.of_day(self.days, now, 0) > bar.close", DAILY),
    "today's close of a daily file": ("from polars import read_csv", "self.d = read_csv('daily.csv')",
        f"self.d['close'][min((now - 1) // {DAY} - self.d['day'][0], self.d.height - 1)] > bar.close", ""),
    "next day's close by a lazy table": ("", "self.d = pl.scan_parquet('daily.parquet').collect()",
        "self.d.filter(pl.col('date').dt.epoch('ns') <= now)['close'][-1:].sum() > bar.close", ""),
    "a shift into the future": ("", f"{READ}; self.up = (t['close'].shift(-3) > t['close']).fill_null(False)",
        "self.up[i]", ""),
    "all of it read off the loop": ("", "pass",
        "self.ctx.run_off_loop(helper.top) and bar.close < 0.98 * self.state.answer",
        CLOSES + "def top():\n    return max(closes())"),
}  # fmt: skip
HONEST = {
    "running maximum": ("", f"{READ}; self.top = t['close'].cum_max()", "bar.close < 0.98 * self.top[i]", ""),
    "a cache of the module": ("", "self.closes = helper.closes()", "bar.close < max(self.closes[:i + 1])",
        CLOSES),
    "trailing rolling mean": ("", "self.mean = helper.rolled()", "bar.close < self.mean[i]", ROLLED),
    "this bar of the array": ("", f"{READ}; self.c = t['close'].to_numpy()",
        "self.c[i] < self.c[max(i - 3, 0)]", ""),
    "this bar of an array without times": ("", "self.c = np.load('closes.npy')",
        "self.c[i] < self.c[max(i - 3, 0)]", ""),
    "yesterday's close": ("", "self.days = helper.days('left')",
        "helper.of_day(self.days, now, 1) > bar.close", DAILY),
    "yesterday's close of a daily file": ("", "self.d = pl.read_csv('daily.csv')",
        f"i >= 24 and self.d['close'][(now - 1) // {DAY} - self.d['day'][0] - 1] > bar.close", ""),
    "a day labelled by its end": ("", "self.d = pl.read_parquet('daily_by_end.parquet')",
        "self.d.filter(pl.col('date').dt.epoch('ns') <= now)['close'][-1:].sum() > bar.close", ""),
    "something fetched off the loop": ("", "pass",
        "self.ctx.run_off_loop(helper.third, bar.close) and bar.close > 3 * self.state.answer",
        "def third(price):\n    return price / 3"),
}  # fmt: skip
REFUSED = {
    "future data in a global of a helper": ("", "pass", "bar.close < helper.TOP",
        "TABLE = pl.read_csv('bars.csv')\nTOP = TABLE['close'].max()", "helper.py:7: polars.read_csv()"),
    "the whole file read at import": ("T = pl.scan_parquet('bars.parquet').collect()", "pass",
        "T['close'][i + 1]", "", "mine.py:6: polars.scan_parquet()"),
    "read at every bar": ("", "pass", "pl.read_csv('bars.csv')['close'].max() > bar.close", "",
        "mine.py:22: polars.read_csv()"),
    "what lies behind ctx": ("", "pass", "self.ctx._runner.host.market", "", "mine.py:22: ctx._runner"),
    "the engine's own frames": ("import sys", "pass", "sys._getframe(4).f_locals['block']", "",
        "mine.py:22: sys._getframe()"),
    "all objects there are": ("", "pass", "helper.bars()", GC, "helper.py:9: gc.get_objects()"),
}  # fmt: skip


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight days of hours, and tables made of them."""
    monkeypatch.chdir(tmp_path)
    bars = generated_bars(192, seed=3)
    daily = bars.group_by_dynamic("timestamp", every="1d").agg(pl.col("close").last())
    date = pl.col("timestamp").dt.replace_time_zone(None).alias("date")
    daily.select(date.cast(pl.Date), "close").write_parquet("daily.parquet")
    daily.select(date + pl.duration(days=1), "close").write_parquet("daily_by_end.parquet")
    daily.select(date.dt.strftime("%Y-%m-%d"), (date.dt.epoch("d")).alias("day"), "close").write_csv(
        "daily.csv"
    )
    np.save("closes.npy", bars["close"].to_numpy())
    text = bars.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    text.write_csv("bars.csv")
    return tmp_path / "bars.csv"


def checked(market: Path, top: str, setup: str, rule: str, helper: str) -> Finding:
    file = market.with_name("mine.py")
    file.write_text(STRATEGY.format(top=top, setup=setup, rule=rule))
    file.with_name("helper.py").write_text(HELPER.format(helper=helper))
    tester = Backtester(f"{file}:Mine", market)
    return check_lookahead(tester.config, tester._classes, cuts=4)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_look_ahead_is_found(market: Path, name: str) -> None:
    found = checked(market, *BUGS[name])
    assert found.difference is not None
    assert "with the data cut off at 2024-01-0" in found.difference


@pytest.mark.parametrize("name", HONEST)
def test_what_looks_like_it_and_is_none_is_clean(market: Path, name: str) -> None:
    found = checked(market, *HONEST[name])
    assert found.is_clean, found.text()
    assert found.decisions > 20
    assert not found.uncut


@pytest.mark.parametrize("name", REFUSED)
def test_a_planted_look_ahead_is_refused_before_it_runs(market: Path, name: str) -> None:
    *parts, text = REFUSED[name]
    with pytest.raises(ForbiddenCall) as raised:
        checked(market, *parts)
    assert text in str(raised.value)


def test_what_could_not_be_cut_is_named(market: Path) -> None:
    np.save("weights.npy", np.ones(3))
    found = checked(market, "", "self.w = np.load('weights.npy')", "bar.close > bar.open * self.w[i % 3]", "")
    assert found.is_clean
    assert found.text().endswith("warning: nothing is proven of weights.npy, which cannot be cut off")


def test_a_file_of_another_kind_is_named(market: Path) -> None:
    Path("weights.txt").write_text("0.5")
    for opened in ("open('weights.txt')", "Path('weights.txt').open()"):
        setup = f"with {opened} as rows: self.w = float(rows.read())"
        found = checked(market, "from pathlib import Path", setup, "bar.close > bar.open + self.w", "")
        assert found.is_clean
        assert found.uncut == ("weights.txt",)
