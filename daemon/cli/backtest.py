"""`tickerd backtest`: the configured strategies over historical data."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors.errors import UsageError
from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json, time_of

if TYPE_CHECKING:
    from daemon.config import Config
    from daemon.graph import StrategyClasses
    from daemon.research.runs import AccountResult, Run, RunInfo

EXAMPLE = "tickerd backtest configs/backtest.toml --from 2020-03-01 --to 2020-09-01"
INTERRUPTED = 130


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument(
        "--system", metavar="FILE", type=Path, help="venues, accounts and instruments in a file of their own"
    )
    parser.add_argument(
        "--backtest", metavar="FILE", type=Path, help="strategies and [backtest] in a file of their own"
    )
    parser.add_argument(
        "--from", dest="start", metavar="TIME", help="first time, ISO 8601, UTC (default: all)"
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="end, not included")
    parser.add_argument("--report", metavar="DIR", type=Path, help="write the report as a web page there")
    parser.add_argument(
        "--check-lookahead",
        action="store_true",
        help="cut the future off at several points: decisions before must stay the same, else exit with 3",
    )
    parser.add_argument(
        "--check-warmup",
        action="store_true",
        help="begin later at several points: decisions must become the same, else exit with 3",
    )
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from daemon.startup import load_classes

    config = load(args, others=[file for file in (args.system, args.backtest) if file]).config
    classes = load_classes(config)
    if args.check_lookahead or args.check_warmup:
        if args.report:
            raise UsageError("a check writes no report: leave --report out, or run without the checks")
        return _check(args, config, classes)
    from daemon.research.report.writing import must_be_writable
    from daemon.research.runs import keep_run, runs_folder
    from daemon.startup import state_path

    state = state_path(config)
    must_be_writable(runs_folder(state))
    if args.report:
        must_be_writable(args.report)
    done = _backtest(args, config, classes)
    try:
        kept = keep_run(state, done)
    except UsageError as error:
        return _not_kept(args, done, error)
    if args.report:
        from daemon.research.report import write_report

        write_report(kept.path, args.report)
    if args.json:
        print_json({**_plain(done.info), "path": str(kept.path)})
    else:
        place = f"{kept.path}{', the same result as before' if kept.is_repeated else ''}"
        print(_text(done.info, place))
    return {"complete": 0, "failed": 1, "interrupted": INTERRUPTED}[done.info.state]


def _not_kept(args: Namespace, done: Run, why: UsageError) -> int:
    """Hours of work are told even where they cannot be written."""
    if args.json:
        print_json({**_plain(done.info), "path": None, "error": str(why)})
    else:
        print(_text(done.info, "not kept"))
    print(f"tickerd backtest: {why}", file=sys.stderr)
    return 1


def _range(args: Namespace) -> tuple[int | None, int | None]:
    start, end = time_of(args.start, "--from"), time_of(args.end, "--to")
    if start is not None and end is not None and start >= end:
        raise UsageError(f"--from {args.start} is not before --to {args.end}: correct one of them")
    return start, end


def _backtest(args: Namespace, config: Config, classes: StrategyClasses) -> Run:
    from daemon.cli.progress import progress_bar
    from daemon.research.audit import no_outside
    from daemon.research.backtest import run_backtest
    from daemon.research.extent import input_count
    from daemon.research.interrupt import interruptible

    start, end = _range(args)
    is_shown = sys.stderr.isatty() and not args.json
    total = input_count(config) if is_shown and start is None and end is None else None
    with (
        interruptible() as is_stopped,
        progress_bar("backtest", is_shown, total=total, until_ns=end) as advance,
        no_outside(),
    ):
        return run_backtest(config, classes, start=start, end=end, progress=advance, is_stopped=is_stopped)


def _check(args: Namespace, config: Config, classes: StrategyClasses) -> int:
    from daemon.cli.exit_codes import ExitCode
    from daemon.research.audit import no_outside
    from daemon.research.lookahead import check_lookahead, check_warmup

    start, end = _range(args)
    findings = []
    with no_outside():
        if args.check_lookahead:
            findings.append(check_lookahead(config, classes, start=start, end=end))
        if args.check_warmup:
            findings.append(check_warmup(config, classes, start=start, end=end))
    if args.json:
        print_json({"checks": [finding.plain() for finding in findings]})
    else:
        print("\n".join(finding.text() for finding in findings))
    if any(finding.difference for finding in findings):
        return ExitCode.DIFFERS
    return ExitCode.FAILED if any(finding.failures for finding in findings) else ExitCode.DONE


def _plain(info: RunInfo) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(info)
    return plain


def _text(info: RunInfo, place: str) -> str:
    from daemon.cli.tables import facts, table
    from daemon.research.report.wording import money

    accounts = [
        {
            "account": name,
            "currency": account.currency,
            "equity_start": money(account.equity_start),
            "equity_end": money(account.equity_end),
            "realised_pnl": money(account.realised_pnl),
            "unrealised_pnl": money(account.unrealised_pnl),
            "fees": money(account.fees),
            "max_drawdown": f"{account.max_drawdown:.2%}",
        }
        for name, account in info.accounts.items()
    ]
    strategies = [
        {
            "strategy": name,
            "orders": strategy.orders,
            "fills": strategy.fills,
            "trades": strategy.trades,
            "won": strategy.won,
            "realised_pnl": money(strategy.realised_pnl),
            "fees": money(strategy.fees),
        }
        for name, strategy in info.strategies.items()
    ]
    counts = {
        "from": info.start,
        "to": info.end,
        "inputs": f"{info.inputs:,} in {info.seconds} s, {info.inputs_per_second:,} a second",
        "run": place,
    }
    if info.state != "complete":
        counts["state"] = info.state
    refused = {"denied": info.denied, "rejected": info.rejected}
    parts = [facts(counts), table(accounts), table(strategies, empty="no strategy has traded")]
    parts += [_attribution(account) for account in info.accounts.values() if account.attribution]
    parts += [facts({name: codes}) for name, codes in refused.items() if codes]
    parts += [_figures(name, info) for name in info.accounts]
    notes = [*info.findings, *(f"warning: {warning}" for warning in info.warnings)]
    notes += [f"failed: {failure}" for failure in info.failures_told()]
    return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)


def _attribution(account: AccountResult) -> str:
    """Where the result came from: a line for each strategy and instrument."""
    from daemon.cli.tables import table
    from daemon.research.report.wording import attribution_of

    headings, rows = attribution_of(account)
    return table([dict(zip(["from", *headings[1:]], row, strict=True)) for row in rows])


def _figures(name: str, info: RunInfo) -> str:
    """The few that everybody asks for; n/a is not defined."""
    from daemon.cli.tables import facts

    figures = info.accounts[name].figures
    equity, trades = figures.equity, figures.trades
    if equity is None:
        return f"{name}: no figures of equity"
    shown = {
        "total_return": _share(equity.total_return),
        "cagr": _share(equity.cagr),
        "volatility": _share(equity.volatility),
        "sharpe": _number(equity.sharpe),
        "sortino": _number(equity.sortino),
        "calmar": _number(equity.calmar),
        "periods_per_year": f"{equity.periods_per_year:.2f} ({figures.calendar})",
        "win_rate": _share(trades.win_rate),
        "profit_factor": _number(trades.profit_factor),
        "expectancy": _number(trades.expectancy),
        "time_in_market": _share(figures.time_in_market),
        **{metric: _number(value) for metric, value in figures.own.items()},
    }
    return facts({f"{name}.{key}" if len(info.accounts) > 1 else key: text for key, text in shown.items()})


def _share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
