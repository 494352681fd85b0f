"""The parity report as a page: from simulated to recorded, cause by cause, and every order that differs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from daemon.cli.tables import shown
from daemon.research.parity.fit import Spread
from daemon.research.parity.ladder import CAUSE_OF, CAUSES, HOLDING
from daemon.research.parity.parity import AccountParity, ChargeDifference, OrderDifference, ParityReport, Side
from daemon.research.report.chart import Chart
from daemon.research.report.html import Cell, chart_html, folded, page, signed, table_html, top
from daemon.research.report.wording import money, number

CENT = Decimal("0.01")
ORDERS_SHOWN = 100
WHAT = {
    "data": "what market data came",
    "latency": "how long all travelled",
    "queue": "what the venue filled",
    "slippage": "what was paid",
    "fees": "what it cost",
    "funding": "what perpetuals paid",
    "borrow": "what borrowed shares cost",
    "dividends": "what was paid out",
    "interest": "what owed cash cost",
}
"""Cause → what it is about."""


def parity_page(report: ParityReport) -> str:
    """One HTML file.

    Raises:
        ConfigError: Plotly is not installed.
    """
    title = f"Session {report.session}: recorded and simulated"
    span = f"{shown(report.start, 'ts_start')} to {shown(report.end, 'ts_end')} UTC"
    body = [top(title, span), '<main id="main">']
    for name, account in report.accounts.items():
        body += _account(name, account)
    return page(title, [*body, "</main>"])


def cents(account: AccountParity) -> list[tuple[str, Decimal, Decimal]]:
    """Cause, what it is worth, and the P&L behind it, in cents that add up.

    Causes that only some positions have are left out where there was no such charge.
    """
    ladder = {name: pnl.quantize(CENT) for name, pnl in account.ladder.items()}
    charged = {CAUSE_OF[each.kind] for each in account.charges}
    before, rows = ladder["modelled"], []
    for cause in CAUSES:
        if cause in HOLDING and cause not in charged:
            continue
        rows.append((cause, ladder[cause] - before, ladder[cause]))
        before = ladder[cause]
    return rows


def _account(name: str, account: AccountParity) -> Iterator[str]:
    alike = f"{account.same_orders:,} of {account.recorded.orders:,} recorded orders came out alike"
    yield f"<h2>Account {escape(name)}</h2><p class='sub'>{escape(alike)}</p>"
    yield '<div class="cards">'
    yield chart_html(_waterfall(account))
    yield f'<section class="card wide">{_causes(account)}</section>'
    yield f'<section class="card wide">{_fit(account)}</section>'
    if account.charges:
        yield f'<section class="card wide">{_charges(account.charges)}</section>'
    if account.differences:
        yield f'<section class="card wide">{_orders(account.differences)}</section>'
    yield "</div>"
    yield folded("The figures as a configuration has them", account.fit.configuration)


def _waterfall(account: AccountParity) -> Chart:
    rows = cents(account)
    start, end = account.ladder["modelled"].quantize(CENT), rows[-1][2]
    names = ["Simulated", *(cause.capitalize() for cause, _, _ in rows), "Recorded"]
    values = [float(start), *(float(effect) for _, effect, _ in rows)]
    return Chart(
        key="causes",
        title="From simulated to recorded P&L",
        caption=f"Simulated {start:,}, recorded {end:,} {account.currency}: difference {end - start:+,}",
        data=[
            {"type": "waterfall", "x": names,
             "y": [*values, 0], "measure": ["absolute", *["relative"] * len(rows), "total"],
             "text": [f"{start:,}", *(f"{effect:+,}" for _, effect, _ in rows), f"{end:,}"],
             "textposition": "auto", "connector": {"line": {"color": "@line", "width": 1}},
             "increasing": {"marker": {"color": "@gain"}}, "decreasing": {"marker": {"color": "@loss"}},
             "totals": {"marker": {"color": "@accent"}}, "hovertemplate": "%{x}: %{text}<extra></extra>"},
        ],
        layout={"showlegend": False, "yaxis": {"title": {"text": account.currency}}},
        height=340,
    )  # fmt: skip


def _causes(account: AccountParity) -> str:
    rows = [
        (Cell(cause, WHAT[cause]), Cell(f"{effect:+,}", kind=signed(float(effect))), Cell(f"{pnl:,}"))
        for cause, effect, pnl in cents(account)
    ]
    counts = [
        (Cell(what), Cell(f"{count.orders:,} orders, {count.fills:,} fills"), Cell(f"{count.pnl:,.2f}"))
        for what, count in (("simulated", account.simulated), ("recorded", account.recorded))
    ]
    columns = ("Cause", f"Effect, {account.currency}", "P&L")
    return table_html("What the difference comes from", columns, [counts[0], *rows, counts[1]])


def _fit(account: AccountParity) -> str:
    fit = account.fit
    spreads = (
        ("Latency, ms", fit.latency_ms),
        ("Latency of cancels, ms", fit.cancel_latency_ms),
        ("Report latency, ms", fit.report_latency_ms),
        ("Slippage, bps", fit.slippage_bps),
    )
    rows = [(Cell(name), *_spread(spread)) for name, spread in spreads if spread.count]
    if not rows:
        return "<p>Nothing travelled outside this process: there is no latency to fit.</p>"
    return table_html("As the session shows them", ("", "n", "mean", "p50", "p90", "p99"), rows)


def _spread(spread: Spread) -> Iterator[Cell]:
    yield Cell(f"{spread.count:,}")
    for value in (spread.mean, spread.p50, spread.p90, spread.p99):
        yield Cell(number(value, 3))


def _charges(charges: list[ChargeDifference]) -> str:
    rows = [
        (
            Cell(each.kind, each.instrument or ""),
            Cell(f"{each.simulated:+,.2f}"),
            Cell(f"{each.recorded:+,.2f}"),
            Cell(money(float(each.difference)), kind=signed(float(each.difference))),
        )
        for each in charges
    ]
    return table_html("Charges", ("", "Simulated", "Recorded", "Difference"), rows)


def _orders(differences: list[OrderDifference]) -> str:
    rows = [
        (
            Cell(str(shown(each.ts_decided, "ts_decided"))[11:], f"{each.strategy}, {each.instrument}"),
            Cell(each.side, kind="text"),
            Cell(side_text(each.simulated), kind="text"),
            Cell(side_text(each.recorded), kind="text"),
            Cell(", ".join(f"{cause} {value:+.2f}" for cause, value in each.effects.items()), kind="text"),
            Cell(money(float(each.difference)), kind=signed(float(each.difference))),
        )
        for each in differences[:ORDERS_SHOWN]
    ]
    of = f", the {ORDERS_SHOWN} largest of {len(differences):,}" if len(differences) > ORDERS_SHOWN else ""
    columns = ("Decided", "Side", "Simulated", "Recorded", "Causes", "Difference")
    return table_html(f"Orders that differ{of}", columns, rows)


def side_text(side: Side | None) -> str:
    """One order in one of the two, in a few words."""
    if side is None:
        return "none"
    if side.price is None:
        return side.status
    return f"{side.filled.normalize():f} at {side.price.quantize(Decimal('1E-8')).normalize():f}"
