"""`tickerd panic`: cancel and flatten one account straight from its credentials."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json
from daemon.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from daemon.config import Config
    from daemon.panic import Report

EXAMPLE = "tickerd panic --account live --keep BTC=1 --config tickerd.toml"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--account", metavar="NAME", help="which (default: the only one that is not paper)")
    parser.add_argument("--cancel-only", action="store_true", help="cancel open orders and close nothing")
    parser.add_argument(
        "--keep",
        metavar="ASSET=AMOUNT",
        action="append",
        type=_kept,
        default=[],
        help="close all of the asset beyond this amount (default: what tickerd's own orders have traded)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=float,
        default=5.0,
        help="end the running daemon by force after so long (5)",
    )
    add_config_arguments(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    import asyncio

    from daemon.logs import set_up_logging

    set_up_logging(level="error", environ=os.environ)
    config = load(args).config
    name = _account(config, args.account)
    _confirm(args, config, name)
    report = asyncio.run(_panic(args, config, name))
    if args.json:
        print_json(report.as_json())
    else:
        print(_summary(report))
    if report.is_done:
        return ExitCode.DONE
    return ExitCode.VENUE_UNREACHABLE if report.is_unreachable else ExitCode.FAILED


async def _panic(args: Namespace, config: Config, name: str) -> Report:
    import time

    from daemon.edges import make_emergency
    from daemon.panic import Fence, Panic, Report
    from daemon.panic_orders import orders_for
    from daemon.startup import state_path

    def say(text: str) -> None:
        print(text, file=sys.stderr if args.json else sys.stdout, flush=True)

    # Before anything is stopped: without credentials nothing could be done for the account afterwards.
    emergency = make_emergency(config, name, clock=time.time_ns, environ=os.environ)
    orders = orders_for(config, name, keep=dict(args.keep), cancel_only=args.cancel_only)
    report = Report(account=name)
    reason = f"tickerd panic --account {name}, uid={os.getuid()}"
    fence = Fence(state_path(config), report, say, reason=reason, term_seconds=args.deadline)
    try:
        await Panic(emergency, orders, report, say, time.time_ns() // 1_000_000).run(may_sell=fence.may_sell)
    finally:
        await emergency.close()
        fence.release()
    return report


def _account(config: Config, given: str | None) -> str:
    from actors.errors import ConfigError, UsageError
    from daemon.config_types import nearest

    real = [name for name, section in config.accounts.items() if section.mode != "paper"]
    if given is None:
        if len(real) == 1:
            return real[0]
        if real:
            raise UsageError(f"which account? give --account with one of {', '.join(real)}")
        raise ConfigError("no account is at a venue: paper accounts end with `tickerd ctl halt --all`")
    if given not in config.accounts:
        raise UsageError(f"there is no account {given!r}, {nearest(given, config.accounts)}")
    if given not in real:
        raise UsageError(
            f"account {given} is paper, nothing of it is at a venue: stop it with "
            f"`tickerd ctl flatten --account {given}`"
        )
    return given


def _confirm(args: Namespace, config: Config, name: str) -> None:
    from actors.errors import TradingError, UsageError

    if args.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: repeat the command with --yes")
    what = "cancel every open order" if args.cancel_only else "cancel every open order and close positions"
    print(
        f"This sets the kill switch, ends the daemon on {config.daemon.state}, and will {what} of account "
        f"{name} ({config.accounts[name].mode} at {config.accounts[name].venue}).",
        file=sys.stderr,
    )
    print("Type the account's name to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        refused = TradingError("not confirmed, nothing was done")
        refused.exit_code = ExitCode.REFUSED  # type: ignore[attr-defined]
        raise refused


def _summary(report: Report) -> str:
    traded = ", ".join(
        f"{'bought' if sale.side == 'buy' else 'sold'} {sale.filled} {sale.instrument}"
        for sale in report.sales
        if sale.filled
    )
    held = ", ".join(f"{amount} {asset}" for asset, amount in report.balances.items()) or "not known"
    todo = "" if report.is_done else "\nLook at the lines in capitals above: something is left to do by hand."
    switch = report.kill_switch or "the kill switch"
    counts = f"{len(report.cancelled)} orders cancelled, {len(report.still_open)} still open"
    return (
        f"{counts}; {traded or 'sold nothing'}; the account holds {held}.{todo}\n"
        f"The daemon stays halted until {switch} is removed and the halt cleared."
    )


def _kept(text: str) -> tuple[str, Decimal]:
    asset, equals, amount = text.partition("=")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        value = Decimal(-1)
    if not asset or not equals or not value.is_finite() or value < 0:
        raise ArgumentTypeError(f"{text!r} is no amount to keep: write it as BTC=1.5")
    return asset.upper(), value
