"""A backtest: the live actors on historical input, with the simulated venue and the simulated clock."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from time import perf_counter

import msgspec

from actors.analytics.series import YEAR_NS, periods_per_year
from actors.core.actor import CoreActor
from actors.core.sequencer import ActorFailed
from actors.errors import BadDataFile
from actors.messages.base import Message
from actors.messages.control import BackfillDone, Started, StrategyFailed, TimeReached
from actors.messages.market import MARKET_DATA
from actors.model.calendar import calendar_named
from actors.model.ids import ClientOrderIds
from actors.model.intervals import parse_interval
from actors.views.valuation import Valuation
from daemon.calendars import calendars_for, must_reach
from daemon.config import Config
from daemon.graph import BarSources, Core, StrategyClasses, build_core
from daemon.research.closing import close_down
from daemon.research.excursions import Excursions
from daemon.research.history import Timed
from daemon.research.inline import InlineWork
from daemon.research.metrics import load_metrics
from daemon.research.outcome import Outcome, run_of
from daemon.research.participation import Participation
from daemon.research.prices import Prices
from daemon.research.results import Results
from daemon.research.runs import Run, RunState
from daemon.research.session_history import open_history
from daemon.research.trips import Tables

STORE_ID = "TEST"
EPOCH = 1
_MARKET: frozenset[type[Message]] = frozenset(MARKET_DATA)
INPUTS_AT_ONCE = 1_024
INPUTS_PER_BLOCK = 4 * INPUTS_AT_ONCE
"""Between two looks at the outside: the progress bar, prices for charts."""
INPUTS_PER_LOOK = 64
"""Between two looks for Ctrl-C: a strategy may take its time over each."""
WARM_UP_FACTOR = 1.5
"""More than the bars asked for: markets have holidays, and the first bar built of others is not whole."""

Progress = Callable[[int, int], None]
"""Inputs so far, and the time they have come to (ns UTC)."""


def run_backtest(
    config: Config,
    classes: StrategyClasses,
    *,
    start: int | None = None,
    end: int | None = None,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
    listeners: Sequence[CoreActor] = (),
) -> Run:
    """Run the configured strategies over the configured data.

    Args:
        start, end: ns UTC, start ≤ ts_event < end; None for all there is. What lies before `start` warms
            indicators up as far as they ask for it.
        is_stopped: Asked now and then; True ends the run with what is known so far.
        listeners: Actors behind all others that only listen.
    Raises:
        ConfigError: No data, or data that cannot make the timeframes wanted.
        BadDataFile: A file that cannot be read, a row that cannot be true, or nothing in the range.
    """
    backtest = Backtest(config, classes, start=start, end=end, listeners=listeners)
    state = backtest.drive(progress, is_stopped or (lambda: False))
    return backtest.outcome(state)


class Backtest:
    """One run: built, driven block by block, and told."""

    def __init__(
        self,
        config: Config,
        classes: StrategyClasses,
        *,
        start: int | None,
        end: int | None,
        listeners: Sequence[CoreActor] = (),
        warm_up_factor: float | None = None,
    ) -> None:
        """
        Args:
            warm_up_factor: How many times the history that indicators ask for comes before `start`.
        """
        self._warm_up_factor = WARM_UP_FACTOR if warm_up_factor is None else warm_up_factor
        self._start, self._end = start, end
        self._history = open_history(config)
        config, self._notes = self._history.prepare(config, classes, start)
        self._latency, self._goes_on = self._history.latency_ns, self._history.goes_on
        self._config, self._classes = config, classes
        self._instruments = self._history.instruments
        self._metrics = load_metrics(config.backtest.metrics)
        self._calendars = calendars_for(config, (each.calendar for each in self._instruments.values()))
        self.results = Results()
        self._tracebacks: list[str] = []
        self._core_failure: str | None = None
        sources = self._history.sources
        if start is not None:
            sources = msgspec.structs.replace(
                sources, has_backfill=True, history=frozenset(self._instruments)
            )
        self._given = sorted(sources.given)
        intervals = dict(reversed(self._given))
        self._participation = Participation(
            {name: float(each.multiplier) for name, each in self._instruments.items() if name in intervals}
        )
        self._tables = Tables(self._instruments, self._participation.is_over)
        self._excursions, self._prices = Excursions(), Prices(intervals)
        self._history_of = [*self._given, *((name, 0) for name in sorted(sources.history))]
        """What strategies wait for: nobody decides anything before the start."""
        self.core = self._build(sources, listeners)
        self._first_ns = 0
        self._seconds = 0.0

    def _build(self, sources: BarSources, listeners: Sequence[CoreActor]) -> Core:
        def keep(_: StrategyFailed, text: str) -> None:
            self._tracebacks.append(text)

        work = InlineWork(latency_ns=round(self._config.backtest.off_loop_latency_ms * 1e6))
        behind = [*listeners, self.results]
        resumed = self._history.resumed(self._config, self._classes, work, behind, keep)
        return resumed or build_core(
            self._config,
            instruments=self._instruments,
            classes=self._classes,
            sources=sources,
            calendars=self._calendars,
            ids=ClientOrderIds(store_id=STORE_ID, epoch=EPOCH),
            is_simulated=True,
            listeners=[work, *behind],
            keep_sent=False,
            on_failure=keep,
        )

    # driving

    def drive(self, progress: Progress | None, is_stopped: Callable[[], bool]) -> RunState:
        """Everything from the first input to the last; returns how it ended.

        Raises:
            BadDataFile: Nothing in the range, or a row that cannot be true.
        """
        messages = self._begin()
        began = perf_counter()
        gc.freeze()  # what is there already need not be looked through again and again
        try:
            is_whole = self._all_blocks(messages, progress, is_stopped)
            self.results.inputs = self.core.sequencer.seq - self.results.inputs_before
            if is_whole and not self.results.failures:
                close_down(self.core, self._config, self._first_ns)
        except ActorFailed as failure:
            self._core_failure = str(failure)
            self.results.inputs = self.core.sequencer.seq - self.results.inputs_before
        finally:
            gc.unfreeze()
        self._seconds = perf_counter() - began
        self._look_around()
        if self._core_failure is not None:
            return "failed"
        self.results.sample(self.core.sequencer.now - self._latency)
        if self.results.failures:
            return "failed"
        return "complete" if is_whole else "interrupted"

    def _begin(self) -> Iterator[Timed]:
        """Start, warm up, and give what is left to run."""
        messages = self._history.messages(self._warm_up_start(), self._end)
        first = next(messages, None)
        if first is None:
            raise BadDataFile(self._history.nothing_in_range())
        run = self.core.sequencer.run
        must_reach(self._calendars, first[0])
        self.results.inputs_before = self.core.sequencer.seq
        if not self._goes_on:
            first = self._start_anew(first, messages)
        while self._is_before_all(first[1]) and (following := next(messages, None)) is not None:
            run(first[1], first[0] + self._latency)
            first = following
        self._first_ns = first[0]
        rest: Iterator[Timed] = chain((first,), messages)
        if not self._goes_on:
            self.results.inputs_before = self.core.sequencer.seq
        if not self._has_all_prices():
            run(first[1], first[0] + self._latency)
            rest = messages
        self.results.begin(
            self.core.ledger,
            {name: account.base_currency for name, account in self._config.accounts.items()},
            self._instruments,
            benchmarks=_first_instruments(self._config),
            ts=self._first_ns,
            interval_ns=parse_interval(self._config.backtest.equity_interval),
            offset_ns=self._latency,
        )
        return rest

    def _start_anew(self, first: Timed, messages: Iterator[Timed]) -> Timed:
        """Start and warm up with new books; returns what comes then."""
        run, begin = self.core.sequencer.run, first[0]
        at = self._history.starts_at(begin)
        self._history.give(self.core, at)
        run(Started(ts_event=begin, epoch=EPOCH), at)
        if self._start is not None:
            return self._warm_up(chain((first,), messages), self._start)
        run(TimeReached(ts_event=begin - 1), begin - 1)
        return first

    def _is_before_all(self, message: Message) -> bool:
        """Whether an account still waits for what it begins with, or a session for what the market says."""
        return self._history.is_before_all(message) or not all(
            self.core.ledger.balances(name)
            for name, account in self._config.accounts.items()
            if any(account.simulated.opening_balances.values())
        )

    def _has_all_prices(self) -> bool:
        """Whether what the accounts begin with can be valued before the first input."""
        ledger, valuation = self.core.ledger, Valuation(self._instruments.values())
        return not any(
            valuation.total(ledger.balances(name), account.base_currency, self.core.sequencer.market)[1]
            for name, account in self._config.accounts.items()
        )

    def _warm_up_start(self) -> int | None:
        if self._start is None:
            return None
        wanted = self.core.strategies.warm_up_bars().items()
        span = max((self._span(name, interval, count + 1) for (name, interval), count in wanted), default=0)
        return max(self._start - round(span * self._warm_up_factor), 0)

    def _span(self, instrument: str, interval: int, count: int) -> int:
        """About how long so many bars take while the market also rests."""
        assert self._start is not None, "only what has a start is warmed up"
        calendar = calendar_named(self._instruments[instrument].calendar, self._calendars)
        periods = periods_per_year(calendar, interval, self._start - YEAR_NS, self._start)
        return round(count * YEAR_NS / periods) if periods else count * interval

    def _warm_up(self, messages: Iterator[Timed], start: int) -> Timed:
        """Run what lies before the start, as history; returns the first that does not."""
        run, latency = self.core.sequencer.run, self._latency
        for timed in messages:
            if timed[0] >= start:
                for name, interval in self._history_of:
                    done = BackfillDone(ts_event=start, instrument=name, interval_ns=interval, last_end=start)
                    run(done, start)
                return timed
            run(timed[1], timed[0] + latency)
        raise BadDataFile(self._history.nothing_in_range())

    def _all_blocks(
        self, messages: Iterator[Timed], progress: Progress | None, is_stopped: Callable[[], bool]
    ) -> bool:
        """False when somebody has stopped it, or no strategy is left that could do anything."""
        count, everybody = 0, len(self._config.strategies)
        while last := self._block(messages, is_stopped):
            self._look_around()
            count += last[0]
            if progress is not None:
                progress(count, last[1])
            if is_stopped() or (0 < everybody == len(self.results.failures) and not self._goes_on):
                return False
        return True

    def _block(self, messages: Iterator[Timed], is_stopped: Callable[[], bool]) -> tuple[int, int] | None:
        """Run the next inputs: how many, and the time of the last; None when there are none.

        Few at a time, so that what they are made of stays where the processor finds it quickly; fewer where
        somebody has stopped it.
        """
        sequencer, latency = self.core.sequencer, self._latency
        run, count, time = sequencer.run, 0, 0
        is_over = False
        while not is_over and count < INPUTS_PER_BLOCK and (part := list(islice(messages, INPUTS_AT_ONCE))):
            before = sequencer.seq
            try:
                for done in range(0, len(part), INPUTS_PER_LOOK):
                    if done and is_stopped():
                        part, is_over = part[:done], True
                        break
                    for time, message in part[done : done + INPUTS_PER_LOOK]:
                        run(message, time + latency)
            except ActorFailed:
                self._note(part[: sequencer.seq - before])
                raise
            self._note(part)
            count += len(part)
        return (count, time) if count else None

    def _note(self, inputs: Sequence[Timed]) -> None:
        """The prices in what has been run."""
        messages = [message for _, message in inputs]
        if self._goes_on:
            messages = [message for message in messages if message.__class__ in _MARKET]
        self._prices.add(messages)

    def _look_around(self) -> None:
        """Prices of the block, and what became of the trades that met them."""
        for event, rate in self.results.take():
            self._tables.take(event, rate)
        fills, closed = self._tables.news()
        ledger, blocks = self.core.ledger, self._prices.take()
        held = [each for name in self._config.accounts for each in ledger.positions(name) if each.trip]
        self._excursions.follow(blocks, closed, held)
        self._participation.follow(blocks, fills)
        self._tables.pack()

    # telling

    def outcome(self, state: RunState) -> Run:
        """Tables and figures of what was done."""
        return run_of(
            Outcome(
                config=self._config,
                classes=self._classes,
                core=self.core,
                results=self.results,
                tables=self._tables,
                excursions=self._excursions,
                instruments=self._instruments,
                calendars=self._calendars,
                metrics=self._metrics,
                state=state,
                start=self._start,
                end=self._end,
                first_ns=self._first_ns,
                interval_ns=max((interval for _, interval in self._given), default=0),
                seconds=self._seconds,
                core_failure=self._core_failure,
                tracebacks=tuple(self._tracebacks),
                findings=(*self._history.findings,),
                notes=self._notes,
            )
        )


def _first_instruments(config: Config) -> dict[str, str]:
    """Account → the first instrument of its first strategy."""
    found: dict[str, str] = {}
    for strategy in config.strategies.values():
        found.setdefault(strategy.account, strategy.instruments[0])
    return found
