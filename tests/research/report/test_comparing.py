"""Runs side by side: the best of each figure, and exactly the settings that differ."""

from __future__ import annotations

import pytest

from actors.errors import UsageError
from daemon.research.report.compare_page import compare_page
from daemon.research.report.comparing import compare
from daemon.research.report.settings import differences, flat
from tests.research.report.build import a_run
from tests.research.report.test_report import read


def test_only_settings_that_differ_are_named() -> None:
    comparison = compare([a_run(fast=10), a_run(fast=20, drift=0.002)])
    assert [(each.name, each.values) for each in comparison.settings] == [
        ("strategies.cross.parameters.fast", ["10", "20"])
    ]
    assert comparison.same_code
    assert comparison.same_data


def test_the_better_figure_is_marked_whichever_way_better_lies() -> None:
    low, high = a_run(drift=-0.002), a_run(fast=20, drift=0.004)
    figures = {figure.name: figure for figure in compare([low, high]).figures}
    assert figures["total_return"].best == 1
    assert figures["max_drawdown"].best == 1
    assert figures["volatility"].best is None  # the same chance moved both
    assert figures["ulcer_index"].best == 1
    assert figures["equity_start"].best is None


def test_settings_that_one_lacks_differ_too() -> None:
    assert differences([{"a": {"b": 1}}, {"a": {"b": 1, "c": "x"}}]) == [("a.c", ["–", '"x"'])]
    assert dict(flat({"i": {"BTC@x": {"tick": 1}}, "l": [1, 2], "t": [{"p": True}]})) == {
        'i."BTC@x".tick': "1",
        "l": "[1, 2]",
        "t[0].p": "true",
    }


def test_a_table_that_is_empty_in_one_is_told_by_what_the_other_has_in_it() -> None:
    rows = differences([{"parameters": {}}, {"parameters": {"fast": 5}}])
    assert rows == [("parameters.fast", ["–", "5"])]


def test_the_page_overlays_every_run() -> None:
    runs = [a_run(fast=fast, seed=fast) for fast in (1, 2, 3)]
    page = compare_page(runs)
    text = " ".join(read(page).texts)
    for run in runs:
        assert run.info.run_id in text
    assert '"color":"@s3"' in page
    assert "strategies.cross.parameters.fast" in text


def test_one_run_alone_is_refused() -> None:
    with pytest.raises(UsageError, match="name two or more"):
        compare([a_run()])
