"""One HTML file with everything in it: style, script, plotly, charts and tables; it fetches nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import NamedTuple

from actors.errors import ConfigError
from daemon.research.report.chart import Chart

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2})?")
_CODE = re.compile(r"`([^`]+)`")
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    note: str = ""
    kind: str = ""
    """Class names: `text`, `gain`, `loss`, `best`."""


def part(name: str) -> str:
    """A file of this package."""
    return files("daemon.research.report").joinpath(name).read_text(encoding="utf-8")


@cache
def packed_plotly() -> str:
    """Plotly's script as gzip in base64; the page unpacks it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError:
        raise ConfigError(
            "an HTML report needs plotly, which is not installed: pip install 'tickerd[research]'"
        ) from None
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def page(title: str, body: Iterable[str], *, has_charts: bool = True) -> str:
    """The whole file."""
    plotly = f'<script type="text/plain" id="plotly">{packed_plotly()}</script>' if has_charts else ""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{escape(title)}</title>",
            f"<style>{part('page.css')}</style></head>",
            '<body><a class="skip" href="#main">To the figures</a>',
            *body,
            plotly,
            f"<script>{part('page.js')}</script>",
            "</body></html>\n",
        ]
    )


def top(title: str, subtitle: str) -> str:
    """Heading and the switch between light and dark."""
    return (
        f'<header class="top"><div><h1>{escape(title)}</h1><p class="sub">{told(subtitle)}</p></div>'
        '<button type="button" class="theme" hidden></button></header>'
    )


def told(text: str) -> str:
    """A sentence as HTML: a date is never cut in two, and what stands in backticks is code."""
    whole = _DATE.sub(r'<span class="whole">\g<0></span>', escape(text))
    return _CODE.sub(r"<code>\1</code>", whole)


def chart_html(chart: Chart) -> str:
    """A chart with its title and what it says in words."""
    spec = json.dumps(
        {"data": chart.data, "layout": chart.layout, "height": chart.height}, separators=(",", ":")
    ).replace("</", "<\\/")
    wide = " wide" if chart.is_wide else ""
    return (
        f'<figure class="card{wide}" id="{escape(chart.key)}"><figcaption><h3>{escape(chart.title)}</h3>'
        f"<p>{told(chart.caption)}</p></figcaption>"
        f'<div class="plot" role="img" aria-label="{escape(f"{chart.title}: {chart.caption}")}" '
        f'style="min-height:{chart.height}px"><script type="application/json">{spec}</script></div></figure>'
    )


def table_html(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, kind: str = ""
) -> str:
    """A table; the first cell of each row is its heading."""
    given = list(rows)
    texts = [all(row[at].kind == "text" for row in given) for at in range(len(columns))]
    head = "".join(
        f'<th scope="col"{_class("text" if is_text else "")}>{escape(column)}</th>'
        for column, is_text in zip(columns, texts, strict=True)
    )
    lines = []
    for first, *rest in given:
        heading = f'<th scope="row">{_inner(first)}</th>'
        lines.append(f"<tr>{heading}{''.join(_cell(cell) for cell in rest)}</tr>")
    name = _class(kind)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<div class="scroll"><table{name}>{title}{head}<tbody>{"".join(lines)}</tbody></table></div>'


def _cell(cell: Cell) -> str:
    return f"<td{_class(cell.kind)}>{_inner(cell)}</td>"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _inner(cell: Cell) -> str:
    note = f'<span class="note">{told(cell.note)}</span>' if cell.note else ""
    return escape(cell.text) + note


def signed(value: float | None) -> str:
    """The class of a figure that is good above zero."""
    return "" if not value else "gain" if value > 0 else "loss"


def listed(title: str, sentences: Sequence[str]) -> str:
    """Warnings; nothing without any."""
    if not sentences:
        return ""
    items = "".join(f"<li>{told(text)}</li>" for text in sentences)
    return f'<div class="warn" role="note"><strong>{escape(title)}</strong><ul>{items}</ul></div>'


def folded(title: str, text: str) -> str:
    """Long text behind its title."""
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
