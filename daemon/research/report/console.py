"""A run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars

from daemon.research.report.page import subtitle
from daemon.research.report.wording import ATTRIBUTION_TITLE, Group, attribution_of, groups_of, money, whole
from daemon.research.runs import AccountResult, Run

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

BLOCKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 72


def sparkline(values: list[float], width: int = SPARK_WIDTH) -> str:
    """A curve in one line: each block the mean of its stretch, the lowest `▁`, the highest `█`."""
    if not values:
        return ""
    parts = np.array_split(np.asarray(values, dtype=np.float64), min(width, len(values)))
    means = np.asarray([part.mean() for part in parts])
    low, span = float(means.min()), float(means.max() - means.min())
    if not span:
        return BLOCKS[0] * len(means)
    return "".join(BLOCKS[round((float(mean) - low) / span * (len(BLOCKS) - 1))] for mean in means)


def print_run(run: Run, console: Console) -> None:
    """Everything worth reading without a chart."""
    from rich.text import Text

    console.print(Text.assemble((f"run {run.info.run_id}", "bold"), f"  {subtitle(run.info)}"))
    for renderable in _parts(run):
        console.print()
        console.print(renderable, soft_wrap=isinstance(renderable, Text))  # a path that is broken is no path


def _parts(run: Run) -> Iterator[RenderableType]:
    from rich.columns import Columns
    from rich.text import Text

    info = run.info
    for name, account in info.accounts.items():
        curve = run.frames.equity.filter(polars.col("account") == name)["equity"].to_list()
        ends = f"{money(account.equity_start)} → {money(account.equity_end, account.currency)}"
        yield Text.assemble((name, "bold"), f"  {ends}\n", (sparkline(curve), "cyan"))
        yield Columns([_group(group) for group in groups_of(account)], padding=(1, 4))
        if account.attribution:
            yield _attribution(account)
    if info.strategies:
        yield _strategies(run)
    for told, style in (
        ([f"! {text}" for text in (*info.findings, *info.warnings)], "yellow"),
        ([f"failed: {text}" for text in info.failures_told()], "red"),
    ):
        if told:
            yield Text("\n".join(told), style=style)
    refused = [f"{count} × {code}" for codes in (info.denied, info.rejected) for code, count in codes.items()]
    if refused:
        yield Text(f"refused orders: {', '.join(refused)}")


def _plain_table(**options: Any) -> Any:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, show_edge=False, title_justify="left", title_style="bold", **options)


def _group(group: Group) -> RenderableType:
    table = _plain_table(title=group.title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in group.rows:
        table.add_row(row.label, row.text)
    notes = [
        f"{row.label}: {row.note}"
        for row in group.rows
        if row.note and row.name in ("sharpe", "max_drawdown")
    ]
    if notes:
        table.caption, table.caption_justify = "\n".join(notes), "left"
    return table  # type: ignore[no-any-return]


def _attribution(account: AccountResult) -> RenderableType:
    headings, rows = attribution_of(account)
    table = _plain_table(title=ATTRIBUTION_TITLE)
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for row in rows:
        table.add_row(*row)
    return table  # type: ignore[no-any-return]


def _strategies(run: Run) -> RenderableType:
    table = _plain_table(title="Strategies")
    table.add_column("")
    for column in ("orders", "fills", "trades", "won", "realised", "fees"):
        table.add_column(column, justify="right")
    for name, each in run.info.strategies.items():
        counts = [whole(count) for count in (each.orders, each.fills, each.trades, each.won)]
        table.add_row(name, *counts, money(each.realised_pnl), money(each.fees))
    return table  # type: ignore[no-any-return]
