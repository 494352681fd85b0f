"""Bars: makes bars of any interval from trades or from smaller bars.

Reads   Trade             straight to the builders of its instrument
        Bar               smaller bars to build from, and whole ones that history has handed over
        FeedStatus        the line is down or up again: a bar that touches the gap is not complete
        BackfillDone      missed bars were handed over: what waited behind them may follow
        Started           a process life begins: trades before it were missed
        BarDue            the grace after a bar's end has passed
        BackfillDue       history has not come in time
Writes  Bar               to strategies, and to builders of larger bars
State   per subscription the bar in progress, bars held back, what was dropped
Fails   fatal: it only adds up numbers, so a failure is a broken invariant

A bar closes `grace_ns` after its end, or with the first trade at or after its end; trades that come later
are counted and dropped. A bar made of smaller ones closes with the last of them; a venue's own bars take
their time, so where the last one is missing it closes `source_grace_ns` after its end. An interval without
trades has no bar: nothing happened, and a price would be made up. A subscription that begins in the middle
of an interval gives its first bar out as it is when it is made of trades without history (a file of trades
begins where it begins), and drops it otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.bars.builder import Builder, BuilderState
from actors.bars.spec import BarSpec, bounds_of
from actors.core.actor import CoreActor, Handler
from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.control import BackfillDone, BackfillDue, BarDue, Started
from actors.messages.market import Bar, CorporateAction, FeedStatus, Trade
from actors.model.calendar import BUILT_IN, Calendars, calendar_named
from actors.model.instrument import Instrument

GRACE_NS = 250_000_000
SOURCE_GRACE_NS = 5_000_000_000
BACKFILL_DEADLINE_NS = 60_000_000_000

Key = tuple[str, int]


class BarsState(msgspec.Struct, array_like=True):
    """All builders, by instrument and interval, in the order of their subscriptions."""

    builders: list[tuple[str, int, BuilderState]]


class BarCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was dropped, over all subscriptions."""

    late: int
    outside: int
    incomplete: int


class BarsActor(CoreActor):
    """Builds the bars of all subscriptions."""

    name = "bars"
    state_type = BarsState

    def __init__(
        self,
        specs: Sequence[BarSpec],
        *,
        instruments: Mapping[str, Instrument],
        calendars: Calendars = BUILT_IN,
        grace_ns: int = GRACE_NS,
        source_grace_ns: int = SOURCE_GRACE_NS,
        backfill_deadline_ns: int = BACKFILL_DEADLINE_NS,
    ) -> None:
        """
        Args:
            calendars: Those of the instruments say when they trade.
        Raises:
            ConfigError: A subscription cannot be built, or is there twice.
        """
        self._grace_ns, self._source_grace_ns = grace_ns, source_grace_ns
        self._backfill_deadline_ns = backfill_deadline_ns
        self._builders: dict[Key, Builder] = {}
        for spec in specs:
            spec.check()
            key = (spec.instrument, spec.interval_ns)
            if key in self._builders:
                raise ConfigError(f"{spec} are subscribed twice: leave one out")
            if spec.instrument not in instruments:
                raise ConfigError(f"{spec}: the instrument is unknown; configure it first")
            calendar = calendar_named(instruments[spec.instrument].calendar, calendars)
            self._builders[key] = Builder(
                spec,
                bounds=bounds_of(spec, calendar),
                emit=self._emit,
                remind_of_end=self._remind_of_end,
                remind_of_held=self._remind_of_held,
            )

    def counts(self) -> BarCounts:
        """What was dropped so far."""
        states = [builder.state for builder in self._builders.values()]
        return BarCounts(
            late=sum(state.late for state in states),
            outside=sum(state.outside for state in states),
            incomplete=sum(state.incomplete for state in states),
        )

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """The builders themselves: no look-up on the way."""
        if kind is FeedStatus:
            return (self.on_feed_status,)
        builders = [builder for builder in self._builders.values() if builder.spec.instrument == instrument]
        if kind is CorporateAction:
            return [builder.on_corporate_action for builder in builders]
        if kind is Trade:
            return [builder.on_trade for builder in builders if builder.spec.source == "trades"]
        if kind is Bar:
            return [b.on_bar for b in builders if b.spec.source == "bars" or b.spec.needs_backfill]
        return ()

    def on_started(self, started: Started) -> None:
        """A process life begins: whoever has been at work before has missed something since."""
        for builder in self._builders.values():
            if builder.state.end:
                builder.begin_gap()

    def on_feed_status(self, status: FeedStatus) -> None:
        """The line of an instrument went down or came up."""
        for builder in self._builders.values():
            if builder.spec.instrument != status.instrument:
                continue
            if status.status == "live":
                builder.end_gap(status.ts_event)
            else:
                builder.begin_gap()

    def on_backfill_done(self, done: BackfillDone) -> None:
        """History is complete up to `done.last_end`."""
        builder = self._builders.get((done.instrument, done.interval_ns))
        if builder is not None:
            builder.release(done.last_end)

    def on_backfill_due(self, due: BackfillDue) -> None:
        """History has not come in time: what waits is better than nothing."""
        builder = self._builders.get((due.instrument, due.interval_ns))
        if builder is not None:
            builder.release_anyway()

    def on_bar_due(self, due: BarDue) -> None:
        """A bar's time is over, its grace included."""
        builder = self._builders.get((due.instrument, due.interval_ns))
        if builder is not None:
            builder.close_at(due.end)

    # what builders ask for

    def _emit(self, bar: Bar) -> None:
        self.send(bar)

    def _remind_of_end(self, spec: BarSpec, end: int) -> bool:
        """Have the bar closed in time; False when that time is over already."""
        due = end + (self._grace_ns if spec.source == "trades" else self._source_grace_ns)
        if due <= self.now:
            return spec.source == "bars"  # smaller bars from history: the last of them closes it
        reminder = BarDue(ts_event=due, instrument=spec.instrument, interval_ns=spec.interval_ns, end=end)
        self.set_timer(due, reminder)
        return True

    def _remind_of_held(self, spec: BarSpec) -> None:
        due = self.now + self._backfill_deadline_ns
        reminder = BackfillDue(ts_event=due, instrument=spec.instrument, interval_ns=spec.interval_ns)
        self.set_timer(due, reminder)

    # state

    def snapshot(self) -> BarsState:
        """State for the checkpoint."""
        return BarsState([(*key, builder.state) for key, builder in self._builders.items()])

    def restore(self, state: BarsState) -> None:
        """Take a checkpoint's state; subscriptions it does not name begin anew."""
        for instrument, interval, kept in state.builders:
            builder = self._builders.get((instrument, interval))
            if builder is not None:
                builder.state = kept
