"""`tickerd compare`: backtests side by side, and what differs in their settings."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.common import add_json_argument, add_state_argument, print_json, state_folder

if TYPE_CHECKING:
    from rich.console import Console

    from daemon.research.report.comparing import Comparison

EXAMPLE = "tickerd compare 3f2a 9c41 --html compare.html"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ids, beginnings of ids, folders, or last")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write it as one HTML file, curves overlaid"
    )
    add_state_argument(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    import msgspec

    from daemon.research.report.comparing import compare
    from daemon.research.runs import find_run, read_run

    state = state_folder(args)
    runs = [read_run(find_run(state, name)) for name in args.runs]
    comparison = compare(runs)
    if args.html:
        from daemon.research.report.compare_page import compare_page
        from daemon.research.report.writing import put

        put(args.html, compare_page(runs))
    if args.json:
        print_json(msgspec.to_builtins(comparison))
    else:
        from rich.console import Console

        from daemon.cli.common import terminal_width

        print_comparison(comparison, Console(width=terminal_width(), highlight=False))
    return 0


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Figures, the best of a row in bold, then settings."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from daemon.research.report.comparing import settings_summary

    def a_table(title: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, title=title, title_justify="left")
        table.add_column("")
        for name in comparison.runs:
            table.add_column(name, justify="right")
        return table

    figures = a_table("")
    group = None
    for figure in comparison.figures:
        if figure.group != group:
            figures.add_row(Text(figure.group, style="bold"), *[""] * len(comparison.runs))
            group = figure.group
        texts = [
            Text(f"{text} *" if place == figure.best else text, style="bold" if place == figure.best else "")
            for place, text in enumerate(figure.texts)
        ]
        figures.add_row(f"  {figure.label}", *texts)
    console.print(figures)
    console.print(f"\n* the best of a row; {settings_summary(comparison)}\n")
    if comparison.settings:
        settings = a_table("Settings that differ")
        for difference in comparison.settings:
            settings.add_row(difference.name, *map(Text, difference.values))
        console.print(settings)
