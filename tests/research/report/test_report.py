"""Reports: one file that needs nothing else, every figure in it, and sentences where something is missing."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import plotly.graph_objects
import polars
import pytest
from rich.console import Console

from actors.errors import ConfigError, UsageError
from daemon.research.report import write_report
from daemon.research.report.charts import account_charts, exposure_chart
from daemon.research.report.console import print_run, sparkline
from daemon.research.report.html import packed_plotly, told
from daemon.research.report.page import run_page
from daemon.research.report.thinning import candles, extremes
from daemon.research.report.wording import rows_of
from daemon.research.report.writing import json_schema
from daemon.research.runs import Run
from tests.research.report.build import BTC, MINUTE, a_run, kept

VOID = {"meta", "br", "link", "input", "hr", "img"}
COLOUR = "#123456"


@pytest.fixture(scope="module")
def run() -> Run:
    return a_run()


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return run_page(run)


class Reader(HTMLParser):
    """Text, and whether every element is closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_fetches_nothing(page: str) -> None:
    reader = read(page)
    assert [each for each in reader.references if not each.startswith("#")] == []
    assert "default-src 'none'" in page
    assert packed_plotly() in page


def test_every_figure_stands_on_the_page(run: Run, page: str) -> None:
    text = " ".join(read(page).texts)
    for row in rows_of(run.info.accounts["main"]):
        assert row.label in text
        assert row.text in text
    assert run.info.hashes.config in text
    assert 'one bar of <span class="whole">2020-03-08</span> is missing' in page
    assert "parameters.fast = 10" in text


def test_dates_stay_whole_and_settings_are_code() -> None:
    assert told("<b> from 2020-03-08 01:00: see `bars.volume_share`") == (
        '&lt;b&gt; from <span class="whole">2020-03-08 01:00</span>: see <code>bars.volume_share</code>'
    )


def test_net_exposure_is_drawn_only_where_it_differs(run: Run) -> None:
    equity = run.frames.equity
    long_only, both = exposure_chart(equity), exposure_chart(equity.with_columns(-polars.col("net_exposure")))
    assert long_only is not None
    assert both is not None
    assert ([len(each.data) for each in (long_only, both)], "legend" in long_only.layout) == ([1, 2], False)
    assert "nothing was ever short" in long_only.caption


def test_the_same_run_gives_the_same_page(run: Run, page: str) -> None:
    assert run_page(run) == page


def test_every_chart_is_one_that_plotly_takes(run: Run) -> None:
    frames = run.frames
    charts = account_charts(
        run.info.accounts["main"].figures, frames.equity, frames.trades, frames.prices, "USDT"
    )
    assert len(charts) == 9
    for chart in charts:
        spec = json.dumps({"data": chart.data, "layout": chart.layout})
        plain = re.sub(r'"(@\w+)(/[\d.]+)?"', f'"{COLOUR}"', spec)
        plotly.graph_objects.Figure(json.loads(plain))
        assert chart.caption


def test_the_palettes_of_both_themes_have_every_colour_that_charts_name(page: str) -> None:
    names = set(re.findall(r'"@(\w+)[/"]', page))
    assert names
    for palette in re.findall(r"(?:^|\n) *:root[^{]*\{([^}]*--ground[^}]*)\}", page):
        assert names <= set(re.findall(r"--(\w+):", palette))


@pytest.mark.slow
def test_a_million_points_stay_below_six_megabytes() -> None:
    page = run_page(a_run(days=695, step=MINUTE, trades=27_000))
    assert len(page.encode()) < 6_000_000


def test_thinned_curves_keep_their_extremes_and_ends() -> None:
    values = np.sin(np.arange(100_000) / 777.0)
    values[12_345], values[54_321] = 9.0, -9.0
    places = extremes(values, 1_000)
    assert len(places) <= 1_000
    assert {0, 12_345, 54_321, 99_999} <= set(places.tolist())
    assert extremes(values[:10], 1_000).tolist() == list(range(10))


def test_joined_candles_cover_the_bars_they_are_made_of(run: Run) -> None:
    bars = run.frames.prices.filter(run.frames.prices["instrument"] == BTC)
    joined = candles(bars, 70)
    assert joined.height <= 70
    assert joined["high"].max() == bars["high"].max()
    assert joined["low"].min() == bars["low"].min()
    assert joined["open"][0] == bars["open"][0]
    assert joined["close"][-1] == bars["close"][-1]
    assert joined["volume"].sum() == bars["volume"].sum()


def test_the_console_shows_every_figure_and_a_curve(run: Run) -> None:
    console = Console(width=160, record=True, file=StringIO())
    print_run(run, console)
    text = console.export_text()
    for row in rows_of(run.info.accounts["main"]):
        assert row.text in text
    assert "▁" in text
    assert "█" in text


def test_a_sparkline_rises_with_its_values() -> None:
    assert sparkline([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""


def test_the_written_json_is_what_its_schema_says(tmp_path: Path, run: Run) -> None:
    folder = kept(tmp_path / "state", run)
    page, plain = write_report(folder, tmp_path / "out")
    assert page.name == "report.html"
    found = json.loads(plain.read_text())
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(found, json_schema())
    assert found["accounts"]["main"]["figures"]["trades"]["count"] == 120
    del found["accounts"]["main"]["figures"]
    with pytest.raises(jsonschema.ValidationError, match="'figures' is a required property"):
        jsonschema.validate(found, json_schema())


def test_a_run_without_trades_and_equity_still_has_a_page(run: Run) -> None:
    empty = a_run(days=1, trades=0, step=86_400 * 10**9)
    text = " ".join(read(run_page(empty)).texts)
    assert "n/a" in text
    assert "Closed trades" in text


def test_a_template_gets_figures_and_blocks(tmp_path: Path, run: Run) -> None:
    folder = kept(tmp_path / "state", run)
    template = tmp_path / "mine.html"
    template.write_text("<html><body>$run_id: $sharpe, $main_sharpe_value$style$charts$script</body></html>")
    written, _ = write_report(folder, tmp_path / "out", template=template)
    assert written.name == "mine.html"
    text = written.read_text()
    read(text)
    figures = run.info.accounts["main"].figures.equity
    assert figures is not None
    assert f"{run.info.run_id}: {figures.sharpe:.2f}, {figures.sharpe!r}" in text
    assert text.count('class="plot"') == 9


def test_a_template_that_asks_for_what_is_not_there_is_told_the_nearest(tmp_path: Path, run: Run) -> None:
    folder = kept(tmp_path / "state", run)
    template = tmp_path / "mine.txt"
    template.write_text("$shrpe")
    with pytest.raises(UsageError, match=r"no figure \$shrpe: did you mean \$sharpe\?"):
        write_report(folder, tmp_path / "out", template=template)
    template.write_text("100 $")
    with pytest.raises(UsageError, match=r"\$\$ for a dollar"):
        write_report(folder, tmp_path / "out", template=template)
    with pytest.raises(UsageError, match="cannot be read as a template"):
        write_report(folder, tmp_path / "out", template=tmp_path / "none.txt")


def test_texts_of_a_run_cannot_become_markup(run: Run) -> None:
    info = msgspec.structs.replace(run.info, warnings=["<script>alert(1)</script>"])
    page = run_page(Run(info, run.frames))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_without_plotly_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    packed_plotly.cache_clear()
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ConfigError, match=r"pip install 'tickerd\[research\]'"):
        run_page(run)
