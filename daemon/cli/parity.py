"""`tickerd parity`: a recorded session beside its simulation, the difference by its causes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.common import (
    add_json_argument,
    add_model_argument,
    add_state_argument,
    print_json,
    state_folder,
)

if TYPE_CHECKING:
    from daemon.research.history import History
    from daemon.research.parity.fit import Fit
    from daemon.research.parity.parity import AccountParity, ChargeDifference, OrderDifference, ParityReport

EXAMPLE = "tickerd parity 20261120-093000 --state state --html parity.html"
SHOWN = 10


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "session",
        nargs="?",
        help="label of the session (default: the newest); LABEL:2 for its second configuration",
    )
    add_model_argument(parser)
    parser.add_argument(
        "--history",
        metavar="FILE",
        type=Path,
        help="simulate on the [[backtest.data]] of this configuration, not on what the session received",
    )
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the report as one HTML file, too")
    add_state_argument(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    import msgspec

    from daemon.config_sources import overridden
    from daemon.research.parity.parity import parity
    from daemon.research.parity.session import open_session
    from daemon.startup import load_classes

    session = open_session(state_folder(args), args.session)
    config = overridden(session.config, args.overrides)
    report = parity(session, load_classes(session.config), config, _history(args.history))
    if args.html:
        from daemon.research.report.parity_page import parity_page
        from daemon.research.report.writing import put

        put(args.html, parity_page(report))
    if args.json:
        print_json(msgspec.to_builtins(report))
    else:
        print(parity_text(report))
    return 0


def _history(path: Path | None) -> History | None:
    from daemon.config_sources import load_config
    from daemon.research.history import History

    return None if path is None else History(load_config(path, environ={}).config)


def parity_text(report: ParityReport) -> str:
    """The report for people."""
    from daemon.cli.tables import shown

    span = f"{shown(report.start, 'ts_start')} to {shown(report.end, 'ts_end')}"
    parts = [f"session {report.session}, {span} UTC"]
    for name, account in report.accounts.items():
        parts += _account(name, account)
    return "\n\n".join(parts)


def _account(name: str, account: AccountParity) -> list[str]:
    from daemon.cli.tables import table
    from daemon.research.report.parity_page import CENT

    rows = [
        {"": what, "orders": count.orders, "fills": count.fills, "denied": count.denied,
         "pnl": str(count.pnl.quantize(CENT))}
        for what, count in (("simulated", account.simulated), ("recorded", account.recorded))
    ]  # fmt: skip
    alike = f"{account.same_orders} of {account.recorded.orders} recorded orders came out alike"
    parts = [f"account {name}, {account.currency}: {alike}", table(rows), table(_causes(account))]
    if account.charges:
        parts.append(table([_charge(each) for each in account.charges]))
    if account.differences:
        largest = [_difference(each) for each in account.differences[:SHOWN]]
        more = len(account.differences) - len(largest)
        parts.append(table(largest) + (f"\nand {more} more: --json has them all" if more else ""))
    return [*parts, _fit(account.fit)]


def _causes(account: AccountParity) -> list[dict[str, str]]:
    from daemon.research.report.parity_page import CENT, WHAT, cents

    found = cents(account)
    rows = [
        {"cause": cause, "": WHAT[cause], "effect": f"{effect:+}", "pnl": str(pnl)}
        for cause, effect, pnl in found
    ]
    whole = found[-1][2] - account.ladder["modelled"].quantize(CENT)
    return [*rows, {"cause": "difference", "": "recorded less simulated", "effect": f"{whole:+}", "pnl": ""}]


def _charge(each: ChargeDifference) -> dict[str, str]:
    return {
        "charge": each.kind,
        "instrument": each.instrument or "",
        "simulated": f"{each.simulated:+.2f}",
        "recorded": f"{each.recorded:+.2f}",
        "difference": f"{each.difference:+.2f}",
    }


def _difference(each: OrderDifference) -> dict[str, str]:
    from daemon.cli.tables import shown
    from daemon.research.report.parity_page import side_text

    return {
        "decided": str(shown(each.ts_decided, "ts_decided"))[11:],
        "strategy": each.strategy,
        "instrument": each.instrument,
        "side": each.side,
        "simulated": side_text(each.simulated),
        "recorded": side_text(each.recorded),
        "causes": ", ".join(f"{cause} {value:+.2f}" for cause, value in each.effects.items()),
    }


def _fit(fit: Fit) -> str:
    from daemon.cli.tables import table

    figures = {"latency_ms": fit.latency_ms, "cancel_latency_ms": fit.cancel_latency_ms,
               "report_latency_ms": fit.report_latency_ms, "slippage_bps": fit.slippage_bps}  # fmt: skip
    rows = [
        {"figure": name, "n": each.count, "mean": _short(each.mean), "p50": _short(each.p50),
         "p90": _short(each.p90), "p99": _short(each.p99)}
        for name, each in figures.items()
        if each.count
    ]  # fmt: skip
    return "\n\n".join(part for part in (table(rows) if rows else "", fit.configuration) if part)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
