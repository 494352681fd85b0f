"""`tickerd replay --broker simulated`: what a session would have come to on the simulated venue."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from daemon.cli.common import print_json, state_folder

if TYPE_CHECKING:
    from daemon.research.parity.what_if import WhatIf


def run_simulated(args: Namespace) -> int:
    """Simulate, print, done: there is no right answer to differ from."""
    import msgspec

    from actors.errors import UsageError
    from daemon.config_sources import overridden
    from daemon.research.parity.session import open_session
    from daemon.research.parity.what_if import what_if
    from daemon.startup import load_classes

    if args.verify or args.parts:
        raise UsageError("--broker simulated takes a whole session and verifies nothing: leave the rest out")
    session = open_session(state_folder(args), args.session)
    config = overridden(session.config, args.overrides)
    found = what_if(session, load_classes(config), config)
    if args.json:
        print_json(msgspec.to_builtins(found))
    else:
        print(_text(found))
    return 0


def _text(found: WhatIf) -> str:
    from decimal import Decimal

    from daemon.cli.tables import facts, table

    cent = Decimal("0.01")
    rows = [
        {
            "strategy": name,
            "": what,
            "orders": result.orders,
            "fills": result.fills,
            "pnl": str(result.pnl.quantize(cent)),
            "currency": each.currency,
        }
        for name, each in found.strategies.items()
        for what, result in (("recorded", each.recorded), ("simulated", each.simulated))
    ]
    parts = [f"session {found.session} on the simulated venue", table(rows)]
    if found.denied:
        parts.append(facts({"denied": found.denied}))
    return "\n\n".join(parts)
