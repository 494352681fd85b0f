"""What a run came to: its tables, figures, warnings and hashes in the form in which runs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import polars

from actors.ledger.attribution import since
from actors.messages.control import StrategyFailed
from actors.model.calendar import ALWAYS_OPEN, Calendar, Calendars, calendar_named
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.views.valuation import Valuation
from daemon.config import Config
from daemon.graph import Core, StrategyClasses
from daemon.research.excursions import Excursions
from daemon.research.figures import Figures, figures_of
from daemon.research.frames import EQUITY, POSITIONS, Frames, frame_of
from daemon.research.hashes import hashes_of, plain_config, versions
from daemon.research.metrics import OwnMetric
from daemon.research.results import FIGURES, Results
from daemon.research.runs import (
    AccountResult,
    Run,
    RunInfo,
    RunState,
    StrategyResult,
    now_text,
    with_result_hash,
)
from daemon.research.trips import Tables


class Outcome(NamedTuple):
    """Everything that is known when a run has ended."""

    config: Config
    classes: StrategyClasses
    core: Core
    results: Results
    tables: Tables
    excursions: Excursions
    instruments: Mapping[str, Instrument]
    calendars: Calendars
    metrics: Mapping[str, OwnMetric]
    state: RunState
    start: int | None
    end: int | None
    first_ns: int
    interval_ns: int
    seconds: float
    core_failure: str | None
    tracebacks: tuple[str, ...]
    findings: tuple[str, ...]
    """In data files."""
    notes: tuple[str, ...]
    """Of how it was set up; they stand before the warnings."""


def run_of(out: Outcome) -> Run:
    """The finished run."""
    frames = _frames(out)
    accounts = {name: _account(out, name, frames) for name in out.config.accounts}
    hashes = hashes_of(out.config, out.classes, out.start, out.end)
    inputs = out.results.inputs
    info = RunInfo(
        run_id=hashes.run_id,
        state=out.state,
        hashes=hashes,
        versions=versions(),
        config=plain_config(out.config),
        start=_iso(out.first_ns),
        end=_iso(out.core.sequencer.now),
        inputs=inputs,
        orders=out.tables.orders,
        fills=frames.stored["fills"].height,
        trades=frames.stored["trades"].height,
        accounts=accounts,
        strategies=_strategies(out, frames),
        denied=out.tables.denied,
        rejected=out.tables.rejected,
        warnings=_warnings(out, accounts),
        findings=list(out.findings),
        failures=_failures(out),
        tracebacks=list(out.tracebacks),
        seconds=round(out.seconds, 3),
        inputs_per_second=round(inputs / out.seconds) if out.seconds else 0,
        created=now_text(),
    )
    return Run(with_result_hash(info, frames), frames)


def _iso(time_ns: int) -> str:
    whole = datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC)
    return whole.replace(microsecond=time_ns // 1_000 % 1_000_000).isoformat()


# tables


def _frames(out: Outcome) -> Frames:
    made = out.tables.finished()
    return Frames(
        equity=_equity(out.results),
        trades=made.trades,
        fills=made.fills,
        orders=made.orders,
        positions=_positions(out.results),
        prices=out.excursions.prices(),
    )


def _equity(results: Results) -> polars.DataFrame:
    tables = [
        frame_of(
            EQUITY,
            {
                "ts": log.times,
                "account": [account] * len(log.times),
                "currency": [log.currency] * len(log.times),
                **{name: log.figures[name] for name in FIGURES},
            },
        )
        for account, log in results.equity.items()
    ]
    return polars.concat(tables)


def _positions(results: Results) -> polars.DataFrame:
    tables = [
        frame_of(
            POSITIONS,
            {
                "ts": log.held.times,
                "account": [account] * len(log.held.times),
                "strategy": log.held.strategies,
                "instrument": log.held.instruments,
                "quantity": log.held.quantities,
                "value": log.held.values,
            },
        )
        for account, log in results.equity.items()
    ]
    return polars.concat(tables)


# figures


def _account(out: Outcome, name: str, frames: Frames) -> AccountResult:
    ledger, log = out.core.ledger, out.results.equity[name]
    lines = since(out.results.attribution_before[name], ledger.attribution(name))
    worth = Valuation(out.instruments.values())
    end = ledger.at_mark(name)
    figures = figures_of(
        _OfAccount(frames, name),
        calendar=_calendar(out, name),
        interval_ns=out.interval_ns,
        seed=out.config.daemon.seed,
        benchmark=out.results.benchmarks.get(name),
        marks=log.marks,
        still_open=[each.trip.ts_opened for each in ledger.positions(name) if each.trip is not None],
        own=out.metrics,
    )
    curve = log.figures["equity"]
    return AccountResult(
        currency=log.currency,
        equity_start=log.start,
        equity_end=curve[-1] if curve else end.equity,
        realised_pnl=end.realised_pnl,
        unrealised_pnl=end.unrealised_pnl,
        fees=end.fees,
        max_drawdown=(figures.equity.max_drawdown or 0.0) if figures.equity is not None else 0.0,
        balances=ledger.balances(name),
        trial_balance=sum(ledger.trial_balance(name).values(), ZERO),
        figures=figures,
        attribution=lines,
        rates={line.currency: worth.price(line.currency, log.currency, ledger.market) for line in lines},
        margin_calls=out.results.margin_calls.get(name, 0),
        liquidations=_count(frames, "fills", account=name, liquidity="liquidation"),
    )


def _calendar(out: Outcome, account: str) -> Calendar:
    """The calendar of the account's first instrument; one that never rests if any of them does not."""
    names = [
        out.instruments[instrument].calendar
        for strategy in out.config.strategies.values()
        if strategy.account == account
        for instrument in strategy.instruments
    ]
    if not names or ALWAYS_OPEN.name in names:
        return ALWAYS_OPEN
    return calendar_named(names[0], out.calendars)


def _strategies(out: Outcome, frames: Frames) -> dict[str, StrategyResult]:
    """P&L and fees of all that was filled, so that strategies add up to their account."""
    found = {}
    orders, trades = frames.some("orders", ("strategy", "status")), frames.some("trades", ("strategy", "net"))
    for name, section in out.config.strategies.items():
        end = out.core.ledger.at_mark(section.account, name)
        sent = orders.filter((polars.col("strategy") == name) & (polars.col("status") != "denied"))
        nets = trades.filter(polars.col("strategy") == name)["net"]
        found[name] = StrategyResult(
            orders=sent.height,
            fills=_count(frames, "fills", strategy=name),
            trades=nets.len(),
            won=int((nets > 0.0).sum()),
            realised_pnl=end.realised_pnl,
            fees=end.fees,
        )
    return found


class _OfAccount(NamedTuple):
    """The tables of one account."""

    frames: Frames
    name: str

    def some(self, name: str, columns: Sequence[str]) -> polars.DataFrame:
        """Some columns of a table."""
        is_its = self.frames.stored[name].get_column("account") == self.name
        found = self.frames.some(name, columns)
        return found if is_its.all() else found.filter(is_its)


def _count(frames: Frames, table: str, **values: str) -> int:
    """Rows in which these columns have these values."""
    return frames.some(table, list(values)).filter(**values).height


# words


def _warnings(out: Outcome, accounts: Mapping[str, AccountResult]) -> list[str]:
    found = list(out.notes)
    for name, account in accounts.items():
        figures: Figures = account.figures
        found += [f"{name}: {doubt}" for doubt in figures.doubts]
        if figures.equity is None:
            found.append(f"{name}: no figures of equity, {_why_no_figures(name, account)}")
        if account.margin_calls:
            found.append(
                f"{name}: margin was called {account.margin_calls:,} times, the venue closed positions in "
                f"{account.liquidations:,} fills"
            )
        if figures.capacity is not None and figures.capacity.share_max > 1.0:
            found.append(
                f"{name}: fills took up to {figures.capacity.share_max:.0%} of a bar's volume, more than was "
                "traded: bound them by `bars.volume_share` of the simulated venue"
            )
        if account.trial_balance != ZERO:
            found.append(f"{name}: debits and credits differ by {account.trial_balance}")
    refused = {**out.tables.denied, **out.tables.rejected}
    if refused:
        codes = ", ".join(f"{code} {count:,} times" for code, count in refused.items())
        what = "some orders were refused" if out.tables.fills else "no order was filled"
        found.append(f"{what}: {codes}; look at `reason` in the table of orders")
    configured = out.results.configured_interval_ns
    if out.results.interval_ns != configured:
        found.append(
            f"equity was sampled every {out.results.interval_ns / 1e9:g} s instead of {configured / 1e9:g} s"
            " to bound memory: drawdowns in between are not seen"
        )
    return found


def _why_no_figures(name: str, account: AccountResult) -> str:
    if not account.equity_start:
        return f"as it began with nothing: name what it has in accounts.{name}.simulated.opening_balances"
    return "as it was lost or sampled only once"


def _failures(out: Outcome) -> list[str]:
    before = out.results.inputs_before
    found = [_failure(failed, seq - before, now) for failed, seq, now in out.results.failures]
    return found if out.core_failure is None else [*found, f"the core stopped: {out.core_failure}"]


def _failure(failed: StrategyFailed, number: int, now: int) -> str:
    return (
        f"{failed.strategy}.{failed.handler}: {failed.error} at {failed.file}:{failed.line}, "
        f"input {number:,}, {_iso(now)}"
    )
