"""Results: an actor behind all others that only listens, and keeps what a run's tables are made of.

Reads   SubmitOrder, OrderFilled, TradeClosed, OrderDenied, OrderRejected, OrderCancelled, OrderExpired,
        OrderReplaced, ChargeBooked, PositionSplit, StrategyFailed   what happened, kept in order
        MarginCalled                    counted
        SnapshotDue                     its own timer: the accounts are valued
Writes  nothing
State   the events not yet taken, the samples of equity and positions
Fails   fatal: a result with a hole would be believed

Nothing is called per input. A sample is taken behind everything that happened by the end of its period, and
only if something came since the one before; too many samples are thinned to every second one.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Mapping, Sequence
from itertools import compress
from math import nan
from typing import Any

from actors.core.actor import CoreActor
from actors.ledger.actor import LedgerActor
from actors.ledger.attribution import Attribution
from actors.ledger.lots import Position
from actors.messages.account import AccountSnapshot, TradeClosed
from actors.messages.clearing import ChargeBooked, MarginCalled, PositionSplit
from actors.messages.control import SnapshotDue, StrategyFailed
from actors.messages.orders import (
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from actors.views.valuation import Valuation

Event = (
    SubmitOrder
    | OrderFilled
    | TradeClosed
    | OrderDenied
    | OrderRejected
    | OrderCancelled
    | OrderExpired
    | OrderReplaced
    | ChargeBooked
    | PositionSplit
)
SAMPLES_MAX = 100_000
FIGURES = (
    "equity", "cash", "gross_exposure", "net_exposure", "unrealised_pnl", "realised_pnl", "fees",
)  # fmt: skip


class HeldLog:
    """What was held at each sample, column by column.

    Plain columns, as numbers that live on one by one would scatter those of the inputs over all memory.
    """

    def __init__(self) -> None:
        self.times = array("q")
        self.strategies: list[str] = []
        self.instruments: list[str] = []
        self.quantities, self.values = array("d"), array("d")

    def add(self, ts: int, strategy: str, instrument: str, quantity: float, value: float) -> None:
        """One position."""
        row = (ts, strategy, instrument, quantity, value)
        for column, each in zip(self._columns(), row, strict=True):
            column.append(each)

    def _columns(self) -> Sequence[Any]:
        return self.times, self.strategies, self.instruments, self.quantities, self.values

    def drop_last(self, ts: int) -> None:
        """Forget what was held at that time, which is the newest."""
        while self.times and self.times[-1] == ts:
            for column in self._columns():
                column.pop()

    def keep(self, times: Container[int]) -> None:
        """Forget what was held at other times."""
        is_kept = [ts in times for ts in self.times]
        for column in self._columns():
            kept = list(compress(column, is_kept))
            del column[:]
            column.extend(kept)


class EquityLog:
    """Samples of one account, column by column."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.start = 0.0
        """Equity before the first input."""
        self.times = array("q")
        self.figures = {name: array("d") for name in FIGURES}
        self.marks = array("d")
        """Of the instrument that the account is compared with; NaN before any price."""
        self.held = HeldLog()

    def add(self, ts: int, snapshot: AccountSnapshot, gross: float, net: float, mark: float | None) -> None:
        """One sample; a second one of the same time takes the first one's place.

        Only where the account began with something else, a moment is left for that.
        """
        if len(self.times) == 1 and self.times[0] >= ts and self.figures["equity"][0] != snapshot.equity:
            self.times[0] = ts - 1
        if self.times and self.times[-1] >= ts:
            ts = self.times.pop()
            self.marks.pop()
            for column in self.figures.values():
                column.pop()
            self.held.drop_last(ts)
        self.times.append(ts)
        self.marks.append(nan if mark is None else mark)
        values = (
            snapshot.equity, snapshot.cash, gross, net, snapshot.unrealised_pnl, snapshot.realised_pnl,
            snapshot.fees,
        )  # fmt: skip
        for column, value in zip(self.figures.values(), values, strict=True):
            column.append(value)

    def thin(self, interval_ns: int) -> None:
        """Keep the first sample and those at whole intervals."""
        kept = [n for n, ts in enumerate(self.times) if not ts % interval_ns or n == 0]
        self.times = array("q", [self.times[n] for n in kept])
        self.marks = array("d", [self.marks[n] for n in kept])
        self.figures = {name: array("d", [column[n] for n in kept]) for name, column in self.figures.items()}
        self.held.keep(dict.fromkeys(self.times))


class Results(CoreActor):
    """Keeps what happened; `begin` starts the samples."""

    name = "results"

    def __init__(self) -> None:
        self.events: list[Event] = []
        """Since they were taken last."""
        self.rates: dict[int, float] = {}
        """Place in `events` → account currency per quote currency, where the two differ."""
        self.failures: list[tuple[StrategyFailed, int, int]] = []
        """What failed, the number of the input, and its time."""
        self.margin_calls: dict[str, int] = {}
        """Account → how often it was called."""
        self.equity: dict[str, EquityLog] = {}
        self.benchmarks: Mapping[str, str] = {}
        self.interval_ns = self.configured_interval_ns = 0
        self.inputs = 0
        """Of the data, since `begin`."""
        self.inputs_before = 0
        """Numbers taken before the data began."""
        self.attribution_before: dict[str, list[Attribution]] = {}
        """Account → what positions had come to before they were valued first."""
        self._offset_ns = 0
        self._last_seq = 0
        self._ledger: LedgerActor | None = None
        self._instruments: Mapping[str, Instrument] = {}
        self._foreign: dict[tuple[str, str], str] = {}
        self._valuation = Valuation(())

    def begin(
        self,
        ledger: LedgerActor,
        currencies: Mapping[str, str],
        instruments: Mapping[str, Instrument],
        *,
        benchmarks: Mapping[str, str],
        ts: int,
        interval_ns: int,
        offset_ns: int,
    ) -> None:
        """Value the accounts now, and at the end of every interval from here on.

        Args:
            benchmarks: Account → the instrument that holding it is compared with.
            offset_ns: How long after an instant the inputs that tell of it come.
        """
        self._ledger, self._instruments, self.benchmarks = ledger, instruments, benchmarks
        self._valuation = Valuation(instruments.values())
        self.interval_ns = self.configured_interval_ns = interval_ns
        self._offset_ns = offset_ns
        self.equity = {name: EquityLog(currency) for name, currency in currencies.items()}
        self._foreign = {
            (account, each.id): each.quote
            for account, currency in currencies.items()
            for each in instruments.values()
            if each.quote != currency
        }
        self.sample(ts)
        self.attribution_before = {account: ledger.attribution(account) for account in currencies}
        for log in self.equity.values():
            log.start = log.figures["equity"][0]
        self._wait(ts - 1)  # what comes at `ts` ends a period, if that is where one ends

    # what happened

    def on_event(
        self,
        event: SubmitOrder
        | OrderDenied
        | OrderRejected
        | OrderCancelled
        | OrderExpired
        | OrderReplaced
        | PositionSplit,
    ) -> None:
        """Keep it."""
        self.events.append(event)

    def on_money(self, event: OrderFilled | TradeClosed) -> None:
        """Keep it, with the rate of the moment where the account counts in another currency."""
        if self._foreign:
            quote = self._foreign.get((event.account, event.instrument))
            if quote is not None:
                self._note_rate(event.account, quote)
        self.events.append(event)

    def on_charge(self, event: ChargeBooked) -> None:
        """Keep it with the rate of the moment."""
        if event.account in self.equity and event.asset != self.equity[event.account].currency:
            self._note_rate(event.account, event.asset)
        self.events.append(event)

    def _note_rate(self, account: str, asset: str) -> None:
        rate = self._valuation.price(asset, self.equity[account].currency, self.market)
        self.rates[len(self.events)] = float("nan") if rate is None else rate

    def take(self) -> list[tuple[Event, float]]:
        """What happened since this was asked last, each with its rate; it is kept here no longer."""
        rates = self.rates
        taken = [(event, rates.get(place, 1.0)) for place, event in enumerate(self.events)]
        self.events.clear()
        rates.clear()
        return taken

    def on_margin_called(self, event: MarginCalled) -> None:
        """Count it."""
        self.margin_calls[event.account] = self.margin_calls.get(event.account, 0) + 1

    def on_strategy_failed(self, event: StrategyFailed) -> None:
        """Keep it with the number of the input."""
        self.failures.append((event, self.seq, self.now))

    # what everything was worth

    def on_snapshot_due(self, due: SnapshotDue) -> None:
        """A period is over."""
        ts = due.ts_event - self._offset_ns - 1
        if self.seq != self._last_seq:
            self.sample(ts)
        self._wait(ts)

    def _wait(self, ts: int) -> None:
        # One nanosecond behind: a bar that ends with the period is in it.
        due = ts - ts % self.interval_ns + self.interval_ns + self._offset_ns + 1
        self.set_timer(due, SnapshotDue(ts_event=due))

    def sample(self, ts: int) -> None:
        """Value every account as of now, under the time given."""
        assert self._ledger is not None, "begin comes first"
        self._last_seq = self.seq
        for account, log in self.equity.items():
            positions = [each for each in self._ledger.positions(account) if each.quantity]
            snapshot = self._ledger.at_mark(account)
            values = [self._value(log.currency, position) for position in positions]
            compared = self.benchmarks.get(account)
            mark = self.market.mark_price(compared) if compared is not None else None
            log.add(ts, snapshot, sum(map(abs, values)), sum(values), mark)
            for each, value in zip(positions, values, strict=True):
                log.held.add(log.times[-1], each.strategy, each.instrument, float(each.quantity), value)
        if self.equity and len(next(iter(self.equity.values())).times) > SAMPLES_MAX:
            self.interval_ns *= 2
            for log in self.equity.values():
                log.thin(self.interval_ns)

    def _value(self, currency: str, position: Position) -> float:
        """Signed value of a position at mark in the account's currency; 0 while it has no price."""
        instrument = self._instruments[position.instrument]
        mark = self.market.mark_price(position.instrument)
        rate = self._valuation.price(instrument.quote, currency, self.market)
        if mark is None or rate is None:
            return 0.0
        return float(position.quantity) * float(instrument.multiplier) * mark * rate
