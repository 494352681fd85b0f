"""`tickerd backtest`: the configured strategies over historical data."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json

if TYPE_CHECKING:
    from daemon.research.results import BacktestResult

EXAMPLE = "tickerd backtest configs/backtest.toml --from 2020-03-01 --to 2020-09-01"


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument(
        "--from", dest="start", metavar="TIME", help="first time, ISO 8601, UTC (default: all)"
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="end, not included")
    add_json_argument(parser)


def run(args: Namespace) -> int:
    import msgspec

    from daemon.cli.replay import progress
    from daemon.research.backtest import run_backtest
    from daemon.startup import load_classes

    config = load(args).config
    start, end = _time(args.start, "--from"), _time(args.end, "--to")
    with progress(sys.stderr.isatty() and not args.json) as advance:
        result = run_backtest(config, load_classes(config), start=start, end=end, progress=advance)
    if args.json:
        plain: dict[str, Any] = msgspec.to_builtins(result)
        print_json(plain)
    else:
        print(_text(result))
    return 0


def _time(text: str | None, option: str) -> int | None:
    from datetime import UTC, datetime

    from actors.errors import UsageError

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write 2020-03-01 or 2020-03-01T12:30:00") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp()) * 1_000_000_000


def _text(result: BacktestResult) -> str:
    from daemon.cli.tables import facts, table

    accounts = [
        {
            "account": name,
            "currency": account.currency,
            "equity_start": round(account.equity_start, 2),
            "equity_end": round(account.equity_end, 2),
            "realised_pnl": round(account.realised_pnl, 2),
            "unrealised_pnl": round(account.unrealised_pnl, 2) + 0.0,  # never -0
            "fees": round(account.fees, 2),
            "max_drawdown": f"{account.max_drawdown:.2%}",
        }
        for name, account in result.accounts.items()
    ]
    strategies = [
        {
            "strategy": name,
            "orders": strategy.orders,
            "fills": strategy.fills,
            "trades": strategy.trades,
            "won": strategy.won,
            "realised_pnl": round(strategy.realised_pnl, 2),
            "fees": round(strategy.fees, 2),
        }
        for name, strategy in result.strategies.items()
    ]
    counts = {
        "from": result.start,
        "to": result.end,
        "inputs": f"{result.inputs:,} in {result.seconds} s, {result.inputs_per_second:,} a second",
    }
    refused = {"denied": result.denied, "rejected": result.rejected}
    parts = [facts(counts), table(accounts), table(strategies, empty="no strategy has traded")]
    parts += [facts({name: codes}) for name, codes in refused.items() if codes]
    parts += [f"failed: {failure}" for failure in result.failures]
    return "\n\n".join(parts)
