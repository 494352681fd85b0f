"""The page of several runs: their curves over each other, their figures, where their settings differ."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import numpy as np
import polars

from actors.analytics import underwater
from daemon.research.report.chart import Chart, Trace, milliseconds
from daemon.research.report.charts import CURVE_POINTS, Curve, curve_of
from daemon.research.report.comparing import Column, Comparison, columns_of, compare, settings_summary
from daemon.research.report.html import Cell, chart_html, page, table_html, top
from daemon.research.report.thinning import extremes, short
from daemon.research.runs import Run

COLOURS = 8
"""So many the theme has for series, `@s1` to `@s8`."""
BASE = 100.0


def compare_page(runs: Sequence[Run]) -> str:
    """One HTML file.

    Raises:
        UsageError: Fewer than two runs.
        ConfigError: Plotly is not installed.
    """
    comparison, columns = compare(runs), columns_of(runs)
    title = f"{len(comparison.runs)} backtests compared"
    return page(
        title,
        [
            top(title, settings_summary(comparison)),
            '<main id="main"><div class="cards" style="margin-top:18px">',
            chart_html(_curves(columns)),
            "</div><h2>Figures</h2>",
            *_figure_tables(comparison),
            "<h2>Settings that differ</h2>",
            _settings_table(comparison, runs),
            "</main><footer>★ the best of a row</footer>",
        ],
    )


def _curves(columns: Sequence[Column]) -> Chart:
    """Equity of all runs, each beginning at 100, and below it how far each is under its peak."""
    data = []
    for number, column in enumerate(columns):
        own = column.run.frames.equity.filter(polars.col("account") == column.account)
        curve = curve_of(own, column.result.currency)
        if len(curve.equity) and curve.equity[0] > 0.0:
            data += _lines(column.name, curve, f"@s{number % COLOURS + 1}")
    return Chart(
        key="curves",
        title="Equity, each from 100, and drawdown",
        caption=", ".join(f"{each['name']} ends at {each['y'][-1]:,.1f}" for each in data[::2]),
        data=data,
        layout={
            "xaxis": {"type": "date", "anchor": "y2"},
            "yaxis": {"domain": [0.36, 1], "tickformat": ",.9~r"},
            "yaxis2": {"domain": [0, 0.28], "tickformat": ".2~%", "title": {"text": "under peak"}},
            "hovermode": "x unified",
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        },
        height=480,
    )


def _lines(name: str, curve: Curve, colour: str) -> list[Trace]:
    depths = underwater(curve.equity)
    places = np.union1d(extremes(curve.equity, CURVE_POINTS // 2), extremes(depths, CURVE_POINTS // 4))
    x = milliseconds(curve.times[places])
    line = {"color": colour, "width": 1.6}
    common = {"type": "scatter", "mode": "lines", "name": name, "legendgroup": name, "x": x}
    grown = curve.equity[places] / curve.equity[0] * BASE
    return [
        {**common, "y": short(grown), "line": line, "hovertemplate": "%{y:,.1f}"},
        {**common, "y": short(depths[places]), "yaxis": "y2", "showlegend": False,
         "line": {**line, "width": 1}, "hovertemplate": "%{y:.1%}"},
    ]  # fmt: skip


def _figure_tables(comparison: Comparison) -> list[str]:
    tables = []
    for title, figures in groupby(comparison.figures, key=lambda figure: figure.group):
        rows = [
            (
                Cell(figure.label),
                *(
                    Cell(text, kind="best" if place == figure.best else "")
                    for place, text in enumerate(figure.texts)
                ),
            )
            for figure in figures
        ]
        table = table_html(title, ("", *comparison.runs), rows, kind="even compare")
        style = f"margin-bottom:14px;--columns:{len(comparison.runs)}"
        tables.append(f'<section class="card" style="{style}">{table}</section>')
    return tables


def _settings_table(comparison: Comparison, runs: Sequence[Run]) -> str:
    if not comparison.settings:
        return f"<p>{escape(settings_summary(comparison))}.</p>"
    names = [run.info.run_id for run in runs]
    rows = [
        (Cell(each.name), *(Cell(value, kind="text") for value in each.values))
        for each in comparison.settings
    ]
    return f'<section class="card">{table_html("", ("", *names), rows)}</section>'
