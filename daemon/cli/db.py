"""`tickerd db`: what the state folder holds, read without a daemon or beside one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from daemon.cli.common import add_json_argument, add_state_argument, print_json, state_folder

EXAMPLE = "tickerd db export --json --state state"


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND", title="commands")
    text = "orders, fills, positions, balances and the trial balance"
    export = actions.add_parser("export", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    add_state_argument(export)
    add_json_argument(export)


def run(args: Namespace) -> int:
    from actors.store.export import export
    from daemon.startup import read_core

    state = state_folder(args)
    core = read_core(state)
    exported = export(state, core.ledger, seq=core.sequencer.seq) if core is not None else export(state)
    if args.json:
        print_json(exported)
    else:
        print(_text(exported))
    return 0


def _text(exported: dict[str, Any]) -> str:
    from daemon.cli.tables import facts, table

    counts = {name: len(exported[name]) for name in ("orders", "fills")}
    return "\n\n".join(
        [
            facts(
                {**counts, "trial_balance": exported["trial_balance"], "applied_seq": exported["applied_seq"]}
            ),
            table(exported["positions"], empty="no positions"),
            facts({"balances": exported["balances"]}),
        ]
    )
