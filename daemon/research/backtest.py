"""A backtest: the live actors on historical input, with the simulated venue and the simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import perf_counter

from actors.core.sequencer import Sequencer
from actors.errors import BadDataFile, ConfigError
from actors.messages.control import Started
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from daemon.config import Config
from daemon.graph import Core, StrategyClasses, build_core, traded_instruments
from daemon.research.history import History, Timed
from daemon.research.results import AccountResult, BacktestResult, Results, by_strategy

STORE_ID = "TEST"
EPOCH = 1
SECOND_NS = 1_000_000_000
INPUTS_PER_PROGRESS = 20_000

Progress = Callable[[int, int], None]
"""Inputs so far, and the time they have come to (ns UTC)."""


def run_backtest(
    config: Config,
    classes: StrategyClasses,
    *,
    start: int | None = None,
    end: int | None = None,
    progress: Progress | None = None,
) -> BacktestResult:
    """Run the configured strategies over the configured data.

    Args:
        start, end: ns UTC, start ≤ ts_event < end; None for all there is.
    Raises:
        ConfigError: No data, or data that cannot make the timeframes wanted.
        BadDataFile: A file that cannot be read, a row that cannot be true, or nothing in the range.
    """
    history = History(config)
    results = Results()
    core = build_core(
        config,
        instruments=configured_instruments(config),
        classes=classes,
        sources=history.sources,
        ids=ClientOrderIds(store_id=STORE_ID, epoch=EPOCH),
        is_simulated=True,
        listeners=[results],
        keep_sent=False,
    )
    latency = round(config.backtest.market_latency_ms * 1e6)
    messages = history.messages(start, end)
    first = next(messages, None)
    if first is None:
        raise BadDataFile("the files hold no data in the range asked for: widen --from and --to")
    began = perf_counter()
    run = core.sequencer.run
    # Long enough before the data that the venue has answered and the account is active.
    begin = first[0]
    run(Started(ts_event=begin, epoch=EPOCH), begin - SECOND_NS)
    run(first[1], begin + latency)
    results.equity_start = {name: core.ledger.at_mark(name).equity for name in config.accounts}
    _run_all(core.sequencer, messages, latency, progress)
    return _result(config, core, results, begin, perf_counter() - began)


def _run_all(
    sequencer: Sequencer, messages: Iterator[Timed], latency: int, progress: Progress | None
) -> None:
    run = sequencer.run
    if progress is None:
        for time, message in messages:
            run(message, time + latency)
        return
    for count, (time, message) in enumerate(messages):
        run(message, time + latency)
        if not count % INPUTS_PER_PROGRESS:
            progress(count, time)


def configured_instruments(config: Config) -> dict[str, Instrument]:
    """Definitions of all traded instruments from the configuration; defaults come from the name.

    Raises:
        ConfigError: An instrument without a definition.
    """
    found = {}
    for venue, names in traded_instruments(config).items():
        for name in names:
            section = config.instruments.get(name)
            if section is None:
                raise ConfigError(
                    f'{name} is not defined: add [instruments."{name}"] with base, quote, tick_size, lot_size'
                )
            found[name] = Instrument(
                id=name,
                symbol=name.partition("@")[0],
                venue=venue,
                kind=section.kind,
                base=section.base,
                quote=section.quote,
                tick_size=section.tick_size,
                lot_size=section.lot_size,
                quantity_min=section.quantity_min,
                notional_min=section.notional_min,
                multiplier=section.multiplier,
                calendar=section.calendar,
            )
    return found


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, tz=UTC).isoformat()


def _result(config: Config, core: Core, results: Results, first_ns: int, seconds: float) -> BacktestResult:
    inputs = core.sequencer.seq
    return BacktestResult(
        inputs=inputs,
        orders=results.orders,
        fills=len(results.fills),
        trades=len(results.trades),
        start=_iso(first_ns),
        end=_iso(core.sequencer.now),
        seconds=round(seconds, 3),
        inputs_per_second=round(inputs / seconds) if seconds else 0,
        denied=results.denied,
        rejected=results.rejected,
        accounts={name: _account(core, results, name, config) for name in config.accounts},
        strategies=by_strategy(results, results.orders_by_strategy),
        failures=[
            f"{each.strategy}.{each.handler}: {each.error} at {each.file}:{each.line}"
            for each in results.failures
        ],
    )


def _account(core: Core, results: Results, name: str, config: Config) -> AccountResult:
    ledger = core.ledger
    end = ledger.at_mark(name)
    return AccountResult(
        currency=config.accounts[name].base_currency,
        equity_start=results.equity_start.get(name, end.equity),
        equity_end=end.equity,
        realised_pnl=end.realised_pnl,
        unrealised_pnl=end.unrealised_pnl,
        fees=end.fees,
        max_drawdown=min(results.drawdown.get(name, 0.0), end.drawdown),
        balances=ledger.balances(name),
        trial_balance=sum(ledger.trial_balance(name).values(), ZERO),
    )
