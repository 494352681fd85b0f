"""The page of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import polars

from actors.analytics import TradeFigures
from daemon.research.figures import Figures
from daemon.research.report.charts import account_charts
from daemon.research.report.html import Cell, chart_html, folded, listed, page, signed, table_html, told, top
from daemon.research.report.wording import (
    ATTRIBUTION_TITLE,
    Row,
    attributed,
    attribution_of,
    groups_of,
    headline,
    money,
    number,
    percent,
    whole,
)
from daemon.research.runs import AccountResult, Run, RunInfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEAT_MAX = 70
"""Percent of colour in the month with the largest return."""


def run_page(run: Run) -> str:
    """One HTML file.

    Raises:
        ConfigError: Plotly is not installed.
    """
    info = run.info
    title = f"Backtest {info.run_id}"
    body = [top(title, subtitle(info)), '<main id="main">', *_warnings(info)]
    for name, account in info.accounts.items():
        body += account_html(run, name, account)
    body += [*_strategies(info), *settings_html(info), "</main>", _footer(info)]
    return page(title, body)


def subtitle(info: RunInfo) -> str:
    """What was run over which time."""
    strategies = ", ".join(info.strategies) or "no strategy"
    state = "" if info.state == "complete" else f" · {info.state}"
    return (
        f"{strategies} · {info.start[:16].replace('T', ' ')} to {info.end[:16].replace('T', ' ')} UTC{state}"
    )


def _warnings(info: RunInfo) -> Iterator[str]:
    yield listed(
        "The run failed" if info.state == "failed" else "Strategies that failed", info.failures_told()
    )
    yield listed("To be read with care", [*info.findings, *info.warnings])


def account_html(run: Run, name: str, account: AccountResult) -> Iterator[str]:
    """Headline, charts and tables of one account."""
    own = polars.col("account") == name
    yield f"<h2>Account {escape(name)}</h2>"
    yield tiles([*headline(account)])
    yield '<div class="cards">'
    charts = account_charts(
        account.figures,
        run.frames.equity.filter(own),
        run.frames.trades.filter(own),
        run.frames.prices,
        account.currency,
    )
    first, *others = map(chart_html, charts) if charts else ("",)
    yield first
    yield months_html(account.figures.monthly_returns)
    yield from others
    yield "</div>"
    yield "<h2>All figures</h2>"
    yield figures_html(account)
    if account.attribution:
        yield f"<h2>{ATTRIBUTION_TITLE}</h2>"
        yield _attribution(account)
    yield from _groups(account.figures, account.currency)


def tiles(rows: list[Row]) -> str:
    """The headline."""
    cells = [
        f'<div class="tile"><dt>{escape(row.label)}</dt><dd class="{_tone(row)}">'
        f"{escape(row.text)}<small>{told(row.note.partition(';')[0])}</small></dd></div>"
        for row in rows
    ]
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def _tone(row: Row) -> str:
    """Colour of a figure whose sign says good or bad."""
    is_signed = row.name in ("total_return", "cagr", "max_drawdown")
    return signed(row.value) if is_signed else ""


def figures_html(account: AccountResult) -> str:
    """All figures in groups."""
    cards = [
        '<section class="card">'
        + table_html(
            group.title,
            ("", ""),
            [(Cell(row.label, row.note), Cell(row.text)) for row in group.rows],
        )
        + "</section>"
        for group in groups_of(account)
    ]
    return f'<div class="figures">{"".join(cards)}</div>'


def months_html(returns: Mapping[str, float | None]) -> str:
    """Return of each month as a table whose colour tells how much."""
    if len(returns) < 2:
        return ""
    largest = max((abs(value) for value in returns.values() if value is not None), default=0.0) or 1.0
    years = sorted({label[:4] for label in returns})
    lines = []
    for year in years:
        cells, growth = [], 1.0
        for number_ in range(1, 13):
            label = f"{year}-{number_:02}"
            value = returns.get(label)
            growth *= 1.0 + (value or 0.0)
            cells.append(_month(value, largest) if label in returns else "<td></td>")
        kind = signed(growth - 1.0)
        cells.append(f'<td class="year {kind}">{percent(growth - 1.0, 1)}</td>')
        lines.append(f'<tr><th scope="row">{year}</th>{"".join(cells)}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Year", *MONTHS, "Whole year"))
    return (
        '<section class="card wide" id="months"><div class="scroll"><table class="months">'
        f"<caption>Returns by month</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div></section>"
    )


def _month(value: float | None, largest: float) -> str:
    if value is None:
        return "<td>n/a</td>"
    heat = round(abs(value) / largest * HEAT_MAX)
    kind = "up" if value >= 0 else "down"
    return f'<td class="{kind}" style="--heat:{heat}">{percent(value, 1)}</td>'


def _attribution(account: AccountResult) -> str:
    headings, rows = attribution_of(account)
    columns = [heading[:1].upper() + heading[1:] for heading in headings]
    cells = [
        (*map(Cell, row[:-1]), Cell(row[-1], kind=signed(float(line.net))))
        for row, line in zip(rows, attributed(account), strict=True)
    ]
    table = table_html("By strategy and instrument, the whole run", columns, cells)
    return f'<div class="cards"><section class="card wide" id="attribution">{table}</section></div>'


def _groups(figures: Figures, currency: str) -> Iterator[str]:
    """Trades by what they have in common; a division with one group says nothing new."""
    tables = {
        "By strategy": figures.by_strategy,
        "By instrument": figures.by_instrument,
        "By side": figures.by_side,
        "By tag": figures.by_tag,
        "By weekday of closing": figures.by_weekday,
    }
    shown = {title: groups for title, groups in tables.items() if len(groups) > 1}
    if shown:
        yield "<h2>Closed trades by what they have in common</h2>"
        yield '<div class="cards">'
        for title, groups in shown.items():
            yield f'<section class="card wide">{_trade_groups(title, groups, currency)}</section>'
        yield "</div>"


def _trade_groups(title: str, groups: Mapping[str, TradeFigures], currency: str) -> str:
    columns = (
        "",
        "Trades",
        "Won",
        "Gross",
        "Slippage",
        "Fees",
        "Net",
        "Profit factor",
        "Expectancy",
    )
    rows = [
        (
            Cell(name),
            Cell(whole(each.count)),
            Cell(percent(each.win_rate, 1)),
            Cell(money(each.gross)),
            Cell(money(-each.slippage)),
            Cell(money(-each.fees)),
            Cell(money(each.net), kind=signed(each.net)),
            Cell(number(each.profit_factor)),
            Cell(money(each.expectancy)),
        )
        for name, each in groups.items()
    ]
    return table_html(f"{title}, {currency}", columns, rows, kind="even")


def _strategies(info: RunInfo) -> Iterator[str]:
    columns = ("", "Orders", "Fills", "Trades", "Won", "Realised", "Fees")
    rows = [
        (
            Cell(name),
            *(Cell(whole(count)) for count in (each.orders, each.fills, each.trades, each.won)),
            Cell(money(each.realised_pnl), kind=signed(each.realised_pnl)),
            Cell(money(each.fees)),
        )
        for name, each in info.strategies.items()
    ]
    refused = [
        (Cell(code), Cell(who, kind="text"), Cell(whole(count)))
        for who, codes in (("by risk", info.denied), ("by the venue", info.rejected))
        for code, count in codes.items()
    ]
    yield "<h2>Orders</h2>"
    yield f'<div class="cards"><section class="card wide">{table_html("Strategies", columns, rows)}</section>'
    if refused:
        table = table_html("Refused orders", ("Reason", "Refused", "Orders"), refused)
        yield f'<section class="card wide">{table}</section>'
    yield "</div>"


def settings_html(info: RunInfo) -> Iterator[str]:
    """What made the run: hashes, versions, configuration."""
    from daemon.research.report.settings import settings_text

    rows = [("Configuration", info.hashes.config), ("Code", info.hashes.code), ("Data", info.hashes.data),
            ("Result", info.result_hash)]  # fmt: skip
    yield "<h2>What it was made of</h2>"
    yield '<section class="card" style="margin-bottom:12px">'
    yield table_html(
        "SHA-256", ("", ""), [(Cell(name), Cell(text, kind="text")) for name, text in rows if text]
    )
    yield "</section>"
    yield folded("Configuration, defaults included", settings_text(info.config))


def _footer(info: RunInfo) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in info.versions.items())
    speed = f"{info.inputs:,} inputs in {info.seconds:,.1f} s" if info.seconds else f"{info.inputs:,} inputs"
    return f"<footer>{escape(f'{versions} · {speed} · {info.created[:19]}')}</footer>"
