"""What fills took of the market's volume: by hand, and through a whole backtest."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from daemon.research.backtest import run_backtest
from daemon.research.participation import capacity_of
from daemon.research.report.wording import rows_of
from daemon.startup import load_classes
from tests.research.test_backtest import ROWS, a_config, a_file


def test_each_fill_knows_its_bar_and_its_share_of_the_volume(tmp_path: Path) -> None:
    # Volumes 10, 20, … 60; two at a time are filled in the second, fourth and sixth bar.
    rows = [row.rsplit(",", 1)[0] + f",{10 * n}" for n, row in enumerate(ROWS, 1)]
    config = a_config(a_file(tmp_path, rows))
    result = run_backtest(config, load_classes(config))
    fills = result.frames.fills
    assert fills["volume_share"].to_list() == [2 / 20, 2 / 40, 2 / 60]
    assert [bar.minute for bar in fills["bar"]] == [2, 4, 6]
    found = result.info.accounts["test"].figures.capacity
    assert found is not None
    assert (found.bars, found.share_median, found.share_max) == (3, 0.05, 0.1)
    names = {row.name: row.text for row in rows_of(result.info.accounts["test"])}
    assert names["volume_share_max"] == "10.0 %"


def test_taking_more_than_was_traded_is_doubted(tmp_path: Path) -> None:
    for volume, is_doubted in (("1", True), ("2", False)):
        rows = [f"{row.rsplit(',', 1)[0]},{volume}" for row in ROWS]
        config = a_config(a_file(tmp_path, rows, f"{volume}.csv"))
        found = run_backtest(config, load_classes(config)).info.warnings
        assert any("took up to 200% of a bar's volume" in warning for warning in found) == is_doubted


def test_fills_of_one_bar_add_up_and_the_room_is_that_of_the_thinnest_bars() -> None:
    fills = pl.DataFrame(
        {
            "instrument": ["X", "X", "X", "Y"],
            "bar": [1, 1, 2, 2],
            "notional": [100.0, 300.0, 100.0, 100.0],
            "volume_share": [0.01, 0.03, 0.01, None],
        }
    )
    found = capacity_of(fills)
    assert found is not None
    # Bars of 10,000 each: 400 is 4 % of the one, 100 is 1 % of the other; the 95th of 100 is at 3.85 %.
    assert found.bars == 2
    assert found.share_max == pytest.approx(0.04)
    assert found.notional == pytest.approx(500.0)
    assert found.scale == pytest.approx(0.05 / 0.0385)
    assert capacity_of(fills.filter(pl.col("instrument") == "Y")) is None


def test_bars_without_volume_say_nothing_of_capacity(tmp_path: Path) -> None:
    config = a_config(a_file(tmp_path, [row.rsplit(",", 1)[0] + ",0" for row in ROWS]))
    result = run_backtest(config, load_classes(config))
    assert result.frames.fills.height == 3
    assert result.info.accounts["test"].figures.capacity is None
