"""`tickerd report`: what a finished backtest shows."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from actors.errors import UsageError
from daemon.cli.common import add_state_argument, state_folder

EXAMPLE = "tickerd report last --html report.html"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="its id or the beginning of it, a folder, or last (the default)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="FILE", type=Path, help="write one self-contained HTML file")
    form.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout, nothing else there"
    )
    form.add_argument("--schema", action="store_true", help="print the JSON schema of --json and stop")
    form.add_argument(
        "--template", metavar="FILE", type=Path, help="fill in a text file with $names of your own"
    )
    form.add_argument("--names", action="store_true", help="list the names a template gets, with their texts")
    parser.add_argument("--list", action="store_true", help="list the runs of the state folder and stop")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where --template goes (default: stdout)")
    add_state_argument(parser)


def run(args: Namespace) -> int:
    if args.list:
        return _list(args)
    if args.schema:
        return _say(_schema())
    import msgspec

    from daemon.research.report.writing import put
    from daemon.research.runs import find_run, read_run

    found = read_run(find_run(state_folder(args), args.run or "last"))
    if args.html:
        from daemon.research.report.page import run_page

        return _say(str(put(args.html, run_page(found))))
    if args.template:
        from daemon.research.report.templates import filled

        text = filled(found, args.template)
        return _say(str(put(args.out, text)) if args.out else text.removesuffix("\n"))
    if args.names:
        from daemon.research.report.templates import names_of

        names = {name: text for name, text in names_of(found).items() if "\n" not in text}
        return _say("\n".join(f"${name:<34} {text}" for name, text in names.items()))
    if args.json:
        return _say(msgspec.json.encode(found.info).decode())
    from rich.console import Console

    from daemon.cli.common import terminal_width
    from daemon.research.report.console import print_run

    print_run(found, Console(width=terminal_width(), highlight=False))
    return 0


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    return 0


def _schema() -> str:
    import msgspec

    from daemon.research.report.writing import json_schema

    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode()


def _list(args: Namespace) -> int:
    from daemon.cli.common import print_json
    from daemon.cli.tables import table
    from daemon.research.report.wording import percent

    if args.run or args.html or args.schema or args.template or args.names:
        raise UsageError("--list shows all runs, and goes with --json alone: leave the rest out")
    state = state_folder(args)
    rows = _listed(state)
    if args.json:
        print_json({"runs": rows})
        return 0
    told = [
        {
            **row,
            "created": row["created"][:19].replace("T", " "),
            "strategies": ", ".join(row["strategies"]),
            "return": percent(row["return"]),
            "deepest": percent(row["deepest"]),
        }
        for row in rows
    ]
    return _say(table(told, empty=f"no runs in {state}: `tickerd backtest` writes them"))


def _listed(state: Path) -> list[dict[str, Any]]:
    from daemon.research.runs import list_runs

    rows = []
    for place, info in list_runs(state):
        first = next(iter(info.accounts.values()), None)
        equity = first.figures.equity if first is not None else None
        rows.append(
            {
                "run": place.name,
                "created": info.created,
                "state": info.state,
                "strategies": list(info.strategies),
                "trades": info.trades,
                "return": equity.total_return if equity else None,
                "deepest": equity.max_drawdown if equity else None,
            }
        )
    return rows
